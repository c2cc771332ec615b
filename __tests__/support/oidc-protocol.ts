/** What `oidc.ts` and its process agree on. */
export const audience = 'https://api.example.com/';
export const clientId = 'app';
export const signInGrant = 'urn:example:sign-in';

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
