/** A real OpenID Connect provider on loopback: short-lived JWTs, refresh tokens that rotate, reuse detection. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { JWTPayload } from 'jose';
import { audience, clientId, confidentialClients, signInGrant, type Authentication } from './oidc-protocol.js';
import type { ProcessAnswer, ProcessInput, ProcessRequest } from './oidc-protocol.js';

export interface AuthorizationServerOptions {
  /** Lifetime of access tokens in whole seconds. `exp` is cut to the second, so up to one second less. @default 4 */
  readonly accessTokenTtl?: number;
  /** Lifetime of a refresh token in seconds. @default 3600 */
  readonly refreshTokenTtl?: number;
  /** How long the token endpoint takes before it looks at a request, in milliseconds. @default 0 */
  readonly delayMs?: number;
}

export interface SignIn {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds. */
  readonly expiresIn: number;
}

export interface AuthorizationServerCounts {
  /** Requests with `grant_type=refresh_token`, whatever came of them. */
  readonly refreshes: number;
  /** Of these: answered with an error. */
  readonly refused: number;
  /** Of these: a refresh token was used twice, and its grant revoked. */
  readonly reuses: number;
}

export interface AuthorizationServer {
  readonly url: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint: string;
  /** A public client: it sends its id alone. */
  readonly clientId: string;
  readonly audience: string;
  counts(): Promise<AuthorizationServerCounts>;
  /** By the public client, or by a confidential one with its secret. */
  signIn(subject: string, client?: Authentication): Promise<SignIn>;
  /** Checks signature, issuer, audience, type and expiry, with no tolerance. Rejects with jose's `code`. */
  verify(accessToken: string): Promise<JWTPayload>;
  /** Withdraws all refresh tokens of a subject: the next refresh is an `invalid_grant`. */
  revokeSubject(subject: string): Promise<void>;
  close(): Promise<void>;
}

export async function startAuthorizationServer(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const input: ProcessInput = { accessTokenTtl: 4, refreshTokenTtl: 3600, delayMs: 0, ...options };
  const path = fileURLToPath(new URL('./oidc-process.ts', import.meta.url));
  const child = fork(path, [JSON.stringify(input)], { execArgv: ['--import', 'tsx'] });
  const [{ url }] = (await Promise.race([once(child, 'message'), failed(child)])) as [{ url: string }];
  const ask = askProcess(child);

  return {
    url,
    tokenEndpoint: `${url}/token`,
    revocationEndpoint: `${url}/token/revocation`,
    clientId,
    audience,
    async counts() {
      return (await ask('counts')) as AuthorizationServerCounts;
    },
    async signIn(subject, client) {
      const credentials = client && confidentialClients[client];
      const body = new URLSearchParams({ grant_type: signInGrant, subject });
      const headers = new Headers();
      if (credentials && client === 'client_secret_basic') {
        const pair = [credentials.id, credentials.secret].map(encodeURIComponent).join(':');
        headers.set('Authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
      } else {
        body.set('client_id', credentials?.id ?? clientId);
        if (credentials) body.set('client_secret', credentials.secret);
      }
      const response = await fetch(`${url}/token`, { method: 'POST', headers, body });
      if (!response.ok) throw new Error(`sign-in failed: ${response.status} ${await response.text()}`);
      const answer = (await response.json()) as { access_token: string; refresh_token: string; expires_in: number };
      return { accessToken: answer.access_token, refreshToken: answer.refresh_token, expiresIn: answer.expires_in };
    },
    async verify(accessToken) {
      return (await ask('verify', accessToken)) as JWTPayload;
    },
    async revokeSubject(subject) {
      await ask('revoke-subject', subject);
    },
    async close() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

async function failed(child: ChildProcess): Promise<never> {
  await once(child, 'exit');
  throw new Error('The authorization server ended before it was asked to.');
}

function askProcess(child: ChildProcess): (action: ProcessRequest['action'], value?: string) => Promise<unknown> {
  const open = new Map<number, (answer: ProcessAnswer) => void>();
  let lastId = 0;
  child.on('message', (answer: ProcessAnswer) => {
    open.get(answer.id)?.(answer);
    open.delete(answer.id);
  });
  return (action, value = '') =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      open.set(id, ({ result, error }) => {
        if (error) reject(Object.assign(new Error(error.message), { code: error.code }));
        else resolve(result);
      });
      child.send({ id, action, value } satisfies ProcessRequest);
    });
}
