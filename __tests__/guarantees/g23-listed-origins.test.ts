import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from 'axios';
import axiosRetry from 'axios-retry';
import { createTokenSession, installTokenRefresh, type Origins, type TokenEvent } from '../../src/index.js';
import {
  accepting,
  adapters,
  afterwards,
  failureOf,
  inTurn,
  refusal,
  scene,
  server,
  type Scene,
  type SceneOptions,
} from '../integration/scene.js';
import { startServer, type ScriptedServer } from '../support/server.js';

/** Neither the token nor anything like it may have come here. */
function expectNoToken({ seen }: ScriptedServer): void {
  for (const { headers, url } of seen) {
    expect(JSON.stringify(headers)).not.toMatch(/first|token-/);
    expect(url).not.toMatch(/first|token-/);
  }
}

/** Sends, and does not care what becomes of it. */
async function send(instance: AxiosInstance, url: string, config = {}): Promise<void> {
  await instance.get(url, config).catch(() => undefined);
}

describe.each(adapters)('G23 the token goes to listed origins only, over %s', (adapter) => {
  test('an absolute URL of a third party gets none, and its 401 refreshes nothing', async () => {
    const other = await server(inTurn(refusal));
    const { instance, refreshes } = await scene({ adapter });
    expect(await failureOf(instance.post(`${other.url}/collect`, {}))).toMatchObject({ response: { status: 401 } });
    expect(other.seen).toHaveLength(1);
    expectNoToken(other);
    expect(refreshes).toHaveLength(0);
  });

  test('a third party is not made to wait for a refresh', async () => {
    const other = await server();
    const { instance } = await scene({
      adapter,
      session: { tokens: { accessToken: 'first', expiresAt: 1 }, refresh: () => new Promise(() => undefined) },
    });
    await expect(instance.get(`${other.url}/weather`)).resolves.toMatchObject({ status: 200 });
    expectNoToken(other);
  });

  test('the same host on another port, and another name of the same host, are other origins', async () => {
    const other = await server();
    const { api, instance } = await scene({ adapter, script: inTurn({}) });
    await send(instance, `http://127.0.0.1:${other.port}/`);
    await send(instance, `http://localhost:${api.port}/`);
    expectNoToken(other);
    expectNoToken(api);
  });

  test('a URL that only begins like a listed origin', async () => {
    const other = await server();
    const listed = other.url.slice(0, -1);
    const { instance } = await scene({ adapter, session: { origins: [listed] } });
    await send(instance, `${other.url}/collect`);
    await send(instance, '/collect', { baseURL: other.url });
    expect(other.seen).toHaveLength(2);
    expectNoToken(other);
  });

  test('a URL that starts with two slashes', async () => {
    const other = await server();
    const { instance } = await scene({ adapter });
    await send(instance, `//127.0.0.1:${other.port}/collect`);
    expectNoToken(other);
  });

  test('a baseURL of the request’s own', async () => {
    const other = await server();
    const { instance } = await scene({ adapter });
    await send(instance, '/collect', { baseURL: other.url });
    expect(other.seen).toHaveLength(1);
    expectNoToken(other);
  });

  test('with allowAbsoluteUrls: false an absolute URL stays with the API and has its token', async () => {
    const other = await server();
    const { api, instance } = await scene({ adapter, script: accepting('first') });
    await expect(instance.get(`${other.url}/x`, { allowAbsoluteUrls: false })).resolves.toMatchObject({ status: 200 });
    expect(other.seen).toHaveLength(0);
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first']);
  });

  test('with allowAbsoluteUrls: false and no baseURL the absolute URL counts', async () => {
    const other = await server();
    const { instance } = await scene({ adapter, session: { origins: ['https://api.example.com'] } });
    await send(instance, `${other.url}/x`, { allowAbsoluteUrls: false, baseURL: '' });
    expect(other.seen).toHaveLength(1);
    expectNoToken(other);
  });

  test('a URL that an interceptor rewrites after ours', async () => {
    const other = await server(inTurn(refusal));
    const { instance, refreshes } = await scene({
      adapter,
      before: ({ interceptors }) => {
        interceptors.request.use((config) => ({ ...config, url: `${other.url}/signed` }));
      },
    });
    await failureOf(instance.get('/orders'));
    expect(other.seen).toHaveLength(1);
    expectNoToken(other);
    expect(refreshes).toHaveLength(0);
  });

  test('a URL that an interceptor rewrites to the API has its token', async () => {
    const other = await server();
    const { api, instance } = await scene({
      adapter,
      before: ({ interceptors }) => {
        interceptors.request.use((config) => ({ ...config, url: '/orders' }));
      },
    });
    await expect(instance.get(`${other.url}/elsewhere`)).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', 'token-2']);
    expect(other.seen).toHaveLength(0);
  });

  test('userinfo, backslashes and the like that make a foreign host look like the API', async () => {
    const other = await server();
    const { api, instance } = await scene({ adapter, script: inTurn({}) });
    const host = `127.0.0.1:${other.port}`;
    const tricks = [
      `${api.url}@${host}/`,
      `http://127.0.0.1:${api.port}%40${host}/`,
      `http://api:secret@${host}/`,
      `HTTP://${host}/`,
      ` http://${host}/`,
      `\thttp://${host}/`,
      `http:\\\\${host}/`,
      `http:/${host}/`,
      `http:${host}/`,
      `http://${host}\\@127.0.0.1:${api.port}/`,
      `http://${host}#@127.0.0.1:${api.port}/`,
      `http://${host}?@127.0.0.1:${api.port}/`,
      `\\\\${host}/`,
      `/\\${host}/`,
      `//api@${host}/`,
      `@${host}/`,
      `.${host}/`,
      `:${other.port}/`,
      `..//${host}/`,
      `http://0x7f.1:${other.port}/`,
      `http://2130706433:${other.port}/`,
    ];
    for (const url of tricks) await send(instance, url);
    expectNoToken(other);
    expect(other.seen.length).toBeGreaterThan(3);
  });

  test('the same tricks behind a base URL without a slash', async () => {
    const other = await server();
    const { api, instance } = await scene({ adapter, script: inTurn({}) });
    for (const url of [`@127.0.0.1:${other.port}/`, `.127.0.0.1:${other.port}/`, `${other.port}/`, `#@x/`, `?@x/`]) {
      await send(instance, url, { baseURL: api.url });
    }
    expectNoToken(other);
    for (const { token } of api.seen) expect(token).toBe('first');
  });

  test('every listed origin has it, whatever the baseURL', async () => {
    const other = await server(accepting('first'));
    const third = await server();
    const api = await server(accepting('first'));
    const instance = axios.create({ baseURL: third.url, adapter });
    const session = installTokenRefresh(instance, {
      tokens: 'first',
      refresh: () => 'token-2',
      origins: [api.url, `${other.url}/`],
    });
    afterwards(() => session.dispose());
    await expect(instance.get(`${api.url}/orders`)).resolves.toMatchObject({ status: 200 });
    await expect(instance.get(`${other.url}/orders`)).resolves.toMatchObject({ status: 200 });
    await send(instance, '/orders');
    expect(third.seen).toHaveLength(1);
    expectNoToken(third);
  });

  test('each instance has its own origins', async () => {
    const orders = await server(accepting('first'));
    const billing = await server(accepting('first'));
    const session = createTokenSession({ tokens: 'first', refresh: () => 'token-2' });
    afterwards(() => session.dispose());
    const ordersClient = axios.create({ adapter });
    const billingClient = axios.create({ adapter, baseURL: billing.url });
    session.attach(ordersClient, { origins: [orders.url] });
    session.attach(billingClient);
    await expect(ordersClient.get(`${orders.url}/1`)).resolves.toMatchObject({ status: 200 });
    await expect(billingClient.get('/1')).resolves.toMatchObject({ status: 200 });
    await failureOf(ordersClient.get(`${billing.url}/1`));
    await failureOf(billingClient.get(`${orders.url}/1`));
    expect(orders.seen.map(({ token }) => token)).toStrictEqual(['first', undefined]);
    expect(billing.seen.map(({ token }) => token)).toStrictEqual(['first', undefined]);
  });

  test('a baseURL that changes after the session was attached does not widen them', async () => {
    const other = await server();
    const { instance } = await scene({ adapter });
    instance.defaults.baseURL = other.url;
    await send(instance, '/orders');
    expect(other.seen).toHaveLength(1);
    expectNoToken(other);
  });

  test('a function decides by the URL that will be requested', async () => {
    const asked: string[] = [];
    const { api, instance } = await scene({
      adapter,
      script: inTurn({}),
      session: {
        origins: (url) => {
          asked.push(url.href);
          return url.pathname.startsWith('/private/');
        },
      },
    });
    await instance.get('/private/orders');
    await instance.get('/public/news');
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', undefined]);
    expect(new Set(asked)).toEqual(new Set([`${api.url}/private/orders`, `${api.url}/public/news`]));
  });

  const faulty: [string, Origins][] = [
    [
      'throws',
      () => {
        throw new Error('no such tenant');
      },
    ],
    ['returns no boolean', (() => 'yes') as unknown as Origins],
    ['returns a promise', (() => Promise.resolve(true)) as unknown as Origins],
  ];

  test.each(faulty)('a function that %s allows nothing, and is reported', async (_, origins) => {
    const { api, instance, session, refreshes } = await scene({ adapter, session: { origins } });
    const told: TokenEvent<'listener.failed'>[] = [];
    session.on('listener.failed', (event) => told.push(event));
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ response: { status: 401 } });
    expect(api.seen).toHaveLength(1);
    expectNoToken(api);
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatchObject({ source: 'origins' });
    expect(refreshes).toHaveLength(0);
  });

  test('a token for another audience is sent nowhere else', async () => {
    const { api, instance } = await scene({
      adapter,
      session: { tokens: { accessToken: 'first', audience: ['https://reports.example.com'] } },
    });
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ code: 'AUTH_SCOPE_MISMATCH' });
    expect(api.seen).toHaveLength(0);
  });
});

