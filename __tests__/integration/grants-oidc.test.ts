import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import axios, { type AxiosInstance } from 'axios';
import {
  clientCredentialsGrant,
  clientCredentialsRequest,
  jwtBearerGrant,
  readTokenResponse,
  refreshTokenGrant,
  refreshTokenRequest,
  tokenExchangeGrant,
} from '../../src/grants/index.js';
import { installTokenRefresh, type TokenSession, type TokenSessionOptions } from '../../src/index.js';
import { startApi, type Api, type Echo } from '../support/api.js';
import { startAuthorizationServer, type AuthorizationServer } from '../support/oidc.js';
import { confidentialClients, type Authentication } from '../support/oidc-protocol.js';
import { adapters, afterwards, failureOf, type AdapterName } from './scene.js';

let auth: AuthorizationServer;
let api: Api;

beforeAll(async () => {
  auth = await startAuthorizationServer({ accessTokenTtl: 600 });
  api = await startApi({ verify: (token) => auth.verify(token) });
}, 30_000);

afterAll(async () => {
  await api.close();
  await auth.close();
});

const authentications = ['client_secret_basic', 'client_secret_post', 'none'] as const;
const confidential = Object.keys(confidentialClients) as Authentication[];

function clientOf(authentication: Authentication | 'none'): Parameters<typeof refreshTokenGrant>[0] {
  const { tokenEndpoint } = auth;
  if (authentication === 'none') return { tokenEndpoint, clientId: auth.clientId };
  const { id, secret } = confidentialClients[authentication];
  return { tokenEndpoint, clientId: id, clientSecret: secret, authentication };
}

interface Client {
  readonly instance: AxiosInstance;
  readonly session: TokenSession;
}

function install(adapter: AdapterName, options: TokenSessionOptions): Client {
  const instance = axios.create({ baseURL: api.url, adapter, timeout: 8_000 });
  const session = installTokenRefresh(instance, options);
  afterwards(() => session.dispose());
  return { instance, session };
}

describe.each(adapters)('grants at a real authorization server, over %s', (adapter) => {
  test.each(authentications)(
    'refreshTokenGrant, %s: the token is renewed, and the refresh token rotates',
    async (authentication) => {
      const { refreshToken } = await auth.signIn('ada', authentication === 'none' ? undefined : authentication);
      const { instance, session } = install(adapter, {
        ...refreshTokenGrant(clientOf(authentication)),
        tokens: { accessToken: 'dead', refreshToken, expiresAt: Date.now() - 1 },
      });
      await expect(instance.get<Echo>('/orders')).resolves.toMatchObject({ status: 200 });
      const tokens = new Set([await session.getAccessToken()]);
      for (let round = 0; round < 3; round++) tokens.add(await session.refresh());
      expect(tokens.size).toBe(4);
      await expect(instance.get<Echo>('/orders')).resolves.toMatchObject({ status: 200 });
      expect(session.getSnapshot().expiresAt).toBeGreaterThan(Date.now() + 500_000);
    },
  );

  test('refreshTokenGrant: a refresh token that is no good ends the session', async () => {
    const { instance, session } = install(adapter, {
      ...refreshTokenGrant(clientOf('none')),
      tokens: { accessToken: 'dead', refreshToken: 'made-up', expiresAt: Date.now() - 1 },
    });
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', status: 400 });
    expect(session.status).toBe('expired');
  });

  test('refreshTokenGrant: a session without a refresh token ends with its access token', async () => {
    const before = (await auth.counts()).refreshes;
    const { instance, session } = install(adapter, {
      ...refreshTokenGrant(clientOf('none')),
      tokens: { accessToken: 'dead', expiresAt: Date.now() - 1 },
    });
    expect(await failureOf(instance.get('/orders'))).toMatchObject({
      code: 'AUTH_SESSION_EXPIRED',
      message: expect.stringContaining('no refresh token') as unknown,
    });
    expect(session.status).toBe('expired');
    expect((await auth.counts()).refreshes).toBe(before);
  });

  test.each(confidential)('clientCredentialsGrant, %s: the first request gets a token', async (authentication) => {
    const grant = clientCredentialsGrant({ ...clientOf(authentication), scope: 'api' });
    const { instance, session } = install(adapter, grant);
    const answers = await Promise.all([1, 2, 3].map((id) => instance.get<Echo>(`/orders/${id}`)));
    expect(new Set(answers.map(({ data }) => data.headers['authorization'])).size).toBe(1);
    expect(await session.refresh()).not.toBe(answers[0]?.data.headers['authorization']);
  });

  test('clientCredentialsGrant: a wrong secret is a failed refresh, and quoted nowhere', async () => {
    const client = { ...clientOf('client_secret_basic'), clientSecret: 'a-wrong-secret-of-mine' };
    const { instance, session } = install(adapter, clientCredentialsGrant(client));
    const error = await failureOf(instance.get('/orders'));
    expect(error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'protocol', status: 401 });
    expect(JSON.stringify(error) + String(error)).not.toContain('wrong-secret');
    expect(session.status).toBe('signed-out');
  });

  test.each(confidential)('jwtBearerGrant, %s', async (authentication) => {
    const { accessToken } = await auth.signIn('grace');
    const grant = jwtBearerGrant({ ...clientOf(authentication), assertion: () => accessToken, scope: 'api' });
    const { instance, session } = install(adapter, grant);
    await expect(instance.get<Echo>('/orders')).resolves.toMatchObject({ status: 200 });
    expect(await session.getAccessToken()).not.toBe(accessToken);
  });

  test.each(confidential)('tokenExchangeGrant, %s', async (authentication) => {
    const { accessToken } = await auth.signIn('grace');
    const grant = tokenExchangeGrant({
      ...clientOf(authentication),
      subjectToken: async () => accessToken,
      parameters: { audience: 'orders' },
    });
    const { instance, session } = install(adapter, grant);
    await expect(instance.get<Echo>('/orders')).resolves.toMatchObject({ status: 200 });
    expect(await session.getAccessToken()).not.toBe(accessToken);
  });

  test('jwtBearerGrant: an assertion that the server does not take ends the session', async () => {
    const { accessToken } = await auth.signIn('grace');
    const forged = `${accessToken.split('.', 2).join('.')}.${'A'.repeat(342)}`;
    const grant = jwtBearerGrant({ ...clientOf('client_secret_basic'), assertion: forged });
    expect(await failureOf(install(adapter, grant).instance.get('/orders'))).toMatchObject({
      code: 'AUTH_SESSION_EXPIRED',
      status: 400,
    });
  });
});

describe('the pure functions, with fetch', () => {
  test('clientCredentialsRequest and readTokenResponse', async () => {
    const request = clientCredentialsRequest({ ...clientOf('client_secret_basic'), scope: 'api' });
    const response = await fetch(request.url, { ...request, redirect: 'error' });
    const { accessToken, expiresIn } = readTokenResponse(await response.text());
    await expect(auth.verify(accessToken)).resolves.toMatchObject({
      client_id: clientOf('client_secret_basic').clientId,
    });
    expect(expiresIn).toBe(600);
  });

  test('refreshTokenRequest and readTokenResponse', async () => {
    const { refreshToken } = await auth.signIn('ada');
    const request = refreshTokenRequest(clientOf('none'), refreshToken);
    const response = await fetch(request.url, request);
    const tokens = readTokenResponse(await response.json());
    await expect(auth.verify(tokens.accessToken)).resolves.toMatchObject({ sub: 'ada' });
    expect(tokens.refreshToken).not.toBe(refreshToken);
  });
});
