/** The provider of `oidc.ts`, in a process of its own: it is an ES module only, which Jest's loader cannot import. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import {
  audience,
  clientId,
  confidentialClients,
  jwtBearerGrant,
  signInGrant,
  tokenExchangeGrant,
} from './oidc-protocol.js';
import type { ProcessAnswer, ProcessInput, ProcessRequest } from './oidc-protocol.js';

interface GrantContext {
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly params?: Readonly<Record<string, string | undefined>>;
  };
  body: unknown;
}

interface Model {
  save(): Promise<string>;
}

interface Provider {
  readonly Grant: new (fields: object) => Model & Record<'addOIDCScope' | 'addResourceScope', (...a: string[]) => void>;
  readonly AccessToken: new (fields: object) => Model & { resourceServer?: object };
  readonly RefreshToken: new (fields: object) => Model;
  readonly ResourceServer: new (audience: string, fields: object) => object;
  callback(): RequestListener;
  registerGrantType(name: string, handler: (ctx: GrantContext) => Promise<void>, params: readonly string[]): void;
  on(event: string, listener: (ctx: GrantContext, error?: { readonly error_detail?: string }) => void): void;
}

interface Stored {
  readonly accountId?: string;
  readonly grantId?: string;
  consumed?: number;
}

const { accessTokenTtl, refreshTokenTtl, delayMs } = JSON.parse(process.argv[2] ?? '') as ProcessInput;
const counts = { refreshes: 0, refused: 0, reuses: 0 };
const records = new Map<string, Stored>();

/** The part of the provider's adapter interface that its token endpoint needs. */
function memoryAdapter(model: string) {
  return {
    upsert: async (id: string, record: Stored) => void records.set(`${model}:${id}`, record),
    find: async (id: string) => records.get(`${model}:${id}`),
    destroy: async (id: string) => void records.delete(`${model}:${id}`),
    revokeByGrantId: async (grantId: string) => forget((record) => record.grantId === grantId),
    consume: async (id: string) => {
      const record = records.get(`${model}:${id}`);
      if (record) record.consumed = Math.floor(Date.now() / 1000);
    },
  };
}

function forget(matches: (record: Stored) => boolean): void {
  for (const [key, record] of records) if (matches(record)) records.delete(key);
}

interface ProviderModule {
  readonly default: new (issuer: string, configuration: object) => Provider;
  readonly errors: { readonly InvalidGrant: new (detail: string) => Error };
}

async function importProvider(): Promise<ProviderModule> {
  // It has no types, and on loading it warns of any Node below 22, on which it works all the same.
  console.warn = () => undefined;
  console.info = () => undefined;
  const name = 'oidc-provider' as string;
  return (await import(name)) as ProviderModule;
}

const { default: Provider, errors } = await importProvider();
const server = createServer();
await once(server.listen(0, '127.0.0.1'), 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const resourceServer = {
  scope: 'api',
  audience,
  accessTokenFormat: 'jwt',
  accessTokenTTL: accessTokenTtl,
  jwt: { sign: { alg: 'RS256' } },
};
const provider = new Provider(url, {
  adapter: memoryAdapter,
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'key-1' }] },
  clients: [
    {
      client_id: clientId,
      token_endpoint_auth_method: 'none',
      grant_types: [signInGrant, 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    },
    ...Object.entries(confidentialClients).map(([authentication, { id, secret }]) => ({
      client_id: id,
      client_secret: secret,
      token_endpoint_auth_method: authentication,
      grant_types: [signInGrant, 'refresh_token', 'client_credentials', jwtBearerGrant, tokenExchangeGrant],
      response_types: [],
      redirect_uris: [],
    })),
  ],
  scopes: ['offline_access', 'api'],
  findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  clientBasedCORS: () => true,
  ttl: { AccessToken: accessTokenTtl, RefreshToken: refreshTokenTtl, Grant: refreshTokenTtl },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => resourceServer,
    },
  },
});

/** Issues tokens for a subject. A refresh token only where one is asked for. */
async function issue(ctx: GrantContext, accountId: string, gty: string, withRefreshToken: boolean): Promise<void> {
  const { client } = ctx.oidc;
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope('offline_access');
  grant.addResourceScope(audience, 'api');
  const common = { accountId, client, grantId: await grant.save(), gty };
  const accessToken = new provider.AccessToken({ ...common, scope: 'api' });
  accessToken.resourceServer = new provider.ResourceServer(audience, resourceServer);
  const refresh = { scope: 'offline_access api', resource: audience, rotations: 0 };
  ctx.body = {
    access_token: await accessToken.save(),
    expires_in: accessTokenTtl,
    token_type: 'Bearer',
    ...(withRefreshToken && { refresh_token: await new provider.RefreshToken({ ...common, ...refresh }).save() }),
  };
}
provider.registerGrantType(signInGrant, (ctx) => issue(ctx, ctx.oidc.params?.['subject'] ?? '', signInGrant, true), [
  'subject',
]);

/** Grants that hand in one of the provider's own tokens: signature, issuer, audience and expiry are checked. */
function registerHandIn(name: string, parameter: string, further: readonly string[]): void {
  const handle = async (ctx: GrantContext): Promise<void> => {
    let subject: string | undefined;
    try {
      subject = (await jwtVerify(ctx.oidc.params?.[parameter] ?? '', keys, checks)).payload.sub;
    } catch {
      throw new errors.InvalidGrant('the token handed in is not valid');
    }
    await issue(ctx, subject ?? '', name, false);
  };
  provider.registerGrantType(name, handle, [parameter, 'scope', ...further]);
}
const keys = createRemoteJWKSet(new URL(`${url}/jwks`));
const checks = { issuer: url, audience, typ: 'at+jwt', algorithms: ['RS256'], clockTolerance: 0 };
registerHandIn(jwtBearerGrant, 'assertion', []);
registerHandIn(tokenExchangeGrant, 'subject_token', ['subject_token_type', 'requested_token_type', 'audience']);

const isRefresh = (ctx: GrantContext): boolean => ctx.oidc.params?.['grant_type'] === 'refresh_token';
provider.on('grant.success', (ctx) => {
  if (isRefresh(ctx)) counts.refreshes += 1;
});
provider.on('grant.error', (ctx, error) => {
  if (!isRefresh(ctx)) return;
  counts.refreshes += 1;
  counts.refused += 1;
  if (error?.error_detail === 'refresh token already used') counts.reuses += 1;
});

const answer = provider.callback();
server.on('request', (request, response) => {
  if (delayMs > 0 && request.url === '/token') setTimeout(answer, delayMs, request, response);
  else answer(request, response);
});

async function serve({ action, value }: ProcessRequest): Promise<unknown> {
  if (action === 'counts') return counts;
  if (action === 'verify') return (await jwtVerify(value, keys, checks)).payload;
  forget((record) => record.accountId === value);
  return undefined;
}

const tell = (message: ProcessAnswer | { readonly url: string }): unknown => process.send?.(message);
process.on('message', (request: ProcessRequest) => {
  serve(request).then(
    (result) => tell({ id: request.id, result }),
    (error: unknown) => {
      const { code, message } = error as NodeJS.ErrnoException;
      tell({ id: request.id, error: { code, message } });
    },
  );
});
process.on('disconnect', () => process.exit());
tell({ url });
