/** The way of a grant’s requests: through the instance’s own client, to its endpoint, and no further. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import axios, { type InternalAxiosRequestConfig } from 'axios';
import {
  clientCredentialsGrant,
  jsonRefresh,
  jwtBearerGrant,
  refreshTokenGrant,
  tokenExchangeGrant,
  type SupplyContext,
} from '../../src/grants/index.js';
import { field } from '../../src/core/redact.js';
import { installTokenRefresh, memoryStore, type TokenSession, type TokenSessionOptions } from '../../src/index.js';
import { findIn } from '../support/canaries.js';
import { fakeClock } from '../support/clock.js';
import { jwt } from '../support/jwt.js';
import { startServer } from '../support/server.js';
import { adapters, afterwards, failureOf, gate, server, type AdapterName } from './scene.js';

const clientSecret = 'Zk3vQ8xWp1Lm7RtYb5Nc';
const refreshToken = 'Hj6dFs2GaX9eUo4TiVwB';
const assertion = jwt({ sub: 'canary-assertion-subject' });
const subjectToken = 'Pq0zMy7CnE3rKl8SxJhD';
const canaries = [clientSecret, refreshToken, assertion, subjectToken];
const tokens = { accessToken: 'dead', refreshToken, expiresAt: 1 };

/** Every grant that asks a token endpoint. */
const grants = (tokenEndpoint: string): readonly (readonly [name: string, options: TokenSessionOptions])[] => {
  const client = { tokenEndpoint, clientId: 'app', clientSecret, authentication: 'client_secret_post' } as const;
  return [
    ['refreshTokenGrant', { ...refreshTokenGrant(client), tokens }],
    ['clientCredentialsGrant', clientCredentialsGrant(client)],
    ['jwtBearerGrant', jwtBearerGrant({ ...client, assertion })],
    ['tokenExchangeGrant', tokenExchangeGrant({ ...client, subjectToken })],
    ['jsonRefresh', { ...jsonRefresh({ url: tokenEndpoint }), tokens }],
  ];
};
const names = grants('https://login.example.com/').map(([name]) => name);
const grantOf = (name: string, tokenEndpoint: string): TokenSessionOptions => {
  const found = grants(tokenEndpoint).find(([known]) => known === name);
  if (!found) throw new Error(`There is no ${name}.`);
  return { retry: false, ...found[1] };
};

function session(
  adapter: AdapterName,
  baseURL: string,
  options: TokenSessionOptions,
  defaults: object = {},
): TokenSession {
  const made = installTokenRefresh(axios.create({ baseURL, adapter, timeout: 4_000, ...defaults }), options);
  afterwards(() => made.dispose());
  return made;
}

