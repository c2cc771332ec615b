/** What `oidc.ts` and its process agree on. */
export const audience = 'https://api.example.com/';
export const clientId = 'app';
export const signInGrant = 'urn:example:sign-in';
export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Clients with a secret, whose characters an encoding can spoil. */
export const confidentialClients = {
  client_secret_basic: { id: 'app:basic/~', secret: 'p+%20 &=:"~!*\'()' },
  client_secret_post: { id: 'app:post', secret: 'p+%20 &=:"~!*\'()' },
} as const;

export type Authentication = keyof typeof confidentialClients;

export interface ProcessInput {
  readonly accessTokenTtl: number;
  readonly refreshTokenTtl: number;
  readonly delayMs: number;
}

export interface ProcessRequest {
  readonly id: number;
  readonly action: 'counts' | 'verify' | 'revoke-subject';
  readonly value: string;
}

export interface ProcessAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string | undefined; readonly message: string };
}
