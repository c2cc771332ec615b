/** Refreshes at a third party, in our codes. The third party is a real HTTP server, or a real provider. */
import { Agent } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import axios from 'axios';
import {
  AuthError,
  createRefreshProxy,
  memberstackUpstream,
  memoryRefreshStore,
  sqliteRefreshStore,
  type AuditRecord,
  type RefreshProxyOptions,
} from '../../src/server/index.js';
import { startAuthorizationServer } from '../support/oidc.js';
import { tokenFor } from '../support/jwt.js';
import { startServer, type Answer as Scripted, type Script, type ScriptedServer } from '../support/server.js';
import { send, type Answer, type Sent } from './support/stage.js';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const secret = 'upstream-refresh-token';

interface Proxied {
  readonly upstream: ScriptedServer;
  readonly told: AuditRecord[];
  readonly faults: unknown[];
  readonly refresh: (refreshToken?: unknown, sent?: Sent) => Promise<Answer>;
}

async function proxy(script: Script | Scripted, options: Partial<RefreshProxyOptions> = {}): Promise<Proxied> {
  const upstream = await startServer(typeof script === 'function' ? script : () => script);
  ends.push(() => upstream.close());
  const told: AuditRecord[] = [];
  const faults: unknown[] = [];
  const handler = createRefreshProxy({
    upstreamUrl: `${upstream.url}/token`,
    audit: (record) => told.push(record),
    onFault: (error) => faults.push(error),
    timeoutMs: 5_000,
    ...options,
  });
  return { upstream, told, faults, refresh: (refreshToken = secret, sent) => send(handler, { refreshToken }, sent) };
}

