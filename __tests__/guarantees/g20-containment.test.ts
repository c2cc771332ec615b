/** G20 nothing escapes from a process: no unhandled rejection, no timer that keeps it alive. The built package, in both formats. */
import { describe, expect, test } from '@jest/globals';
import { formats, run as runIn, type Ended } from '../support/process.js';

const clean = (told: unknown): Ended => ({ exit: 0, told, stderr: '' });

/** Refresh callbacks that fail in every way. */
const faults = [
  ['rejects', `async () => { throw new Error('no'); }`],
  ['rejects with a string', `() => Promise.reject('no')`],
  ['rejects with nothing', `() => Promise.reject()`],
  ['throws', `() => { throw new Error('no'); }`],
  ['throws a string', `() => { throw 'no'; }`],
  ['returns nothing', `() => undefined`],
  ['returns something whose then throws', `() => ({ then() { throw new Error('no'); } })`],
  ['is refused', `async () => { throw { response: { status: 400, data: { error: 'invalid_grant' } } }; }`],
] as const;

describe.each(formats)('G20 no unhandled rejection (%s)', (format) => {
  const run = (script: string): Promise<Ended> => runIn(format, script);

  test('the process would end with one', async () => {
    const { exit, stderr } = await run(`Promise.reject(new Error('nobody listens')); await turns();`);
    expect(exit).toBe(1);
    expect(stderr).toContain('nobody listens');
  });

  test.each(faults)('while a refresh ahead of time %s', async (_what, refresh) => {
    const ended = await run(`
      const session = installTokenRefresh(api, { ...ahead, retry: false, refresh: ${refresh} });
      session.on('refresh.failed', ({ trigger, servedCurrent }) => told.push([trigger, servedCurrent]));
      const { status } = await api.get('/orders');
      await turns();
      told.push(status);
    `);
    expect(ended).toEqual(clean([['ahead', true], 200]));
  });

  test.each(faults)('while a refresh by timer %s', async (_what, refresh) => {
    const ended = await run(`
      const session = installTokenRefresh(api, { ...fast, retry: false, refresh: ${refresh} });
      const alive = setInterval(() => {}, 1_000);
      await new Promise((resolve) => {
        session.once('refresh.failed', ({ trigger }) => { told.push(trigger); resolve(); });
      });
      await turns();
      clearInterval(alive);
    `);
    expect(ended).toEqual(clean(['timer']));
  });

  test('while attempts fail after their operation, and after they were given up', async () => {
    const ended = await run(`
      const rejects = [];
      const session = installTokenRefresh(api, {
        ...dead,
        refreshTimeoutMs: 20,
        retry: { retries: 1, attemptTimeoutMs: 5 },
        refresh: () => new Promise((_, reject) => rejects.push(reject)),
      });
      await api.get('/orders').catch(({ code }) => told.push(code));
      for (const reject of rejects) reject(new Error('late'));
      await turns();
      const waiting = session.refresh().catch(({ code }) => told.push(code));
      await session.signOut();
      for (const reject of rejects) reject(new Error('later'));
      await waiting;
      session.dispose();
      await turns();
    `);
    expect(ended).toEqual(clean(['AUTH_TOKEN_REFRESH_TIMEOUT', 'AUTH_SESSION_CLEARED']));
  });

  test.each([
    ['errors', `new Error('no')`],
    ['strings', `'no'`],
    ['nothing', `undefined`],
  ])('while listeners throw and reject with %s', async (_what, thrown) => {
    const ended = await run(`
      const session = installTokenRefresh(api, { ...ahead, retry: false, refresh: () => 'renewed' });
      session.on('refresh.started', () => { throw ${thrown}; });
      session.on('refresh.succeeded', async () => { throw ${thrown}; });
      session.on('event', () => Promise.reject(${thrown}));
      session.once('tokens.changed', () => Promise.reject(${thrown}));
      session.on('listener.failed', async ({ source }) => { told.push(source); throw ${thrown}; });
      session.subscribe(() => { throw ${thrown}; });
      session.subscribe(async () => { throw ${thrown}; });
      await api.get('/orders');
      await turns();
      const sources = [...new Set(told.splice(0))].sort();
      told.push(sources, await session.getAccessToken());
    `);
    const sources = ['refresh.started', 'refresh.succeeded', 'subscribe', 'tokens.changed'];
    expect(ended).toEqual(clean([sources, 'renewed']));
  });

  test.each([
    ['throw', `() => { throw new Error('no'); }`],
    ['throw a string', `() => { throw 'no'; }`],
    ['reject', `async () => { throw new Error('no'); }`],
    ['reject with a string', `() => Promise.reject('no')`],
  ])('while callbacks and the store %s', async (_what, fault) => {
    const ended = await run(`
      const fault = ${fault};
      const instance = axios.create({ ...api.defaults });
      const session = installTokenRefresh(instance, {
        ...ahead,
        retry: false,
        refresh: fault,
        classifyFailure: fault,
        shouldRefresh: fault,
        origins: (url) => url.pathname === '/orders' || fault(),
        store: { load: fault, save: fault, clear: fault },
      });
      await session.ready;
      const { status } = await instance.get('/orders');
      await instance.get('/elsewhere');
      await turns();
      await session.setTokens('another');
      await session.signOut();
      told.push(status, session.status);
    `);
    expect(ended).toEqual(clean([200, 'signed-out']));
  });

  test.each([
    ['throws', `() => { throw 'no'; }`],
    ['rejects', `() => Promise.reject('no')`],
  ])('while the store %s on what a refresh in the background has brought', async (_what, save) => {
    const ended = await run(`
      const session = installTokenRefresh(api, {
        ...ahead,
        refresh: () => 'renewed',
        store: { load() {}, save: ${save}, clear() {} },
      });
      await turns();
      session.on('store.failed', ({ action }) => told.push(action));
      await api.get('/orders');
      await turns();
      told.push(await session.getAccessToken());
    `);
    expect(ended).toEqual(clean(['save', 'renewed']));
  });

  test('while a header cannot be made of what a refresh in the background has brought', async () => {
    const ended = await run(`
      const formatHeader = (token) => { if (token === 'renewed') throw 'no'; return token; };
      const session = installTokenRefresh(api, { ...ahead, retry: false, refresh: () => 'renewed', formatHeader });
      session.on('refresh.failed', ({ error }) => told.push(error.code));
      await api.get('/orders');
      await turns();
      told.push(await session.getAccessToken());
    `);
    expect(ended).toEqual(clean(['AUTH_TOKEN_MALFORMED', 'opaque']));
  });

  test('while a 401 to a stream that was sent forces a refresh, which fails', async () => {
    const ended = await run(`
      const refuse = async (config) => ({ status: 401, statusText: '', data: '', headers: {}, config });
      const session = installTokenRefresh(api, { tokens: 'opaque', retry: false, refresh: async () => { throw new Error('no'); } });
      session.on('refresh.failed', ({ trigger }) => told.push(trigger));
      const body = new ReadableStream();
      const { status } = await api.post('/files', body, { adapter: refuse, validateStatus: null });
      await turns();
      told.push(status);
    `);
    expect(ended).toEqual(clean(['unauthorized', 401]));
  });

  test('while a streamed 401 cannot be ended, since somebody reads it', async () => {
    const ended = await run(`
      let sends = 0;
      const adapter = async (config) =>
        ({ status: (sends += 1) > 1 ? 200 : 401, statusText: '', data: new ReadableStream(), headers: {}, config });
      installTokenRefresh(api, {
        tokens: 'opaque',
        refresh: () => 'next',
        shouldRefresh: ({ status, data }) => status === 401 && data.getReader() !== undefined,
      });
      const { status } = await api.get('/export', { adapter, responseType: 'stream' });
      await turns();
      told.push(status, sends);
    `);
    expect(ended).toEqual(clean([200, 2]));
  });

  test('while nobody looks at what waits: aborted, signed out, disposed of', async () => {
    const ended = await run(`
      const session = installTokenRefresh(api, { ...dead, refresh: never });
      const controller = new AbortController();
      const ends = [
        api.get('/a', { signal: controller.signal }),
        session.getAccessToken({ signal: controller.signal }),
        api.get('/b'),
      ].map((end) => end.catch(({ code, name }) => told.push(code ?? name)));
      await turns();
      controller.abort();
      await session.signOut();
      session.dispose();
      await Promise.all(ends);
      told.sort();
    `);
    expect(ended).toEqual(clean([20, 'AUTH_SESSION_CLEARED', 'ERR_CANCELED']));
  });
});

