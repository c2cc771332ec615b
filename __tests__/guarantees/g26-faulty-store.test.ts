import { describe, expect, test } from '@jest/globals';
import { memoryStore, type TokenSet, type TokenStore } from '../../src/index.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { sharedPlace, type SharedPlace } from '../support/shared-store.js';
import { tokenFor } from '../support/jwt.js';
import {
  hour,
  minute,
  nth,
  pause,
  refused,
  reset,
  second,
  settle,
  times,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';

interface Scene {
  readonly w: World;
  readonly clock: FakeClock;
  readonly place: SharedPlace;
}

/** A session whose token has died, on a store with some of its methods replaced. */
async function withStore(faults: Partial<TokenStore>, options: WorldOptions = {}): Promise<Scene> {
  const clock = fakeClock();
  const place = sharedPlace({ accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' });
  let armed = false;
  const holder = place.holder();
  const faulty = Object.fromEntries(
    Object.entries(faults).map(([name, fault]) => [
      name,
      (...args: unknown[]) =>
        ((armed ? fault : holder[name as keyof TokenStore]) as (...args: unknown[]) => unknown)(...args),
    ]),
  );
  const w = world({ tokens: null, store: { ...holder, ...faulty }, ...options, clock });
  await w.session.ready;
  await clock.advance(2 * hour);
  armed = true;
  return { w, clock, place };
}

const never = (): Promise<never> => new Promise(() => undefined);
const throwing = (): never => {
  throw new Error('The store is out of order.');
};
const rejecting = (): Promise<never> => Promise.reject(new Error('The store is out of order.'));

describe('G26 a lock is an optimisation, never a gate', () => {
  test.each<[string, TokenStore['exclusive'] & object]>([
    ['throws', throwing],
    ['rejects', rejecting],
    ['never gives a turn', never],
    ['settles without giving a turn', () => Promise.resolve(undefined as never)],
    [
      'gives a turn and then fails',
      async (work) => {
        void work();
        await settle();
        return rejecting();
      },
    ],
    ['gives two turns', (work) => Promise.all([work(), work()]).then(([done]) => done)],
    [
      'gives a turn, but tells nobody of its end',
      (work) => {
        void work();
        return never();
      },
    ],
    [
      'gives a turn long after it was given up',
      (work, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => setTimeout(() => resolve(work()), 5));
        }),
    ],
  ])('a section that %s: one refresh, and the request leaves', async (_what, exclusive) => {
    const { w, clock } = await withStore({ exclusive });
    const request = watch(w.instance.get('/orders'));
    await clock.advance(7 * second);
    expect(request.state).toBe('resolved');
    expect(w.calls).toHaveLength(1);
  });

  test('the wait for a turn is bounded and told, and leaves time for the refresh', async () => {
    const { w, clock } = await withStore({
      exclusive: (_work, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    });
    const request = watch(w.instance.get('/orders'));
    await clock.advance(5 * second);
    expect(request.state).toBe('pending');
    await clock.advance(second);
    expect(request.state).toBe('resolved');
    expect(w.told('store.failed')).toMatchObject([{ action: 'exclusive', error: { name: 'TimeoutError' } }]);
  });

  describe.each([
    ['a token that is not due yet', 56 * minute, 0],
    ['a token that is due', 59 * minute, 1],
  ])('while the store gives no turns, %s', (_what, ageMs, refreshes) => {
    test(`is refreshed ${String(refreshes)} times by each of its holders, and their requests leave`, async () => {
      const clock = fakeClock();
      const place = sharedPlace({ accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' });
      let isAway = false;
      const join = (): World => {
        const holder = place.holder();
        const exclusive: TokenStore['exclusive'] = (...turn) => (isAway ? rejecting() : holder.exclusive(...turn));
        return world({ tokens: null, store: { ...holder, exclusive }, clock });
      };
      const holders = times(3, join);
      await clock.advance(ageMs);
      isAway = true;
      const requests = holders.map(({ instance }) => watch(instance.get('/orders')));
      await clock.advance(second);
      expect(requests.map(({ state }) => state)).toStrictEqual(['resolved', 'resolved', 'resolved']);
      expect(holders.map(({ calls }) => calls.length)).toEqual(times(3, () => refreshes));
      isAway = false;
      await clock.advance(30 * second);
      for (const { instance } of holders) await instance.get('/orders');
      await settle();
      if (refreshes === 0) expect(holders.flatMap(({ calls }) => calls)).toHaveLength(1);
    });
  });

  test('a refresh that waits for the store is told as one that failed', async () => {
    const { w, clock } = await withStore({ exclusive: rejecting });
    await w.instance.get('/orders');
    await clock.advance(56 * minute);
    await w.instance.get('/orders');
    await clock.advance(second);
    expect(w.calls).toHaveLength(1);
    expect(w.told('refresh.failed')).toMatchObject([
      { trigger: 'ahead', servedCurrent: true, error: { kind: 'network', attempts: 2 } },
    ]);
    expect(w.told('refresh.failed')[0]?.error.message).toBe('The store gives no turn, and the token is not due yet.');
    await w.session.refresh();
    expect(w.calls).toHaveLength(2);
  });

  test('a sign-out ends the wait for a turn', async () => {
    let ended = false;
    const { w } = await withStore({
      exclusive: (_work, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            ended = true;
            reject(signal.reason as Error);
          }),
        ),
    });
    const request = watch(w.instance.get('/orders'));
    await settle();
    await w.session.signOut();
    await settle();
    expect(ended).toBe(true);
    expect(w.calls).toHaveLength(0);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(w.told('store.failed')).toStrictEqual([]);
  });

  test('nothing that the refresh tells is told inside', async () => {
    const { w, clock, place } = await withStore({ replace: rejecting }, { refresh: 'open' });
    const inside: string[] = [];
    w.session.on('event', ({ type }) => {
      if (place.isBusy && type !== 'request.queued') inside.push(type);
    });
    const request = watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 0).answer({ accessToken: w.issue(), refreshToken: 'refresh-1' });
    await clock.advance(second);
    expect(request.state).toBe('resolved');
    expect(w.told('store.failed')).toMatchObject([{ action: 'save' }]);
    expect(inside).toStrictEqual([]);
  });

  test.each<[string, object]>([
    ['tells the time', {}],
    ['brings a refresh token beside a dead access token', { expiresIn: 0 }],
  ])('no subscriber is called inside, though the answer %s', async (_what, fields) => {
    const { w, clock, place } = await withStore({}, { refresh: 'open', retry: false });
    const inside: unknown[] = [];
    const skews: unknown[] = [];
    const request = watch(w.instance.get('/orders'));
    await settle();
    w.session.subscribe(() => {
      if (place.isBusy) inside.push('changed');
      skews.push(w.session.getSnapshot().clockSkewMs);
    });
    w.session.on('event', ({ type }) => {
      if (place.isBusy) inside.push(type);
    });
    const date = new Date(clock.now() + hour).toUTCString();
    w.api.respond = () => ({ status: 200, headers: { date } });
    const { context, answer } = nth(w.calls, 0);
    await context.http.post('/auth/refresh');
    answer({ accessToken: w.issue(), refreshToken: 'refresh-1', ...fields });
    await settle();
    expect(request.state).not.toBe('pending');
    expect(inside).toStrictEqual([]);
    expect(place.record?.refreshToken).toBe('refresh-1');
    expect(w.told('clock.skewed')).toHaveLength(1);
    expect(skews[0]).toBe(w.session.getSnapshot().clockSkewMs);
  });

  test('a skew that is learned inside is told of once, though a request begins to wait before that', async () => {
    const { w, clock } = await withStore({}, { refresh: 'open', retry: false });
    const first = watch(w.instance.get('/orders'));
    await settle();
    w.api.respond = () => ({ status: 200, headers: { date: new Date(clock.now() + hour).toUTCString() } });
    const { context, answer } = nth(w.calls, 0);
    await context.http.post('/auth/refresh');
    const second = watch(w.instance.get('/orders'));
    await settle();
    answer({ accessToken: w.issue(), refreshToken: 'refresh-1' });
    await settle();
    expect([first.state, second.state]).toStrictEqual(['resolved', 'resolved']);
    expect(w.told('clock.skewed')).toHaveLength(1);
  });

  test('an answer that tells the same time as the last changes nothing by that', async () => {
    const w = world({ refresh: 'open' });
    w.api.respond = () => ({ status: 200, headers: { date: new Date(w.clock.now()).toUTCString() } });
    void watch(w.session.refresh());
    await settle();
    const { context } = nth(w.calls, 0);
    await context.http.post('/auth/refresh');
    const told = w.session.getSnapshot();
    expect(told.clockSkewMs).toBeDefined();
    await context.http.post('/auth/refresh');
    expect(w.session.getSnapshot()).toBe(told);
  });

  test('an attempt that is given up leaves the section; its answer is stored when it comes', async () => {
    const { w, clock, place } = await withStore({}, { refresh: 'open', retry: false, refreshTimeoutMs: 4 * second });
    const request = watch(w.instance.get('/orders'));
    await clock.advance(4 * second);
    expect(request.error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_TIMEOUT' });
    expect(place.isBusy).toBe(false);
    nth(w.calls, 0).answer({ accessToken: w.issue(), refreshToken: 'refresh-1' });
    await settle();
    expect(w.told('refresh.succeeded')).toMatchObject([{ late: true }]);
    expect(place.record?.refreshToken).toBe('refresh-1');
  });
});

describe('G26 a store that fails costs no session', () => {
  test.each<[string, Partial<TokenStore>, string]>([
    ['cannot be read', { load: throwing }, 'load'],
    ['answers no reads', { load: never }, 'load'],
    ['holds something else', { load: () => Promise.resolve({ accessToken: 5 } as unknown as TokenSet) }, 'load'],
    ['cannot be written', { replace: rejecting }, 'save'],
    ['throws on writing', { replace: throwing }, 'save'],
    ['answers no writes', { replace: never }, 'save'],
  ])('one that %s', async (_what, faults, action) => {
    const { w, clock } = await withStore(faults, {
      refresh: ({ tokens }, { issue }) => ({ accessToken: issue(), refreshToken: `${String(tokens?.refreshToken)}+` }),
    });
    const request = watch(w.instance.get('/orders'));
    await clock.advance(10 * second);
    expect(request.state).toBe('resolved');
    expect(w.told('store.failed')[0]).toMatchObject({ action });
    await clock.advance(2 * hour);
    const later = watch(w.instance.get('/orders'));
    await clock.advance(10 * second);
    expect(later.state).toBe('resolved');
    // The memory is newer than what the store could not be given.
    expect(w.calls.map(({ context }) => context.tokens?.refreshToken)).toStrictEqual(['refresh-0', 'refresh-0+']);
    expect(w.session.status).toBe('active');
  });

  test('a write that arrives without an answer is not taken for another holder’s', async () => {
    const { w, clock, place } = await withStore({
      replace: (_expected, next) => {
        place.record = next;
        return never();
      },
    });
    await Promise.all([w.session.refresh(), clock.advance(3 * second)]);
    const { generation } = w.session.getSnapshot();
    place.tell();
    await settle();
    expect(w.session.getSnapshot().generation).toBe(generation);
  });

  test.each<[string, Partial<TokenStore>, string]>([
    ['cannot be read', { load: throwing }, 'load'],
    ['holds something else', { load: () => ({ accessToken: 7 }) as unknown as TokenSet }, 'load'],
    ['cannot be listened to', { subscribe: throwing }, 'subscribe'],
  ])('one that %s, and says so at once, is heard by who listens to the new session', async (_what, faults, action) => {
    const w = world({ store: { ...memoryStore(), ...faults } });
    await w.session.ready;
    expect(w.told('store.failed')).toMatchObject([{ action }]);
  });

  test('tokens that it has at once, but that make no header, are told to who listens to the new session', async () => {
    const formatHeader = (token: string): string => (token === 'odd' ? throwing() : `Bearer ${token}`);
    const w = world({ tokens: null, formatHeader, store: { ...memoryStore(), load: () => ({ accessToken: 'odd' }) } });
    await w.session.ready;
    expect(w.told('listener.failed')).toMatchObject([{ source: 'formatHeader' }]);
  });

  test('a subscription that throws, at its beginning or at its end, is told and harms nothing', async () => {
    const clock = fakeClock();
    const place = sharedPlace();
    const holder = place.holder();
    const first = world({ clock, store: { ...holder, subscribe: throwing } });
    await first.session.ready;
    await first.instance.get('/orders');
    const second = world({ clock, store: { ...holder, subscribe: () => throwing } });
    second.session.dispose();
    expect(first.sent()).toHaveLength(1);
  });

  test('G20 an asynchronous subscription that fails is told and escapes nobody, and so does its end', async () => {
    const escaped: unknown[] = [];
    const hear = (reason: unknown): unknown => escaped.push(reason);
    process.on('unhandledRejection', hear);
    const inJavaScript = (subscribe: () => unknown): TokenStore => ({
      ...sharedPlace().holder(),
      subscribe: subscribe as NonNullable<TokenStore['subscribe']>,
    });
    try {
      const begins = world({ store: inJavaScript(rejecting) });
      await settle();
      expect(begins.told('store.failed')).toMatchObject([{ action: 'subscribe' }]);
      const ends = [() => rejecting, () => Promise.resolve(rejecting)].map((subscribe) =>
        world({ store: inJavaScript(subscribe) }),
      );
      await settle();
      for (const { session } of ends) session.dispose();
      await settle();
    } finally {
      process.off('unhandledRejection', hear);
    }
    expect(escaped).toStrictEqual([]);
  });

  test('G20 an asynchronous subscription is ended by dispose(), however late it has begun', async () => {
    let ended = 0;
    const gates: (() => void)[] = [];
    const end = (): void => void (ended += 1);
    const subscribe = (): never => new Promise<void>((resolve) => gates.push(resolve)).then(() => end) as never;
    const worlds = times(2, () => world({ store: { ...sharedPlace().holder(), subscribe } }));
    nth(gates, 0)();
    await settle();
    expect(ended).toBe(0);
    for (const { session } of worlds) session.dispose();
    expect(ended).toBe(1);
    nth(gates, 1)();
    await settle();
    expect(ended).toBe(2);
  });

  test('G20 tokens of another holder that make no header are told, and nothing escapes', async () => {
    const clock = fakeClock();
    const place = sharedPlace({ accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' });
    const w = world({
      clock,
      tokens: null,
      store: place.holder(),
      formatHeader: (token) => {
        if (token === 'odd') throw new Error('No such scheme.');
        return `Bearer ${token}`;
      },
    });
    await w.session.ready;
    const escaped: unknown[] = [];
    const hear = (reason: unknown): unknown => escaped.push(reason);
    process.on('unhandledRejection', hear);
    try {
      place.record = { accessToken: 'odd', refreshToken: 'refresh-1' };
      place.tell();
      await settle();
    } finally {
      process.off('unhandledRejection', hear);
    }
    expect(escaped).toStrictEqual([]);
    expect(w.told('listener.failed')).toMatchObject([{ source: 'formatHeader' }]);
    await w.instance.get('/orders');
    expect(w.sent()).toHaveLength(1);
    expect(w.session.status).toBe('active');
  });

  test('a sign-in after a refusal is not written behind reads that are no longer wanted', async () => {
    const written: (TokenSet | undefined)[] = [];
    const save = (tokens: TokenSet): Promise<void> => Promise.resolve(void written.push(tokens));
    const { w, clock } = await withStore({ load: never, save }, { refresh: 'open' });
    void watch(w.session.refresh());
    await clock.advance(2 * second);
    nth(w.calls, 0).fail(refused());
    await settle();
    void watch(w.session.signOut());
    await clock.advance(2 * second + 60);
    const accessToken = w.issue();
    void watch(w.session.setTokens(accessToken));
    await settle();
    expect(written).toMatchObject([{ accessToken }]);
    await clock.advance(10 * second);
    // Before the refresh, and as it was refused.
    expect(w.told('store.failed')).toHaveLength(2);
  });

  test('word of a change after dispose() is not heeded', async () => {
    const { w, place } = await withStore({});
    w.session.dispose();
    place.record = undefined;
    place.tell();
    await settle();
    expect(w.told('session.cleared')).toStrictEqual([]);
  });

  test('word of changes that comes too often does not keep a refresh waiting', async () => {
    const clock = fakeClock();
    const place = sharedPlace({ accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' });
    const holder = place.holder();
    let loads = 0;
    const load = async (): Promise<TokenSet | undefined> => {
      loads += 1;
      await pause(clock, second);
      return holder.load();
    };
    const w = world({ clock, tokens: null, store: { ...holder, load } });
    await clock.advance(2 * hour);
    loads = 0;
    for (let told = 0; told < 60; told++) place.tell();
    await settle();
    const request = watch(w.instance.get('/orders'));
    // One that is under way may have missed what the next one finds.
    place.tell();
    await clock.advance(2 * second);
    expect(request.state).toBe('resolved');
    expect(w.calls).toHaveLength(1);
    expect(loads).toBe(2);
  });

  test('a refresh that a sign-in starts reads the store after it, whatever read is due before', async () => {
    const { w, clock, place } = await withStore({
      load: async () => {
        await pause(clock, second);
        return place.record;
      },
    });
    place.tell();
    await settle();
    place.tell();
    await settle();
    const dead = tokenFor({ now: () => clock.now() - hour }, 60);
    void w.session.setTokens({ accessToken: dead, refreshToken: 'refresh-1' });
    const request = watch(w.instance.get('/orders'));
    await clock.advance(5 * second);
    expect(request.state).toBe('resolved');
    expect(w.calls.map(({ context }) => context.tokens?.refreshToken)).toStrictEqual(['refresh-1']);
    expect([place.record?.accessToken]).toEqual(w.sent());
  });

  test('after dispose() nothing is read, not even what waits to be', async () => {
    let loads = 0;
    const gates: (() => void)[] = [];
    const { w, place } = await withStore({
      load: async () => {
        loads += 1;
        await new Promise<void>((resolve) => gates.push(resolve));
        return place.record;
      },
    });
    place.tell();
    await settle();
    place.tell();
    await settle();
    w.session.dispose();
    nth(gates, 0)();
    place.tell();
    await settle();
    expect(loads).toBe(1);
  });

  test('dispose() ends the subscription, and the wait for a store that does not answer', async () => {
    const clock = fakeClock();
    let listeners = 0;
    const subscribe = (): (() => void) => {
      listeners += 1;
      return () => (listeners -= 1);
    };
    const w = world({ clock, tokens: null, store: { ...sharedPlace().holder(), load: never, subscribe } });
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect([listeners, w.session.status]).toStrictEqual([1, 'loading']);
    w.session.dispose();
    await w.session.ready;
    await settle();
    expect(listeners).toBe(0);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_DISPOSED' });
    expect(clock.pending).toBe(0);
  });

  test('a section that fails when the work has begun is no news to anybody', async () => {
    const exclusive: TokenStore['exclusive'] = (work) => {
      void work();
      return rejecting();
    };
    const { w } = await withStore({ exclusive }, { refresh: 'open' });
    const renewed = watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).answer();
    await settle();
    expect(renewed.state).toBe('resolved');
    expect(w.told('store.failed')).toStrictEqual([]);
    expect(w.calls).toHaveLength(1);
  });

  test('a store that has answered is waited for no longer', async () => {
    const { w, clock } = await withStore({});
    await w.session.refresh();
    await settle();
    expect(clock.pending).toBe(0);
  });

  test('a sign-out that cannot be written counts here, and is told', async () => {
    const { w, place } = await withStore({ clear: rejecting });
    await w.session.signOut();
    expect(w.session.status).toBe('signed-out');
    expect(w.told('store.failed')).toMatchObject([{ action: 'clear' }]);
    place.tell();
    await settle();
    expect(w.session.status).toBe('signed-out');
  });

  test('null in a store is nothing', async () => {
    const { w, place } = await withStore({ load: () => Promise.resolve(null as unknown as undefined) });
    place.tell();
    await settle();
    expect(w.told('store.failed')).toStrictEqual([]);
    expect(w.session.status).toBe('signed-out');
  });

  test('word of one’s own writing is no news', async () => {
    const { w, place } = await withStore({});
    await w.session.refresh();
    const { generation } = w.session.getSnapshot();
    place.tell();
    await settle();
    expect(w.session.getSnapshot().generation).toBe(generation);
  });

  test('a shared store without replace is written by save', async () => {
    const clock = fakeClock();
    const place = sharedPlace({ accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' });
    const { load, save, clear, exclusive } = place.holder();
    const w = world({ clock, tokens: null, store: { load, save, clear, exclusive } });
    await w.session.ready;
    await w.session.refresh();
    expect(place.record?.accessToken).toBe(await w.session.getAccessToken());
    expect(place.written).toHaveLength(1);
  });

  test('the wait for a turn takes at most half of the operation', async () => {
    const exclusive = (_work: unknown, signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const { w, clock } = await withStore({ exclusive }, { refreshTimeoutMs: 4 * second });
    const request = watch(w.instance.get('/orders'));
    await clock.advance(2 * second);
    expect(request.state).toBe('resolved');
  });

  test('a failure that is no refusal is not looked into: the next attempt is made at once', async () => {
    const { w, clock } = await withStore({}, { refresh: 'open' });
    void watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 0).fail(reset());
    await clock.advance(0);
    expect(w.calls).toHaveLength(2);
  });
});
