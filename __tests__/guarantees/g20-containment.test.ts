/** G20 nothing escapes: no unhandled rejection, no timer that holds a process, nothing kept after a request. */
import { spawn } from 'node:child_process';
import { getEventListeners, setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import axios from 'axios';
import { hour, nth, refused, settle, states, times, unreachable, watch, world } from '../properties/world.js';

const root = join(__dirname, '..', '..');

interface Ended {
  /** `null`: it had to be killed. */
  readonly exit: number | null;
  readonly told: unknown;
  readonly stderr: string;
}

/** What each script begins with: an instance whose requests never touch a network, and rejections of all shapes. */
const prelude = `
  import axios from 'axios';
  import { createTokenSession, installTokenRefresh } from 'axios-token-refresh';
  const told = [];
  process.on('exit', () => process.stdout.write(JSON.stringify(told)));
  const api = axios.create({
    baseURL: 'https://api.example.com',
    adapter: async (config) => ({ status: 200, statusText: '', data: '', headers: {}, config }),
  });
  const never = () => new Promise(() => {});
  const turns = async () => { for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate); };
  // Ahead of its refresh window from the first moment: every request may begin a refresh behind its back.
  const ahead = { tokens: { accessToken: 'opaque', expiresIn: 3600 }, refreshAhead: { maxMs: 1e9, ttlFraction: 1 } };
  const dead = { tokens: { accessToken: 'opaque', expiresIn: 0 } };
`;

/** Runs a script against the built package, in a process where an unhandled rejection is fatal. */
function run(script: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--unhandled-rejections=strict', '--input-type=module', '--eval', prelude + script],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000, killSignal: 'SIGKILL' },
    );
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (exit) => {
      resolve({ exit, told: stdout === '' ? undefined : (JSON.parse(stdout) as unknown), stderr });
    });
  });
}

const clean = (told: unknown): Ended => ({ exit: 0, told, stderr: '' });