describe('createRefreshProxy', () => {
  test('passes the token on, and answers with what came back', async () => {
    const accessToken = tokenFor(Date, 600, { sub: 'ada' });
    const { upstream, refresh, told } = await proxy({
      body: { accessToken, refreshToken: 'the-next-one', expiresIn: 600, password: 'x' },
    });
    const answer = await refresh();
    expect(answer).toMatchObject({ status: 200, body: { accessToken, refreshToken: 'the-next-one', expiresIn: 600 } });
    expect(Object.keys(answer.body)).toHaveLength(3);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(upstream.seen.map(({ method, url, body }) => [method, url, body.toString()])).toStrictEqual([
      ['POST', '/token', JSON.stringify({ refreshToken: secret })],
    ]);
    expect(told).toMatchObject([{ event: 'refreshed', subject: 'ada' }]);
  });

  test.each([
    ['short', 'at-2'],
    ['with many groups in it', tokenFor(Date, 600, { groups: Array.from({ length: 200 }, () => 'a'.repeat(36)) })],
  ])('an access token that is %s reaches its owner: the shape is that of refresh tokens', async (_, accessToken) => {
    const { refresh } = await proxy({ body: { accessToken } });
    expect(await refresh()).toMatchObject({ status: 200, body: { accessToken } });
  });

  test.each([
    ['3600', 3600],
    ['soon', undefined],
    ['', undefined],
    [null, undefined],
    [-5, undefined],
  ])('a lifetime that is sent as %j is passed on as %j', async (expires, expiresIn) => {
    const { refresh } = await proxy({ body: { access_token: 'opaque-access-token', expires_in: expires } });
    const { body } = await refresh();
    expect(body).toEqual({ accessToken: 'opaque-access-token', ...(expiresIn !== undefined && { expiresIn }) });
  });

  test('speaks OAuth where it is told how, here to a real provider with rotation', async () => {
    const auth = await startAuthorizationServer({ accessTokenTtl: 60 });
    ends.push(() => auth.close());
    const { refreshToken } = await auth.signIn('ada');
    const handler = createRefreshProxy({
      upstreamUrl: auth.tokenEndpoint,
      mapRequest: (presented) => ({
        data: new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: auth.clientId,
          refresh_token: presented.refreshToken,
        }),
      }),
    });
    const first = await send(handler, { refreshToken });
    expect(first.status).toBe(200);
    expect(await auth.verify(first.body.accessToken ?? '')).toMatchObject({ sub: 'ada' });
    expect((await send(handler, { refreshToken: first.body.refreshToken })).status).toBe(200);
    expect(await send(handler, { refreshToken })).toMatchObject({ status: 401, outcome: 'AUTH_TOKEN_INVALID' });
  });

  const dead = tokenFor({ now: () => 1_000 }, 60);
  test.each<[string, Scripted, number, string]>([
    ['refuses with 401', { status: 401, body: { error: 'no' } }, 401, 'AUTH_TOKEN_INVALID'],
    ['refuses with 400', { status: 400, body: { error: 'invalid_grant' } }, 401, 'AUTH_TOKEN_INVALID'],
    ['does not know our secret', { status: 401, body: { error: 'invalid_client' } }, 502, 'AUTH_TOKEN_REFRESH_FAILED'],
    ['blames the request', { status: 400, body: { error: 'invalid_request' } }, 502, 'AUTH_TOKEN_REFRESH_FAILED'],
    [
      'is behind a login page',
      { status: 403, headers: { 'Content-Type': 'text/html' }, body: '<html>' },
      502,
      'AUTH_TOKEN_REFRESH_FAILED',
    ],
    ['breaks', { status: 500 }, 502, 'AUTH_TOKEN_REFRESH_FAILED'],
    ['is overloaded', { status: 503 }, 502, 'AUTH_TOKEN_REFRESH_FAILED'],
    ['is behind a gateway that waited in vain', { status: 408 }, 504, 'AUTH_UPSTREAM_TIMEOUT'],
    ['hangs up', 'reset', 502, 'AUTH_TOKEN_REFRESH_FAILED'],
    [
      'answers with HTML',
      { headers: { 'Content-Type': 'text/html' }, body: '<html>' },
      502,
      'AUTH_TOKEN_REFRESH_FAILED',
    ],
    ['answers without a token', { body: { ok: true } }, 502, 'AUTH_TOKEN_REFRESH_FAILED'],
    [
      'answers with a token that would break a header',
      { body: { accessToken: 'one\r\ntwo-three' } },
      502,
      'AUTH_TOKEN_REFRESH_FAILED',
    ],
    ['answers with a dead token', { body: { accessToken: dead } }, 502, 'AUTH_TOKEN_REFRESH_FAILED'],
    [
      'answers endlessly',
      { body: `{"accessToken":"access-token","more":"${'a'.repeat(100_000)}"}` },
      502,
      'AUTH_TOKEN_REFRESH_FAILED',
    ],
  ])('an upstream that %s', async (_, script, status, code) => {
    const { refresh, told, faults } = await proxy(script);
    const answer = await refresh();
    expect(answer).toMatchObject({ status, outcome: code });
    expect(told).toMatchObject([{ event: status < 500 ? 'refused' : 'failed', code }]);
    expect(faults).toHaveLength(status < 500 ? 0 : 1);
    expect(inspect([answer, told, faults], { depth: 9, showHidden: true })).not.toContain(secret);
  });

  test('an upstream that sends us elsewhere is not followed: the token would go along', async () => {
    const { upstream, refresh } = await proxy({ status: 307, headers: { location: '/elsewhere' } });
    expect(await refresh()).toMatchObject({ status: 502, outcome: 'AUTH_TOKEN_REFRESH_FAILED' });
    expect(upstream.seen.map(({ url }) => url)).toStrictEqual(['/token']);
  });

  test('nothing that an application sets as axios.defaults goes there, or changes what its answer means', async () => {
    const { common } = axios.defaults.headers;
    const before = { ...axios.defaults };
    Object.assign(axios.defaults, {
      auth: { username: 'ada', password: 'of-the-api' },
      params: { key: 'of-the-api' },
      responseType: 'arraybuffer',
      transitional: { forcedJSONParsing: false },
      transformRequest: () => 'of-the-api',
      transformResponse: () => 'of-the-api',
      validateStatus: () => true,
    });
    common['X-Api-Key'] = 'of-the-api';
    try {
      const scripts = [
        { body: { accessToken: 'access-token' } },
        { status: 401, body: { accessToken: 'access-token' } },
      ];
      const { upstream, refresh } = await proxy((_, index) => scripts[index] ?? {});
      expect(await refresh()).toMatchObject({ status: 200, body: { accessToken: 'access-token' } });
      expect(await refresh()).toMatchObject({ status: 401, outcome: 'AUTH_TOKEN_INVALID' });
      expect(inspect(upstream.seen.map(({ url, headers }) => [url, headers]))).not.toContain('of-the-api');
      for (const { url, headers, body } of upstream.seen) {
        expect([url, headers.authorization]).toStrictEqual(['/token', undefined]);
        expect(headers).toMatchObject({
          accept: 'application/json, text/plain, */*',
          'content-type': 'application/json',
        });
        expect(body.toString()).toBe(JSON.stringify({ refreshToken: secret }));
      }
    } finally {
      delete common['X-Api-Key'];
      for (const name of ['auth', 'params', 'responseType']) Reflect.deleteProperty(axios.defaults, name);
      Object.assign(axios.defaults, before);
    }
  });

  test('an agent that the application has set as axios.defaults is the way there', async () => {
    const agent = new Agent();
    const used = jest.spyOn(agent, 'addRequest' as never);
    axios.defaults.httpAgent = agent;
    try {
      const { refresh } = await proxy({ body: { accessToken: 'access-token' } });
      expect((await refresh()).status).toBe(200);
    } finally {
      delete axios.defaults.httpAgent;
    }
    expect(used).toHaveBeenCalledTimes(1);
  });

  test('an upstream that says nothing is given up on, and told as one that did not answer in time', async () => {
    const { refresh, faults } = await proxy('silence', { timeoutMs: 100 });
    expect(await refresh()).toMatchObject({ status: 504, outcome: 'AUTH_UPSTREAM_TIMEOUT' });
    expect(faults).toMatchObject([
      { code: 'AUTH_UPSTREAM_TIMEOUT', message: expect.stringContaining('in time') as unknown },
    ]);
  });

  test('G24: an upstream that makes its request id of the token tells nobody', async () => {
    const { refresh, faults } = await proxy({ status: 500, headers: { 'x-request-id': `request-${secret}` } });
    expect(await refresh()).toMatchObject({ status: 502, outcome: 'AUTH_TOKEN_REFRESH_FAILED' });
    expect(faults).toHaveLength(1);
    expect(inspect(faults, { depth: 9, showHidden: true })).not.toContain(secret);
  });

  test('an upstream that limits is passed on, with the time to wait, within reason', async () => {
    for (const [asked, told] of [
      ['7', '7'],
      ['999999', '3600'],
      ['soon', '1'],
    ] as const) {
      const { refresh, told: records } = await proxy({ status: 429, headers: { 'retry-after': asked } });
      const answer = await refresh();
      expect(answer).toMatchObject({ status: 429, outcome: 'AUTH_RATE_LIMITED' });
      expect(answer.headers.get('retry-after')).toBe(told);
      // No limit of ours, which would be told once a minute.
      expect(records).toMatchObject([{ event: 'failed', code: 'AUTH_RATE_LIMITED' }]);
    }
  });

  test.each([
    [undefined, 'AUTH_TOKEN_MISSING'],
    ['', 'AUTH_TOKEN_MISSING'],
    [{ $gt: '' }, 'AUTH_TOKEN_MISSING'],
    ['short', 'AUTH_TOKEN_INVALID'],
    ['two words of a token', 'AUTH_TOKEN_INVALID'],
    ['line\r\nX-Admin: 1 break', 'AUTH_TOKEN_INVALID'],
    ['a'.repeat(5_000), 'AUTH_TOKEN_INVALID'],
  ])('what cannot be a token does not reach the upstream: case %#', async (token, code) => {
    const { upstream, refresh } = await proxy({});
    expect((await refresh(token ?? null)).outcome).toBe(code);
    expect(upstream.seen).toStrictEqual([]);
  });

  test('limits by address and by token', async () => {
    const limits = { byIp: { points: 4, durationMs: 60_000 }, byFamily: { points: 2, durationMs: 60_000 } };
    const { refresh } = await proxy({ body: { accessToken: 'access-token' } }, { limits });
    const sent = { connection: { peerAddress: '192.0.2.1' } };
    const outcomes: (string | number)[] = [];
    for (const token of [secret, secret, secret, 'another-token', 'another-token'])
      outcomes.push((await refresh(token, sent)).outcome);
    expect(outcomes).toStrictEqual([200, 200, 'AUTH_RATE_LIMITED', 200, 'AUTH_RATE_LIMITED']);
  });

  test('callbacks may be async', async () => {
    const { upstream, refresh } = await proxy(
      { body: { token: 'access-token' } },
      {
        mapRequest: async ({ refreshToken }) => Promise.resolve({ data: { token: refreshToken } }),
        mapResponse: async ({ data }) => Promise.resolve({ accessToken: (data as { token: string }).token }),
      },
    );
    expect(await refresh()).toMatchObject({ status: 200, body: { accessToken: 'access-token' } });
    expect(upstream.seen[0]?.body.toString()).toBe(JSON.stringify({ token: secret }));
  });

  test.each(['mapRequest', 'mapResponse'])('a %s that never ends is given up on', async (name) => {
    const { refresh } = await proxy(
      { body: { accessToken: 'access-token' } },
      { timeoutMs: 100, [name]: () => new Promise(() => undefined) },
    );
    expect(await refresh()).toMatchObject({ status: 504, outcome: 'AUTH_UPSTREAM_TIMEOUT' });
  });

  test('a mapResponse may tell that a yes is a refusal, as GitHub says no with status 200', async () => {
    const { refresh, told, faults } = await proxy(
      { body: { error: 'bad_refresh_token' } },
      {
        mapResponse: ({ data }) => {
          const { error, access_token: accessToken = '' } = data as { error?: string; access_token?: string };
          if (error === 'bad_refresh_token') throw new AuthError('AUTH_TOKEN_INVALID');
          return { accessToken };
        },
      },
    );
    expect(await refresh()).toMatchObject({ status: 401, outcome: 'AUTH_TOKEN_INVALID' });
    expect(told).toMatchObject([{ event: 'refused', code: 'AUTH_TOKEN_INVALID' }]);
    expect(faults).toStrictEqual([]);
  });

  test('callbacks that throw are faults, and no refusals', async () => {
    const throws = (): never => {
      throw Object.assign(new Error(`about ${secret}`), { status: 401 });
    };
    const rejects = async (): Promise<never> => Promise.resolve().then(throws);
    for (const options of [throws, rejects].flatMap((each) => [{ mapRequest: each }, { mapResponse: each }])) {
      const { refresh, faults } = await proxy({ body: {} }, options);
      expect(await refresh()).toMatchObject({ status: 502, outcome: 'AUTH_TOKEN_REFRESH_FAILED' });
      expect(inspect(faults)).not.toContain(secret);
    }
  });

  test('a store that never answers keeps nobody from what the upstream has issued', async () => {
    let reached: (() => void) | undefined;
    const asked = new Promise<void>((resolve) => (reached = resolve));
    const record = (): Promise<void> => {
      reached?.();
      return new Promise(() => undefined);
    };
    const { refresh, faults } = await proxy({ body: { accessToken: 'access-token' } }, { store: { record } });
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    try {
      const answer = refresh();
      await asked;
      await jest.advanceTimersByTimeAsync(60_000);
      expect((await answer).status).toBe(200);
    } finally {
      jest.useRealTimers();
    }
    expect(faults).toHaveLength(1);
  });

  test('keeps its audit records in a store where there is one', async () => {
    const store = memoryRefreshStore();
    const { refresh } = await proxy({ status: 401 }, { store });
    await refresh();
    expect(await store.auditTrail({})).toMatchObject([{ event: 'refused', code: 'AUTH_TOKEN_INVALID' }]);
  });

  test.each([true, { a: 1 }, ['ada'], 5, '', 'a\0b', 'a'.repeat(256), '\ud800'])(
    'a subject that no session could have is left out of the audit trail, and the record is kept: %j',
    async (sub) => {
      const store = await sqliteRefreshStore(':memory:');
      ends.push(() => store.close());
      const { refresh, faults } = await proxy({ body: { accessToken: tokenFor(Date, 600, { sub }) } }, { store });
      expect((await refresh()).status).toBe(200);
      expect(await store.auditTrail({})).toMatchObject([{ event: 'refreshed', subject: undefined }]);
      expect(faults).toStrictEqual([]);
    },
  );

  test.each([
    [{ upstreamUrl: 'http://id.example.com/token' }, 'Option "upstreamUrl" must be an https: URL'],
    [{ upstreamUrl: '/token' }, 'Option "upstreamUrl"'],
    [{ timeoutMs: 0 }, 'Option "timeoutMs"'],
    [{ timeout: 5 }, 'Unknown option "timeout"'],
    [{ limits: { byIP: false } }, 'Unknown option "limits.byIP"'],
  ])('misuse is told at once: %j', (options, message) => {
    const make = () =>
      createRefreshProxy({ upstreamUrl: 'https://id.example.com/', ...options } as RefreshProxyOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

describe('memberstackUpstream', () => {
  test('sends the public key, and reads the answers that the documentation shows', async () => {
    const accessToken = 'member-access-token';
    const expires = Date.now() + 3_600_500;
    const answers: Scripted[] = [
      { body: { data: { tokens: { accessToken, type: 'bearer', expires } } } },
      { body: { tokens: { accessToken, expires } } },
      { body: { accessToken } },
      { headers: { 'ms-mid': accessToken }, body: {} },
    ];
    const upstream = await startServer((_, index) => answers[index] ?? {});
    ends.push(() => upstream.close());
    const handler = createRefreshProxy(
      memberstackUpstream({ publicKey: 'pk_test', upstreamUrl: `${upstream.url}/refresh` }),
    );
    const given = [];
    while (given.length < answers.length) given.push((await send(handler, { refreshToken: secret })).body);
    const timed = { accessToken, expiresIn: 3600 };
    expect(given).toStrictEqual([timed, timed, { accessToken }, { accessToken }]);
    expect(upstream.seen[0]).toMatchObject({ method: 'POST', headers: { 'x-api-key': 'pk_test' }, token: secret });
  });
});