describe.each(adapters)('G23 a config that is sent again leaves the token behind, over %s', (adapter) => {
  /** The config of a request that went out with the token `first`. */
  async function sent(session: SceneOptions['session'] = {}): Promise<Scene & { config: InternalAxiosRequestConfig }> {
    const made = await scene({ adapter, script: inTurn({}), session });
    const { config } = await made.instance.get('/orders');
    expect(JSON.stringify(made.api.seen[0]?.headers)).toContain('first');
    return { ...made, config };
  }

  test('by axios-retry, to a host that it fails over to', async () => {
    const backup = await server();
    const { api, instance } = await scene({
      adapter,
      script: inTurn({ status: 503 }),
      before: (target) => {
        axiosRetry(target, { retries: 1, onRetry: (_count, _error, config) => void (config.baseURL = backup.url) });
      },
    });
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first']);
    expect(backup.seen).toHaveLength(1);
    expectNoToken(backup);
  });

  test('by the caller, to another URL', async () => {
    const other = await server();
    const { instance, config } = await sent();
    await instance.request({ ...config, url: `${other.url}/collect` });
    await instance.request({ ...config, baseURL: other.url });
    expect(other.seen).toHaveLength(2);
    expectNoToken(other);
  });

  test('with tokenRefresh: false', async () => {
    const other = await server();
    const { api, instance, config } = await sent();
    await instance.request({ ...config, tokenRefresh: false });
    await instance.request({ ...config, tokenRefresh: false, baseURL: other.url });
    await instance.request({ ...config, tokenRefresh: false, baseURL: other.url, adapter });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', undefined]);
    expect(other.seen).toHaveLength(2);
    expectNoToken(other);
  });

  test('with an option auth, and a header other than Authorization', async () => {
    const { api, instance, config } = await sent({ header: 'X-Token' });
    await instance.request({ ...config, auth: { username: 'ada', password: 'engine' } });
    expect(api.seen.map(({ headers }) => headers['x-token'])).toStrictEqual(['Bearer first', undefined]);
  });

  test('past an interceptor that makes the headers a plain object', async () => {
    const other = await server();
    const { instance, config } = await sent();
    instance.interceptors.request.use((given) => ({ ...given, headers: given.headers.toJSON() }) as typeof given);
    await instance.request({ ...config, baseURL: other.url });
    expect(other.seen).toHaveLength(1);
    expectNoToken(other);
  });

  test('where an interceptor replaces the adapter', async () => {
    const other = await server();
    const { api, instance } = await scene({
      adapter,
      script: inTurn({}),
      before: ({ interceptors }) => {
        interceptors.request.use((config) => (config.baseURL === other.url ? { ...config, adapter } : config));
      },
    });
    const { config } = await instance.get('/orders');
    await instance.request({ ...config, baseURL: other.url });
    expect([api.seen.length, other.seen.length]).toStrictEqual([1, 1]);
    expectNoToken(other);
  });

  test('on an instance without a session', async () => {
    const other = await server();
    const { api, config } = await sent();
    await axios.request({ ...config, baseURL: other.url });
    expect(other.seen).toHaveLength(1);
    expectNoToken(other);
    await axios.request(config);
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', 'first']);
  });

  test('after dispose(), and through the next session while nobody is signed in there', async () => {
    const { api, instance, session, config } = await sent();
    session.dispose();
    await instance.request(config);
    const next = installTokenRefresh(instance, { refresh: () => 'token-2' });
    afterwards(() => next.dispose());
    await instance.request(config);
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', undefined, undefined]);
  });

  test('through another session, whose header has another name', async () => {
    const { config } = await sent({ header: 'X-Token' });
    const other = await scene({ adapter, script: inTurn({}), session: { tokens: 'of-the-other' } });
    await other.instance.request({ ...config, baseURL: other.api.url });
    expect(other.api.seen.map(({ token }) => token)).toStrictEqual(['of-the-other']);
    expectNoToken(other.api);
  });

  test('a header that the caller puts in its place stays', async () => {
    const other = await server();
    const { instance, config } = await sent();
    const headers = { ...config.headers.toJSON(), Authorization: 'Bearer mine' };
    await instance.request({ ...config, headers, baseURL: other.url });
    await instance.request({ ...config, headers, baseURL: other.url, tokenRefresh: false });
    expect(other.seen.map(({ token }) => token)).toStrictEqual(['mine', 'mine']);
  });
});

