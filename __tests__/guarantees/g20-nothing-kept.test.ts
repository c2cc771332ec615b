/** G20 no memory kept: what 10,000 requests leave behind, however they end. `npm run bench -- --only heap` sends a million. */
import { randomUUID } from 'node:crypto';
import { getEventListeners, setMaxListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import axios from 'axios';
import { createTokenSession, type TokenSession, type TokenStore } from '../../src/index.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { hour, nth, pause, refused, settle, states, times, unreachable, watch, world } from '../properties/world.js';

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

describe('G20 a timer holds the process for who waits for a store, and no longer', () => {
  const slow = (clock: FakeClock): TokenStore => {
    const answer = (): Promise<undefined> => pause(clock, 1_000).then(() => undefined);
    return { load: answer, save: answer, clear: answer };
  };

  test.each<[string, (session: TokenSession) => Promise<unknown>]>([
    ['setTokens()', (session) => session.setTokens('opaque')],
    ['signOut()', (session) => session.signOut()],
    ['refresh(), while the store is read', (session) => session.refresh()],
  ])('%s', async (_what, act) => {
    const clock = fakeClock();
    const w = world({ clock, tokens: null, store: slow(clock) });
    expect(clock.holding).toBe(0);
    const done = watch(act(w.session));
    await settle();
    expect(clock.holding).toBe(1);
    await clock.advance(1_000);
    expect(done.state).toBe('resolved');
    expect(clock.holding).toBe(0);
  });

  test('nobody waits for what a refresh in the background has brought to be saved', async () => {
    const clock = fakeClock();
    const w = world({ clock, store: slow(clock) });
    await clock.advance(2_000);
    await w.session.refresh();
    expect(clock.pending).toBeGreaterThan(0);
    expect(clock.holding).toBe(0);
  });
});

describe('G20 an outage leaves nothing behind', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  /** Bytes that each round of an outage adds to the heap. */
  const growth = async (round: () => Promise<unknown>): Promise<number> => {
    const used = async (count: number): Promise<number> => {
      for (let done = 0; done < count; done++) await round();
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await used(500);
    return ((await used(5_000)) - before) / 5_000;
  };

  test('however many refreshes have failed in a row', async () => {
    const session = createTokenSession({ retry: false, refresh: () => Promise.reject(unreachable()) });
    expect(await growth(() => session.refresh().catch(() => undefined))).toBeLessThan(300);
    expect(session.getSnapshot().consecutiveFailures).toBe(5_500);
    session.dispose();
  });

  test('however many token sets the store has refused', async () => {
    const save = (): never => {
      throw new Error('ENOSPC');
    };
    const session = createTokenSession({
      refresh: () => 'unused',
      store: { load: () => undefined, save, clear: () => undefined },
    });
    expect(await growth(() => session.setTokens(randomUUID().repeat(20)))).toBeLessThan(300);
    session.dispose();
  });
});

describe('G20 what rejects one request', () => {
  test('is an error of its own, and what the session remembers does not grow', async () => {
    const w = world({
      tokens: { accessToken: 'dead', expiresIn: 0 },
      refresh: () => Promise.reject(refused()),
      whenMissing: 'reject',
    });
    const rejected = async (url: string): Promise<Error> => {
      const error: unknown = await w.instance.get(url).catch((reason: unknown) => reason);
      return error as Error;
    };
    await rejected('/orders');
    const { stack } = w.session.getSnapshot().error ?? {};
    const errors = [await rejected('/orders'), await rejected('/users'), await rejected('/orders')];
    expect(new Set(errors).size).toBe(3);
    for (const error of errors) expect(error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', status: 400 });
    expect(w.session.getSnapshot().error?.stack).toBe(stack);
  });
});
