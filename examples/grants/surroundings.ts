/** What the examples find around them: servers on loopback in place of those that you have. */
import { startApi } from '../../__tests__/support/api.js';
import { startAuthorizationServer } from '../../__tests__/support/oidc.js';
import { confidentialClients } from '../../__tests__/support/oidc-protocol.js';
import { startServer } from '../../__tests__/support/server.js';
import { startSnowflake } from '../../__tests__/support/snowflake.js';

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

export interface Surroundings {
  readonly apiUrl: string;
  readonly tokenEndpoint: string;
  /** A client without a secret: a page, an application on a device. */
  readonly publicClientId: string;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  /** Signs a user in; how that is done is not the subject here. */
  readonly signIn: () => Promise<Tokens>;
  /** An API with a refresh endpoint of its own. */
  readonly jsonApiUrl: string;
  readonly accountUrl: string;
  readonly signJwt: (now: number) => string;
}

export async function startSurroundings(): Promise<Surroundings & { close(): Promise<void> }> {
  const auth = await startAuthorizationServer({ accessTokenTtl: 600 });
  const api = await startApi({ verify: (token) => auth.verify(token) });
  const snowflake = await startSnowflake();
  const json = await startServer(({ url, token }) => {
    if (url === '/refresh-token')
      return { body: { accessToken: 'token-2', refreshToken: 'refresh-2', expiresIn: 600 } };
    if (url === '/api/token/refresh/') return { body: { access: 'token-2', refresh: 'refresh-2' } };
    return { status: token === 'token-2' ? 200 : 401 };
  });
  const { id: clientId, secret: clientSecret } = confidentialClients.client_secret_basic;
  return {
    apiUrl: api.url,
    tokenEndpoint: auth.tokenEndpoint,
    publicClientId: auth.clientId,
    client: { clientId, clientSecret },
    signIn: () => auth.signIn('ada'),
    jsonApiUrl: json.url,
    accountUrl: snowflake.account.url,
    signJwt: (now) => snowflake.jwt(now),
    async close() {
      await Promise.all([json.close(), snowflake.close(), api.close()]);
      await auth.close();
    },
  };
}