describe('G20 no unhandled rejection', () => {
  test('the process would end with one', async () => {
    const { exit, stderr } = await run(`Promise.reject(new Error('nobody listens')); await turns();`);
    expect(exit).toBe(1);
    expect(stderr).toContain('nobody listens');
  });

  test.each([
    ['rejects', `async () => { throw new Error('no'); }`],
    ['rejects with a string', `() => Promise.reject('no')`],
    ['rejects with nothing', `() => Promise.reject()`],
    ['throws', `() => { throw new Error('no'); }`],
    ['returns nothing', `() => undefined`],
    ['returns something whose then throws', `() => ({ then() { throw new Error('no'); } })`],
    ['is refused', `async () => { throw { response: { status: 400, data: { error: 'invalid_grant' } } }; }`],
  ])('while a refresh in the background %s', async (_what, refresh) => {
    const ended = await run(`
      const session = installTokenRefresh(api, { ...ahead, retry: false, refresh: ${refresh} });
      session.on('refresh.failed', ({ trigger, servedCurrent }) => told.push([trigger, servedCurrent]));
      const { status } = await api.get('/orders');
      await turns();
      told.push(status);
    `);
    expect(ended).toEqual(clean([['ahead', true], 200]));
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

  test('while listeners throw and reject', async () => {
    const ended = await run(`
      const session = installTokenRefresh(api, { ...ahead, retry: false, refresh: () => 'renewed' });
      session.on('refresh.started', () => { throw new Error('no'); });
      session.on('refresh.succeeded', async () => { throw new Error('no'); });
      session.on('event', ({ type }) => Promise.reject(type));
      session.once('tokens.changed', () => Promise.reject());
      session.on('listener.failed', async ({ source }) => { told.push(source); throw new Error('no'); });
      session.subscribe(() => { throw new Error('no'); });
      session.subscribe(async () => { throw new Error('no'); });
      await api.get('/orders');
      await turns();
      const sources = [...new Set(told.splice(0))].sort();
      told.push(sources, await session.getAccessToken());
    `);
    const sources = ['refresh.started', 'refresh.succeeded', 'subscribe', 'tokens.changed'];
    expect(ended).toEqual(clean([sources, 'renewed']));
  });

  test('while callbacks and the store throw and reject', async () => {
    const ended = await run(`
      const no = () => { throw new Error('no'); };
      const later = async () => { throw new Error('no'); };
      for (const fault of [no, later]) {
        const instance = axios.create({ ...api.defaults });
        const session = installTokenRefresh(instance, {
          ...ahead,
          retry: false,
          refresh: later,
          classifyFailure: fault,
          shouldRefresh: fault,
          store: { load: fault, save: fault, clear: fault },
        });
        await session.ready;
        const { status } = await instance.get('/orders');
        await turns();
        await session.setTokens('another');
        await session.signOut();
        told.push(status, session.status);
      }
    `);
    expect(ended).toEqual(clean([200, 'signed-out', 200, 'signed-out']));
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

describe('G20 no timer keeps a process alive', () => {
  test.each([
    ['an active session and an armed timer', `{ ...ahead, schedule: true, refresh: () => 'renewed' }`, ''],
    ['a session without requests', `{ ...ahead, schedule: true, refresh: never }`, 'told.push(session.status);'],
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

describe('G20 10,000 requests leave nothing behind', () => {
  const many = 10_000;
  /** One signal for all of them: Node warns of more than ten listeners, and here they are wanted. */
  const shared = ({ signal } = new AbortController()): AbortSignal => {
    setMaxListeners(0, signal);
    return signal;
  };

  test('that left at once', async () => {
    const w = world();
    const signal = shared();
    const requests = times(many, () => watch(w.instance.get('/orders', { signal })));
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(w.clock.pending).toBe(0);
  });

  test.each<readonly [how: string, end: 'answer' | Error, left: string, code: string | undefined]>([
    ['were released', 'answer', 'resolved', undefined],
    ['failed with the refresh', unreachable(), 'rejected', 'AUTH_TOKEN_REFRESH_FAILED'],
    ['ended with the session', refused(), 'rejected', 'AUTH_SESSION_EXPIRED'],
  ])('that waited and %s', async (_how, end, state, code) => {
    const w = world({ refresh: 'open', retry: false, maxWaiting: many });
    await w.clock.advance(2 * hour);
    const signal = shared();
    const source = axios.CancelToken.source();
    const requests = times(many, () =>
      watch(w.instance.get('/orders', { signal, cancelToken: source.token, timeout: 5_000 })),
    );
    await settle();
    expect(w.session.getSnapshot().waiting).toBe(many);
    expect(getEventListeners(signal, 'abort')).toHaveLength(many);
    expect(w.clock.holding).toBe(many);
    if (end === 'answer') nth(w.calls, 0).answer();
    else nth(w.calls, 0).fail(end);
    await settle();
    expect(new Set(states(requests))).toEqual(new Set([state]));
    expect(new Set(requests.map(({ error }) => (error as { code?: string } | undefined)?.code))).toEqual(
      new Set([code]),
    );
    expect(w.session.getSnapshot().waiting).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(w.clock.holding).toBe(0);
    // The end of a cooldown is all that is ever looked for.
    await w.clock.advance(hour);
    expect(w.clock.pending).toBe(0);
    expect((source.token as unknown as { _listeners?: unknown[] })._listeners ?? []).toHaveLength(0);
  });

  test('that ran out of time, were aborted, signed out or disposed of', async () => {
    const w = world({ refresh: 'open', retry: false, maxWaiting: many });
    await w.clock.advance(2 * hour);
    const controllers = times(4, () => new AbortController());
    for (const controller of controllers) shared(controller);
    const requests = times(many, (index) =>
      watch(
        w.instance.get('/orders', {
          signal: nth(controllers, index % 4).signal,
          ...(index % 4 === 0 && { timeout: 1_000 }),
        }),
      ),
    );
    const waiting = (): number => w.session.getSnapshot().waiting;
    await w.clock.advance(1_000);
    expect(waiting()).toBe((many / 4) * 3);
    nth(controllers, 1).abort();
    await settle();
    expect(waiting()).toBe(many / 2);
    await w.session.signOut();
    w.session.dispose();
    await settle();
    expect(waiting()).toBe(0);
    expect(new Set(states(requests))).toEqual(new Set(['rejected']));
    for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(w.clock.pending).toBe(0);
  });

  test('a body that waits keeps no listener of ours', async () => {
    const w = world({ refresh: 'open', retry: false });
    await w.clock.advance(2 * hour);
    const body = new PassThrough();
    const before = body.listenerCount('error');
    const request = watch(w.instance.post('/orders', body));
    await settle();
    expect(body.listenerCount('error')).toBe(before + 1);
    nth(w.calls, 0).answer();
    await settle();
    expect(request.state).toBe('resolved');
    expect(body.listenerCount('error')).toBe(before);
  });

  test('that were replayed after a 401', async () => {
    const w = world({ refresh: 'open', maxWaiting: many });
    const signal = shared();
    const old = await w.session.getAccessToken();
    w.api.respond = (_config, token) => ({ status: token === old ? 401 : 200 });
    const requests = times(many, () => watch(w.instance.post('/orders', { id: 1 }, { signal })));
    await settle();
    expect(w.calls).toHaveLength(1);
    nth(w.calls, 0).answer();
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(w.clock.pending).toBe(0);
  });
});