describe.each(adapters)('G23 redirects, over %s', (adapter) => {
  test.each([301, 302, 303, 307, 308])('a %i to another origin loses the token', async (status) => {
    const other = await server();
    const { api, instance, refreshes } = await scene({
      adapter,
      script: inTurn({ status, headers: { Location: `${other.url}/collect` } }),
    });
    await instance.post('/orders', { id: 1 });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first']);
    expect(other.seen).toHaveLength(1);
    expectNoToken(other);
    expect(refreshes).toHaveLength(0);
  });

  test.each([302, 307])('a %i within the origin keeps it', async (status) => {
    const { api, instance } = await scene({
      adapter,
      script: ({ url }) => (url === '/old' ? { status, headers: { Location: '/new' } } : { body: { ok: true } }),
    });
    await instance.get('/old');
    expect(api.seen.map(({ url, token }) => [url, token])).toStrictEqual([
      ['/old', 'first'],
      ['/new', 'first'],
    ]);
  });

  test('a 401 behind a redirect within the origin is replayed from the start', async () => {
    const { api, instance } = await scene({
      adapter,
      script: ({ url, token }) => {
        if (url === '/old') return { status: 302, headers: { Location: '/new' } };
        return token === 'token-2' ? {} : refusal;
      },
    });
    await expect(instance.get('/old')).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ url, token }) => [url, token])).toStrictEqual([
      ['/old', 'first'],
      ['/new', 'first'],
      ['/old', 'token-2'],
      ['/new', 'token-2'],
    ]);
  });

  test('the replay of a request loses the new token on its way to another origin as well', async () => {
    const other = await server();
    const { api, instance } = await scene({
      adapter,
      script: ({ token }) => (token === 'first' ? refusal : { status: 307, headers: { Location: `${other.url}/` } }),
    });
    await instance.post('/orders', { id: 1 });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', 'token-2']);
    expect(other.seen.map(({ body }) => body.toString())).toStrictEqual(['{"id":1}']);
    expectNoToken(other);
  });

  test('a 401 at another origin never takes the token there', async () => {
    const other = await server(inTurn(refusal));
    const { instance } = await scene({
      adapter,
      script: inTurn({ status: 302, headers: { Location: `${other.url}/collect` } }),
    });
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ response: { status: 401 } });
    expectNoToken(other);
  });
});

