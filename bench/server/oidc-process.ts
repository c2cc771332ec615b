/** oidc-provider with rotation, ES256 access tokens, and an adapter of the same storage class. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import type { ContenderInput, Ready } from './contender.js';
import { adapterOf } from './oidc-adapter.js';

interface Model {
  save(): Promise<string>;
}
interface Provider {
  readonly Grant: new (
    fields: object,
  ) => Model & Record<'addOIDCScope' | 'addResourceScope', (...all: string[]) => void>;
  readonly RefreshToken: new (fields: object) => Model;
  readonly Client: { find(id: string): Promise<object> };
  callback(): RequestListener;
}

const { storage, place, sessions } = JSON.parse(process.argv[2] ?? '') as ContenderInput;
// It has no types, and on loading it warns of any Node below 22, on which it works all the same.
console.warn = () => undefined;
console.info = () => undefined;
const name = 'oidc-provider' as string;
const { default: OidcProvider } = (await import(name)) as {
  default: new (issuer: string, configuration: object) => Provider;
};

const audience = 'https://api.test';
const server = createServer();
await once(server.listen(0, '127.0.0.1'), 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const resourceServer = {
  scope: 'api',
  audience,
  accessTokenFormat: 'jwt',
  accessTokenTTL: 900,
  jwt: { sign: { alg: 'ES256' } },
};
const provider = new OidcProvider(url, {
  adapter: await adapterOf(storage, place),
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'key-1' }] },
  clients: [
    {
      client_id: 'bench',
      token_endpoint_auth_method: 'none',
      grant_types: ['refresh_token', 'authorization_code'],
      redirect_uris: ['https://app.test/'],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  scopes: ['offline_access', 'api'],
  findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  ttl: { AccessToken: 900, RefreshToken: 604_800, Grant: 604_800 },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => resourceServer,
    },
  },
});

const client = await provider.Client.find('bench');
const tokens: string[] = [];
for (let index = 0; index < sessions; index += 1) {
  const accountId = `user-${index}`;
  const grant = new provider.Grant({ accountId, clientId: 'bench' });
  grant.addOIDCScope('offline_access');
  grant.addResourceScope(audience, 'api');
  const fields = { accountId, client, grantId: await grant.save(), gty: 'authorization_code', rotations: 0 };
  const token = new provider.RefreshToken({ ...fields, scope: 'offline_access api', resource: audience });
  tokens.push(await token.save());
}
server.on('request', provider.callback());
process.on('disconnect', () => process.exit());
process.send?.({ url: `${url}/token`, tokens } satisfies Ready);
