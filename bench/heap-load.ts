/** The process of section `heap`: sends requests in rounds of a hundred, and reports the heap after each step. */
import { setMaxListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import axios, { isAxiosError, isCancel, type AxiosRequestConfig } from 'axios';
import { installTokenRefresh, type Clock } from 'axios-token-refresh';
import { makeApi } from './api.js';
import { OURS } from './contenders.js';
import type { HeapReport } from './heap.js';
import { collectGarbage } from './measure.js';

const LIFETIME_SECONDS = 3600;
const PLAIN = 80;
const WAITING = 10;
/** Of those that wait. */
const ABORTED = 2;
const REFUSED = 10;
const PER_ROUND = PLAIN + WAITING + REFUSED;

interface Load {
  /** Sends a request, which is to succeed or to be aborted. */
  readonly send: (config: AxiosRequestConfig) => Promise<unknown>;
  /** Brings the token near its end: the next requests wait for another. Calls `whenAllWait` once they do. */
  readonly age: (whenAllWait: () => void) => void;
  /** Lets the API refuse the token. */
  readonly revoke: () => void;
  /** What has happened so far. */
  readonly counts: HeapReport['counts'];
}

/** The session lives on a clock of its own, where hours pass in no time. */
function makeOurs(): Load {
  let aheadMs = 0;
  const clock: Clock = {
    now: () => Date.now() + aheadMs,
    monotonic: () => performance.now() + aheadMs,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  };
  const api = makeApi();
  const instance = axios.create({ baseURL: 'https://api.example.com', adapter: api.adapter });
  const issue = () => ({ accessToken: api.refresh(), refreshToken: 'refresh-token', expiresIn: LIFETIME_SECONDS });
  const session = installTokenRefresh(instance, { tokens: issue(), refresh: async () => issue(), clock });
  const counts = { refreshes: 0, waits: 0, replays: 0 };
  session.on('refresh.succeeded', () => (counts.refreshes += 1));
  let queued = (): void => undefined;
  session.on('request.queued', () => {
    counts.waits += 1;
    queued();
  });
  session.on('request.replayed', () => (counts.replays += 1));
  return {
    send: (config) => instance.request(config),
    age: (whenAllWait) => {
      aheadMs += (LIFETIME_SECONDS - 60) * 1000;
      let left = WAITING;
      queued = () => {
        if ((left -= 1) === 0) whenAllWait();
      };
    },
    revoke: () => void api.refresh(),
    counts,
  };
}

/** The same requests; the caller sets the header, and repeats what was refused. */
function makeBare(): Load {
  const api = makeApi();
  const instance = axios.create({ baseURL: 'https://api.example.com', adapter: api.adapter });
  let valid = api.refresh();
  let token = valid;
  const counts = { repeats: 0 };
  const attempt = (config: AxiosRequestConfig): Promise<unknown> =>
    instance.request({ ...config, headers: { Authorization: `Bearer ${token}` } });
  return {
    send: (config) =>
      attempt(config).catch((error: unknown) => {
        if (!isAxiosError(error) || error.response?.status !== 401) throw error;
        counts.repeats += 1;
        token = valid;
        return attempt(config);
      }),
    age: (whenAllWait) => queueMicrotask(whenAllWait),
    revoke: () => {
      valid = api.refresh();
    },
    counts,
  };
}

/** Never aborted: a listener that is left on it is kept for good. */
const lifelong = new AbortController().signal;
setMaxListeners(0, lifelong);

async function runRound({ send, age, revoke }: Load): Promise<void> {
  const get = { url: '/items/1', signal: lifelong };
  for (let sent = 0; sent < PLAIN; sent += 1) await send(get);

  const controllers = Array.from({ length: ABORTED }, () => new AbortController());
  age(() => {
    for (const controller of controllers) controller.abort();
  });
  const kept = Array.from({ length: WAITING - ABORTED }, () => send(get));
  const aborted = controllers.map(({ signal }) => expectAbort(send({ ...get, signal })));
  await Promise.all([...kept, ...aborted]);

  revoke();
  const post = { url: '/items', method: 'post', data: { name: 'item' }, signal: lifelong };
  await Promise.all(Array.from({ length: REFUSED }, () => send(post)));
}

async function expectAbort(request: Promise<unknown>): Promise<void> {
  await request.then(
    () => Promise.reject(new Error('An aborted request was answered')),
    (error: unknown) => (isCancel(error) ? undefined : Promise.reject(error as Error)),
  );
}

async function heapUsed(): Promise<number> {
  // Twice, with a turn between: what was freed may let go of more.
  for (let times = 0; times < 2; times += 1) {
    await setImmediate();
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}

const [variant, steps, perStep] = process.argv.slice(2);
const load = variant === OURS ? makeOurs() : makeBare();
const heaps: number[] = [];
// The first step is for the compiler.
for (let step = 0; step <= Number(steps); step += 1) {
  for (let sent = 0; sent < Number(perStep); sent += PER_ROUND) await runRound(load);
  heaps.push(await heapUsed());
}
process.send?.({ heaps, counts: load.counts } satisfies HeapReport);