describe.each(adapters)('G23 redirects that are not to be followed, over %s', (adapter) => {
  test.each([301, 302, 303, 307, 308])('a %i is the answer, and the other origin hears nothing', async (status) => {
    const other = await server();
    const { api, instance, refreshes } = await scene({
      adapter,
      script: inTurn({ status, headers: { Location: `${other.url}/collect` } }),
      session: { followRedirects: false },
    });
    expect(await failureOf(instance.post('/orders', { id: 1 }))).toMatchObject({ response: { status } });
    expect([api.seen.length, other.seen.length, refreshes.length]).toStrictEqual([1, 0, 0]);
  });

  test('a replay is not redirected either', async () => {
    const other = await server();
    const { api, instance } = await scene({
      adapter,
      script: inTurn(refusal, { status: 307, headers: { Location: `${other.url}/` } }),
      session: { followRedirects: false },
    });
    expect(await failureOf(instance.post('/orders', { id: 1 }))).toMatchObject({ response: { status: 307 } });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', 'token-2']);
    expect(other.seen).toHaveLength(0);
  });

  test('a request without the token is redirected as ever', async () => {
    const { api, instance } = await scene({
      adapter,
      script: ({ url }) => (url === '/old' ? { status: 302, headers: { Location: '/new' } } : {}),
      session: { followRedirects: false },
    });
    await instance.get('/old', { tokenRefresh: false });
    expect(api.seen.map(({ url }) => url)).toStrictEqual(['/old', '/new']);
  });
});