describe.each(formats)('G20 no timer keeps a process alive (%s)', (format) => {
  const run = (script: string): Promise<Ended> => runIn(format, script);

  test('with `schedule: true` it ends by itself, while its timer is armed', async () => {
    const ended = await run(`
      const armed = new Set();
      const { setTimeout: start, clearTimeout: stop } = globalThis;
      globalThis.setTimeout = (act, delayMs) => {
        const timer = start(() => { armed.delete(timer); act(); }, delayMs);
        armed.add(timer);
        return timer;
      };
      globalThis.clearTimeout = (timer) => { armed.delete(timer); stop(timer); };
      const refresh = () => ({ accessToken: 'renewed', expiresIn: 3600 });
      const session = installTokenRefresh(api, { ...ahead, schedule: true, refresh });
      await api.get('/orders');
      await turns();
      process.once('beforeExit', () => told.push(session.status, armed.size));
    `);
    expect(ended).toEqual(clean(['active', 1]));
  });

  test.each([
    ['a session without requests', `{ ...ahead, schedule: true, refresh: never }`, 'told.push(session.status);'],
    ['a refresh by timer that hangs', `{ ...fast, refresh: never, refreshTimeoutMs: 1e9 }`, untilStarted()],
    ['a refresh in the background that hangs', `{ ...ahead, refresh: never }`, `await api.get('/orders');`],
    [
      'a background refresh that is between two attempts',
      `{ ...ahead, retry: { retries: 9, minDelayMs: 60_000, maxDelayMs: 60_000 }, refreshTimeoutMs: 600_000, refresh }`,
      `await api.get('/orders');`,
    ],
    [
      'a cooldown',
      `{ ...ahead, schedule: true, retry: false, refresh }`,
      `await api.get('/orders'); await turns(); told.push(session.getSnapshot().consecutiveFailures);`,
    ],
    [
      'a session that ends with its token, an hour from now',
      `{ ...ahead, refresh: async () => { throw { response: { status: 401 } }; } }`,
      `await session.refresh().catch(({ code }) => told.push(code));`,
    ],
  ])('with %s it ends by itself', async (what, options, act) => {
    const { exit, told, stderr } = await run(`
      const refresh = async () => { throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' }); };
      const session = installTokenRefresh(api, ${options});
      ${act}
    `);
    expect({ what, exit, stderr }).toEqual({ what, exit: 0, stderr: '' });
    if (act.includes('told')) expect(told).toHaveLength(1);
  });

  test.each([
    ['a request', `api.get('/orders')`],
    ['getAccessToken()', `session.getAccessToken()`],
    ['refresh()', `session.refresh()`],
  ])('but one that %s waits for a hung refresh in does not end before that has rejected', async (_what, wait) => {
    const ended = await run(`
      const session = installTokenRefresh(api, { ...dead, retry: false, refreshTimeoutMs: 200, refresh: never });
      ${wait}.catch(({ code }) => told.push(code));
    `);
    expect(ended).toEqual(clean(['AUTH_TOKEN_REFRESH_TIMEOUT']));
  });

  test.each([
    ['a request', `api.get('/orders').then(({ data }) => data)`],
    ['getAccessToken()', `session.getAccessToken()`],
    ['refresh()', `session.refresh()`],
  ])(
    'nor before %s has its token, though nothing else holds the process; then it ends at once',
    async (_what, wait) => {
      const ended = await run(`
      const refresh = () => new Promise((resolve) => setTimeout(resolve, 50, 'renewed').unref());
      const session = installTokenRefresh(api, { ...dead, refreshTimeoutMs: 600_000, refresh });
      ${wait}.then(() => told.push(session.status));
    `);
      expect(ended).toEqual(clean(['active']));
    },
  );

  test('nor before getIngestUrl() has given up on a JWT that never comes', async () => {
    const ended = await run(`
      const { snowflakeTokenExchange } = await import('axios-token-refresh/grants');
      // A hundred times as fast.
      const start = setTimeout;
      globalThis.setTimeout = (act, delayMs) => start(act, delayMs / 100);
      const grant = snowflakeTokenExchange({ accountUrl: 'https://org.snowflakecomputing.com', jwt: never });
      await grant.getIngestUrl().catch(({ code }) => told.push(code));
    `);
    expect(ended).toEqual(clean(['AUTH_TOKEN_REFRESH_FAILED']));
  });

  test.each([
    ['setTokens() waits for a store that hangs', `session.setTokens('opaque')`],
    ['signOut() waits for a store that hangs', `session.signOut()`],
    ['refresh() waits for a store that hangs', `session.refresh()`],
  ])('nor one that %s', async (_what, wait) => {
    const ended = await run(`
      const store = { load: never, save: never, clear: never };
      const session = installTokenRefresh(api, { store, refresh: () => 'renewed', maxWaitMs: 200 });
      await ${wait};
      told.push('done');
    `);
    expect(ended).toEqual(clean(['done']));
  });

  test('but who only waits for a store that hangs to be read, by `ready`, holds nothing', async () => {
    const ended = await run(`
      const store = { load: never, save: never, clear: never };
      const session = installTokenRefresh(api, { store, refresh: () => 'renewed', maxWaitMs: 600_000 });
      session.ready.then(() => told.push('done'));
    `);
    expect(ended).toEqual(clean([]));
  });

  test('nor one whose request waits for a store that hangs', async () => {
    const ended = await run(`
      const store = { load: never, save() {}, clear() {} };
      installTokenRefresh(api, { store, refresh: never, maxWaitMs: 200 });
      api.get('/orders').then(({ status }) => told.push(status), ({ code }) => told.push(code));
    `);
    expect(ended.exit).toBe(0);
    expect(ended.told).toHaveLength(1);
  });
});

/** Keeps the process until a refresh has begun, and no longer. */
function untilStarted(): string {
  return `
    const alive = setInterval(() => {}, 1_000);
    session.once('refresh.started', ({ trigger }) => { told.push(trigger); clearInterval(alive); });
  `;
}