describe.each(adapters)('over %s', (adapter) => {
  describe.each(names)('%s', (name) => {
    const answer = { body: { access_token: 'token-2', accessToken: 'token-2', expires_in: 60 } };

    test('asks its endpoint, wherever the API is', async () => {
      const [auth, api] = [await server(() => answer), await server()];
      const options = grantOf(name, `${auth.url}/oauth2/token`);
      const made = session(adapter, `${api.url}/v1/`, options, { allowAbsoluteUrls: false });
      expect(await made.refresh()).toBe('token-2');
      expect(auth.seen.map(({ method, url }) => [method, url])).toStrictEqual([['POST', '/oauth2/token']]);
      expect(api.seen).toHaveLength(0);
    });

    test('asks its endpoint, though the API is at a Unix socket', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'socket-'));
      afterwards(() => rm(folder, { recursive: true }));
      const socketPath = join(folder, 'api.sock');
      const [auth, api] = [await server(() => answer), await startServer(() => answer, { socketPath })];
      afterwards(() => api.close());
      const made = session(adapter, 'http://localhost', grantOf(name, auth.url), { socketPath });
      expect(await made.refresh()).toBe('token-2');
      expect([auth.seen.length, api.seen.length]).toStrictEqual([1, 0]);
    });

    test.each([301, 302, 303, 307, 308])('takes its secrets along no %i', async (status) => {
      const other = await server(() => answer);
      const auth = await server(() => ({ status, headers: { Location: `${other.url}/collect` } }));
      const made = session(adapter, auth.url, grantOf(name, auth.url));
      expect(await failureOf(made.refresh())).toMatchObject({
        code: 'AUTH_TOKEN_REFRESH_FAILED',
        status,
        kind: 'protocol',
      });
      expect([auth.seen.length, other.seen.length]).toStrictEqual([1, 0]);
    });

    test('tells none of its secrets, though the server repeats them', async () => {
      const auth = await server(({ body }) => ({
        status: 400,
        body: { error: 'invalid_grant', error_description: body.toString(), request_id: 'req-9' },
      }));
      const made = session(adapter, auth.url, grantOf(name, auth.url));
      const told: unknown[] = [];
      made.on('event', (event) => told.push(event));
      const error = await failureOf(made.refresh());
      expect(error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', requestId: 'req-9', status: 400 });
      expect(findIn(inspect([error, told], { depth: 9 }) + JSON.stringify([error, told]), canaries)).toStrictEqual([]);
    });

    test.each([
      ['nothing', ''],
      ['a page', '<html></html>'],
      ['no token', { access_token: '', accessToken: '' }],
    ])('an answer of %s is no token', async (_, body) => {
      const auth = await server(() => ({ body }));
      const made = session(adapter, auth.url, grantOf(name, auth.url));
      expect(await failureOf(made.refresh())).toMatchObject({
        code: 'AUTH_REFRESH_RESPONSE_INVALID',
        kind: 'protocol',
      });
    });

    test('a server that is busy is asked again', async () => {
      const auth = await server((_, index) =>
        index === 0 ? { status: 503, body: { error: 'temporarily_unavailable' } } : answer,
      );
      const retry = { minDelayMs: 1, maxDelayMs: 1 };
      const made = session(adapter, auth.url, { ...grantOf(name, auth.url), retry });
      expect(await made.refresh()).toBe('token-2');
      expect(auth.seen).toHaveLength(2);
    });
  });

  test('jsonRefresh finds a path below the baseURL', async () => {
    const api = await server(() => ({ body: { accessToken: 'token-2' } }));
    await session(adapter, `${api.url}/v1`, { ...jsonRefresh({ url: '/refresh-token' }), tokens }).refresh();
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/v1/refresh-token' });
    expect(api.seen[0]?.body.toString()).toBe(JSON.stringify({ refreshToken }));
  });
});

test('the instance’s own adapter is used, and cookies go along where they should', async () => {
  const sent: InternalAxiosRequestConfig[] = [];
  const instance = axios.create({
    baseURL: 'https://api.example.com',
    adapter: async (config) => {
      sent.push(config);
      return { status: 200, statusText: '', headers: {}, data: '{"accessToken":"token-2"}', config, request: {} };
    },
  });
  const made = installTokenRefresh(
    instance,
    jsonRefresh({ url: '/refresh-token', cookie: true, headers: { 'X-App': '1' } }),
  );
  afterwards(() => made.dispose());
  await instance.get('/orders');
  expect(sent.map(({ url, withCredentials, data }) => [url, withCredentials, data as unknown])).toStrictEqual([
    ['/refresh-token', true, undefined],
    ['/orders', undefined, undefined],
  ]);
  expect(sent[0]?.headers.get('X-App')).toBe('1');
});

test.each(names.slice(1, 4))('%s keeps no refresh token: it has no use for one', async (name) => {
  const auth = await server(() => ({ body: { access_token: 'token-2', refresh_token: refreshToken } }));
  const store = memoryStore();
  await session('http', auth.url, { ...grantOf(name, auth.url), store }).refresh();
  expect(await store.load()).toMatchObject({ accessToken: 'token-2', refreshToken: undefined });
});