describe('G23 redirects, where the http adapter tells more', () => {
  const adapter = 'http';

  test.each([302, 307])('a %i to another origin loses a custom header', async (status) => {
    const other = await server();
    const { api, instance } = await scene({
      adapter,
      script: inTurn({ status, headers: { Location: `${other.url}/collect` } }),
      session: { header: 'X-Auth-Token', formatHeader: (token) => token },
    });
    await instance.get('/orders', { headers: { 'X-Other': 'kept' } });
    expect(api.seen[0]?.headers['x-auth-token']).toBe('first');
    expect(other.seen[0]?.headers).toMatchObject({ 'x-other': 'kept' });
    expectNoToken(other);
  });

  test('a redirect within the origin keeps a custom header', async () => {
    const { api, instance } = await scene({
      adapter,
      script: ({ url }) => (url === '/old' ? { status: 302, headers: { Location: '/new' } } : {}),
      session: { header: 'X-Auth-Token', formatHeader: (token) => token },
    });
    await instance.get('/old');
    expect(api.seen.map(({ headers }) => headers['x-auth-token'])).toStrictEqual(['first', 'first']);
  });

  test('another origin in the middle loses it for good', async () => {
    const other = await server();
    const { api, instance } = await scene({
      adapter,
      script: ({ url }) => (url === '/' ? { status: 302, headers: { Location: `${other.url}/` } } : {}),
      session: { header: 'X-Auth-Token', formatHeader: (token) => token },
    });
    other.script = () => ({ status: 302, headers: { Location: `${api.url}/back` } });
    await instance.get('/');
    expect(api.seen.map(({ url, headers }) => [url, headers['x-auth-token']])).toStrictEqual([
      ['/', 'first'],
      ['/back', undefined],
    ]);
    expectNoToken(other);
  });

  test('a beforeRedirect of the caller’s is called as well', async () => {
    const other = await server();
    const { instance } = await scene({
      adapter,
      script: inTurn({ status: 302, headers: { Location: `${other.url}/` } }),
    });
    const asked: unknown[] = [];
    await instance.get('/', { beforeRedirect: (options) => asked.push(options['href']) });
    expect(asked).toStrictEqual([`${other.url}/`]);
    expectNoToken(other);
  });

  test('a 401 at another origin refreshes nothing', async () => {
    const other = await server(inTurn(refusal));
    const { api, instance, refreshes } = await scene({
      adapter,
      script: inTurn({ status: 302, headers: { Location: `${other.url}/collect` } }),
    });
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ response: { status: 401 } });
    expect([api.seen.length, other.seen.length, refreshes.length]).toStrictEqual([1, 1, 0]);
  });

  test('a request over a Unix socket has no token: its host is only a label', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'socket-'));
    afterwards(() => rm(folder, { recursive: true }));
    const socketPath = join(folder, 'api.sock');
    const local = await startServer(undefined, { socketPath });
    afterwards(() => local.close());
    const { api, instance } = await scene({ adapter });
    await instance.get('/orders', { socketPath });
    expect(local.seen).toHaveLength(1);
    expectNoToken(local);
    expect(api.seen).toHaveLength(0);
  });
});

describe('G23 origins that cannot be trusted are refused at once', () => {
  const refresh = (): string => 'token-2';
  const refused: [string, string][] = [
    ['plain http', 'http://api.example.com'],
    ['plain http on a private network', 'http://192.168.1.10:8080'],
    ['a name that begins like loopback', 'http://127.0.0.1.example.com'],
    ['a name that begins like localhost', 'http://localhost.example.com'],
    ['a file', 'file:///etc'],
    ['a web socket', 'wss://api.example.com'],
    ['a pattern', 'https://*.example.com'],
    ['a bare host', 'api.example.com'],
    ['credentials', 'https://ada:engine@api.example.com'],
    ['nothing', ''],
  ];

  test.each(refused)('%s in origins', (_, origin) => {
    const install = (): unknown => installTokenRefresh(axios.create(), { refresh, origins: [origin] });
    expect(install).toThrow(TypeError);
    expect(install).toThrow('origins');
  });

  test('a plain http baseURL that is not loopback', () => {
    const install = (): unknown =>
      installTokenRefresh(axios.create({ baseURL: 'http://api.example.com' }), { refresh });
    expect(install).toThrow(TypeError);
    expect(install).toThrow('origins');
  });

  test.each([undefined, '', '/api', 'api', '//api.example.com'])('no origin known: baseURL %p', (baseURL) => {
    const install = (): unknown =>
      installTokenRefresh(axios.create(baseURL === undefined ? {} : { baseURL }), { refresh });
    expect(install).toThrow(TypeError);
    expect(install).toThrow(/"origins".*https:\/\//s);
  });

  test('G24 credentials in an origin are not quoted', () => {
    const origins = ['https://alice:canary@api.example.com'];
    const install = (): unknown => installTokenRefresh(axios.create(), { refresh, origins });
    expect(install).toThrow(/"origins": "https:\/\/…@api\.example\.com"/);
  });

  test('an instance that was refused can be installed on afterwards', () => {
    const instance = axios.create();
    expect(() => installTokenRefresh(instance, { refresh })).toThrow(TypeError);
    installTokenRefresh(instance, { refresh, origins: ['https://api.example.com'] }).dispose();
  });

  test.each([
    'https://api.example.com',
    'http://localhost:3000',
    'http://127.0.0.1',
    'http://[::1]:8080',
    'http://api.localhost',
  ])('%s is fine', (origin) => {
    installTokenRefresh(axios.create(), { refresh, origins: [origin] }).dispose();
    installTokenRefresh(axios.create({ baseURL: `${origin}/v2` }), { refresh }).dispose();
  });

  test('a function may allow plain http: that is its own decision', async () => {
    const api = await server(accepting('first'));
    const instance = axios.create({ baseURL: api.url });
    const session = installTokenRefresh(instance, {
      tokens: 'first',
      refresh,
      origins: ({ protocol }) => protocol === 'http:',
    });
    afterwards(() => session.dispose());
    await expect(instance.get('/')).resolves.toMatchObject({ status: 200 });
  });
});