describe('a function that supplies a token', () => {
  const supplied = async (supply: (context: SupplyContext) => unknown): Promise<TokenSession> => {
    const auth = await server(() => ({ body: { access_token: 'token-2' } }));
    const grant = jwtBearerGrant({ tokenEndpoint: auth.url, assertion: supply as () => string });
    return session('http', auth.url, { ...grant, retry: false });
  };

  test.each<readonly [what: string, supply: () => unknown]>([
    [
      'throws',
      () => {
        throw new Error(`no key for ${assertion}`);
      },
    ],
    ['rejects', () => Promise.reject(new Error(`no key for ${assertion}`))],
  ])('that %s fails that refresh, and its message is kept back', async (_, supply) => {
    const error = await failureOf((await supplied(supply)).refresh());
    expect(error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'callback' });
    expect(findIn(inspect(error), canaries)).toStrictEqual([]);
  });

  test.each([undefined, null, 5, '', {}, [assertion]])('that returns %j sends nothing', async (value) => {
    expect(await failureOf((await supplied(() => value)).refresh())).toMatchObject({ code: 'AUTH_TOKEN_MALFORMED' });
  });

  test('hears of a sign-out, and what it brings then is not sent', async () => {
    const late = gate<string>();
    const contexts: SupplyContext[] = [];
    const auth = await server(() => ({ body: { access_token: 'token-2' } }));
    const grant = jwtBearerGrant({
      tokenEndpoint: auth.url,
      assertion: (context) => {
        contexts.push(context);
        return late.promise;
      },
    });
    const made = session('http', auth.url, grant);
    const refreshing = failureOf(made.refresh());
    await made.signOut();
    expect(await refreshing).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(contexts.map(({ signal }) => signal.aborted)).toStrictEqual([true]);
    late.open(assertion);
    await new Promise((resolve) => setImmediate(resolve));
    expect(auth.seen).toHaveLength(0);
  });

  test('is told this machine’s time where the two agree but for rounding', async () => {
    const clock = fakeClock();
    const times: number[] = [];
    const auth = await server(() => ({
      headers: { Date: new Date(clock.now() + 2_000).toUTCString() },
      body: { access_token: 'token-2' },
    }));
    const assert = ({ now }: SupplyContext): string => {
      times.push(now);
      return assertion;
    };
    const made = session('http', auth.url, jwtBearerGrant({ tokenEndpoint: auth.url, assertion: assert, clock }));
    await made.refresh();
    await made.refresh();
    expect(times).toStrictEqual([clock.now(), clock.now()]);
  });

  test.each(['assertion', 'subjectToken', 'actorToken'])(
    'is told the server’s time once an answer has: %s',
    async (option) => {
      const ahead = Date.now() + 7_200_000;
      const times: number[] = [];
      const { url: tokenEndpoint } = await server(() => ({
        headers: { Date: new Date(ahead).toUTCString() },
        body: { access_token: 'token-2' },
      }));
      const supply = ({ now }: SupplyContext): string => {
        times.push(now);
        return jwt({ iat: Math.floor(now / 1_000) });
      };
      const grant =
        option === 'assertion'
          ? jwtBearerGrant({ tokenEndpoint, assertion: supply })
          : tokenExchangeGrant({ tokenEndpoint, subjectToken, [option]: supply });
      const made = session('http', tokenEndpoint, grant);
      await made.refresh();
      await made.refresh();
      const [first = 0, second = 0] = times;
      expect(Math.abs(ahead - second)).toBeLessThan(60_000);
      expect(Math.abs(ahead - first)).toBeGreaterThan(7_000_000);
    },
  );

  test.each([
    ['access tokens', {}, jwt({ exp: 1 }), 'token-2'],
    ['JWTs', { subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt' }, jwt({ exp: 1 }), 'AUTH_TOKEN_EXPIRED'],
    ['ID tokens', { subjectTokenType: 'urn:ietf:params:oauth:token-type:id_token' }, 'opaque', 'AUTH_TOKEN_MALFORMED'],
  ])('tokenExchangeGrant looks into what it is told are JWTs: %s', async (_, types, token, outcome) => {
    const auth = await server(() => ({ body: { access_token: 'token-2', token_type: 'Bearer' } }));
    const grant = tokenExchangeGrant({ tokenEndpoint: auth.url, subjectToken: token, ...types });
    const made = session('http', auth.url, { ...grant, retry: false });
    expect(await made.refresh().catch((error: unknown) => field(error, 'code'))).toBe(outcome);
    expect(auth.seen).toHaveLength(outcome === 'token-2' ? 1 : 0);
  });

  test.each([
    ['another type than an access token', 'urn:ietf:params:oauth:token-type:jwt', 'token-2'],
    ['an access token', 'urn:ietf:params:oauth:token-type:access_token', 'AUTH_REFRESH_RESPONSE_INVALID'],
    ['what the server gives', undefined, 'AUTH_REFRESH_RESPONSE_INVALID'],
  ])('tokenExchangeGrant takes the token type N_A for %s', async (_, requestedTokenType, outcome) => {
    const auth = await server(() => ({ body: { access_token: 'token-2', token_type: 'N_A' } }));
    const types = requestedTokenType === undefined ? {} : { requestedTokenType };
    const grant = tokenExchangeGrant({ tokenEndpoint: auth.url, subjectToken, ...types });
    const made = session('http', auth.url, { ...grant, retry: false });
    expect(await made.refresh().catch((error: unknown) => field(error, 'code'))).toBe(outcome);
  });
});

describe('a server that rotates refresh tokens and ends the session when an old one comes back', () => {
  /** The first answer has these fields besides the tokens. */
  async function rotating(odd: object): Promise<string> {
    let serial = 1;
    const { url } = await server(({ body }) => {
      if (new URLSearchParams(body.toString()).get('refresh_token') !== `refresh-${serial}`)
        return { status: 400, body: { error: 'invalid_grant' } };
      serial += 1;
      const extra = serial === 2 ? odd : { token_type: 'Bearer' };
      return { body: { access_token: `access-${serial}`, refresh_token: `refresh-${serial}`, ...extra } };
    });
    return url;
  }
  const start = { accessToken: 'access-1', refreshToken: 'refresh-1' };

  test.each(['soon', '', -1, {}, [], true])('keeps the session though its expires_in is %j', async (expires_in) => {
    const tokenEndpoint = await rotating({ expires_in });
    const grant = refreshTokenGrant({ tokenEndpoint, clientId: 'app' });
    const made = session('http', tokenEndpoint, { ...grant, tokens: start });
    expect([await made.refresh(), await made.refresh()]).toStrictEqual(['access-2', 'access-3']);
  });

  test('keeps the session though one of its access tokens is of a type that cannot be used', async () => {
    const tokenEndpoint = await rotating({ token_type: 'DPoP', expires_in: 300 });
    const grant = refreshTokenGrant({ tokenEndpoint, clientId: 'app' });
    const made = session('http', tokenEndpoint, { ...grant, tokens: start, retry: false });
    const refused = await failureOf(made.refresh());
    expect(refused).toMatchObject({ code: 'AUTH_REFRESH_RESPONSE_INVALID' });
    expect(await made.getAccessToken()).toBe('access-1');
    expect(await made.refresh()).toBe('access-3');
  });
});

test('a refresh token grant names a token type that cannot be used where nothing else is to be kept', async () => {
  const auth = await server(() => ({ body: { access_token: 'access-2', token_type: 'DPoP' } }));
  const grant = refreshTokenGrant({ tokenEndpoint: auth.url, clientId: 'app' });
  const made = session('http', auth.url, { ...grant, tokens: { accessToken: 'a', refreshToken }, retry: false });
  expect(String(await failureOf(made.refresh()))).toContain('its "token_type" ("DPoP") is not Bearer');
});
