import { describe, expect, test } from '@jest/globals';
import type { TokenSet, TokenStore } from '../../src/index.js';
import { fakeClock } from '../support/clock.js';
import { tokenFor } from '../support/jwt.js';
import { sharedPlace, type SharedPlace } from '../support/shared-store.js';
import {
  answered,
  hour,
  nth,
  refused,
  reset,
  second,
  settle,
  unreachable,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';

type Scene = Readonly<{ w: World; place: SharedPlace; next: TokenSet }>;

/** The store of one holder alone, which outlives its session. */
const lasting = (store: TokenStore): TokenStore => ({
  load: () => store.load(),
  save: (tokens) => store.save(tokens),
  clear: () => store.clear(),
});
const kinds: [string, (store: TokenStore) => TokenStore][] = [
  ['a shared store', (store) => store],
  ['a store of its own', lasting],
];

/** A session whose token has died, on a store that goes on without it. */
async function onStore(only: (store: TokenStore) => TokenStore, options: WorldOptions = {}): Promise<Scene> {
  const clock = fakeClock();
  const place = sharedPlace({ accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' });
  const w = world({ refresh: 'open', tokens: null, store: only(place.holder()), ...options, clock });
  await w.session.ready;
  await clock.advance(2 * hour);
  return { w, place, next: { accessToken: w.issue(), refreshToken: 'refresh-1' } };
}

/** The same, while its refresh callback is asked. */
async function refreshing(only: (store: TokenStore) => TokenStore, options?: WorldOptions): Promise<Scene> {
  const scene = await onStore(only, options);
  void watch(scene.w.instance.get('/orders'));
  await settle();
  expect(scene.w.calls).toHaveLength(1);
  return scene;
}

describe.each(kinds)('G13 dispose() during a refresh, on %s', (_kind, only) => {
  test('the answer reaches the store: the server has spent the refresh token that is there', async () => {
    const { w, place, next } = await refreshing(only);
    w.session.dispose();
    expect(nth(w.calls, 0).context.signal.aborted).toBe(false);
    nth(w.calls, 0).answer(next);
    await settle();
    expect(place.written).toMatchObject([next]);
    expect(w.clock.pending).toBe(0);
  });

  test('so does one that comes after the deadline', async () => {
    const { w, place, next } = await refreshing(only);
    w.session.dispose();
    await w.clock.advance(20 * second);
    nth(w.calls, 0).answer(next);
    await settle();
    expect(place.record).toMatchObject(next);
    expect(w.clock.pending).toBe(0);
  });

  test('and one whose deadline had passed when the session was disposed of', async () => {
    const { w, place, next } = await refreshing(only, { retry: false });
    await w.clock.advance(20 * second);
    expect(w.told('refresh.failed')).toHaveLength(1);
    w.session.dispose();
    nth(w.calls, 0).answer(next);
    await settle();
    expect(place.record).toMatchObject(next);
  });

  test('and the refresh token beside an access token that has died on its way', async () => {
    const { w, place } = await refreshing(only);
    w.session.dispose();
    const before = w.session.getSnapshot();
    nth(w.calls, 0).answer({ accessToken: 'dead', refreshToken: 'refresh-1', expiresIn: 0 });
    await settle();
    expect(w.session.getSnapshot()).toBe(before);
    expect(place.record?.refreshToken).toBe('refresh-1');
  });

  test('those who wait are rejected at once; the session stays as it was, and tells nothing more', async () => {
    const { w, next } = await refreshing(only);
    const wait = watch(w.session.getAccessToken());
    await settle();
    w.session.dispose();
    await settle();
    expect(wait.error).toMatchObject({ code: 'AUTH_SESSION_DISPOSED' });
    const before = w.session.getSnapshot();
    const heard = listen(w);
    const date = new Date(w.clock.now() + hour).toUTCString();
    w.api.respond = () => ({ status: 200, headers: { date } });
    await nth(w.calls, 0).context.http.post('/auth/refresh');
    nth(w.calls, 0).answer(next);
    await settle();
    expect(heard).toStrictEqual([]);
    expect(w.session.getSnapshot()).toBe(before);
    expect(before).toMatchObject({ isRefreshing: false, generation: 1 });
  });

  test('a failure is the end: no further attempt, no question, no word', async () => {
    const asked: unknown[] = [];
    const { w, place } = await refreshing(only, {
      classifyFailure: (error) => {
        asked.push(error);
        return undefined;
      },
    });
    let loads = 0;
    w.session.dispose();
    const { record } = place;
    Object.defineProperty(place, 'record', { get: () => (loads++, record) });
    const before = w.session.getSnapshot();
    const heard = listen(w);
    nth(w.calls, 0).fail(refused());
    await w.clock.advance(hour);
    expect([asked, heard, loads]).toStrictEqual([[], [], 0]);
    expect(w.session.getSnapshot()).toBe(before);
    expect(w.calls).toHaveLength(1);
    expect(w.clock.pending).toBe(0);
  });

  test('a pause between two attempts is the end', async () => {
    const { w } = await refreshing(only);
    nth(w.calls, 0).fail(answered(503, { 'retry-after': '3' }));
    await settle();
    expect(w.told('refresh.retried')).toHaveLength(1);
    w.session.dispose();
    expect(w.clock.pending).toBe(0);
    await w.clock.advance(hour);
    expect(w.calls).toHaveLength(1);
  });

  test('a repeat that is due is not made, but its first attempt is listened to', async () => {
    const { w, place, next } = await refreshing(only);
    w.session.on('refresh.retried', () => w.session.dispose());
    await w.clock.advance(6 * second);
    expect(w.calls).toHaveLength(1);
    nth(w.calls, 0).answer(next);
    await settle();
    expect(place.record).toMatchObject(next);
  });

  test('of two attempts the one that is answered counts', async () => {
    const { w, place, next } = await refreshing(only);
    await w.clock.advance(5 * second);
    expect(w.calls).toHaveLength(2);
    w.session.dispose();
    nth(w.calls, 1).fail(reset());
    await settle();
    nth(w.calls, 0).answer(next);
    await settle();
    expect(place.record).toMatchObject(next);
    expect(w.calls).toHaveLength(2);
  });

  test('it is listened to as long as any late answer, and holds no process', async () => {
    const { w, place } = await refreshing(only);
    const { record } = place;
    w.session.dispose();
    expect(w.clock.holding).toBe(0);
    await w.clock.advance(29 * second);
    expect(nth(w.calls, 0).context.signal.aborted).toBe(false);
    await w.clock.advance(second);
    expect(nth(w.calls, 0).context.signal.aborted).toBe(true);
    expect(w.clock.pending).toBe(0);
    nth(w.calls, 0).answer(w.issue());
    await settle();
    expect(place.record).toBe(record);
  });

  test.each<[string, TokenSet | undefined]>([
    ['a sign-out', undefined],
    ['a sign-in', { accessToken: 'of-bob', refreshToken: 'refresh-of-bob' }],
  ])('%s that has been stored meanwhile stays', async (_what, record) => {
    for (const answer of ['of use', 'dead']) {
      const { w, place, next } = await refreshing(only);
      w.session.dispose();
      place.record = record;
      nth(w.calls, 0).answer(answer === 'dead' ? { ...next, expiresIn: 0 } : next);
      await settle();
      expect(place.record).toBe(record);
    }
  });

  test('a sign-out or new tokens still call the refresh off', async () => {
    const { w, place, next } = await refreshing(only);
    await w.session.signOut();
    expect(nth(w.calls, 0).context.signal.aborted).toBe(true);
    w.session.dispose();
    nth(w.calls, 0).answer(next);
    await settle();
    expect(place.record).toBeUndefined();
  });

  test('G20 a store that fails then harms nobody', async () => {
    const throwing = (): never => {
      throw new Error('The store is out of order.');
    };
    let isBroken = false;
    const breakable = (store: TokenStore): TokenStore =>
      Object.fromEntries(
        Object.entries(only(store)).map(([name, method]) => [
          name,
          (...args: unknown[]) =>
            isBroken && name !== 'exclusive' ? throwing() : (method as (...args: unknown[]) => unknown)(...args),
        ]),
      ) as unknown as TokenStore;
    const { w, next } = await refreshing(breakable);
    isBroken = true;
    w.session.dispose();
    const heard = listen(w);
    nth(w.calls, 0).answer(next);
    await w.clock.advance(hour);
    expect(heard).toStrictEqual([]);
    expect(w.clock.pending).toBe(0);
  });
});

describe('G13, G26 the other holders of a session that one of them disposes of during a refresh', () => {
  test('go on with its answer, and keep out of its turn until then', async () => {
    const { w: ada, place, next } = await refreshing((store) => store);
    const bea = world({ clock: ada.clock, refresh: 'open', tokens: null, store: place.holder() });
    await bea.session.ready;
    ada.session.dispose();
    const request = watch(bea.instance.get('/orders'));
    await ada.clock.advance(2 * second);
    expect(place.isBusy).toBe(true);
    nth(ada.calls, 0).answer(next);
    await settle();
    expect(request.state).toBe('resolved');
    expect(bea.calls).toHaveLength(0);
    expect(bea.sent()).toStrictEqual([next.accessToken]);
    expect(place.isBusy).toBe(false);
  });

  test('wait for no answer longer than for an attempt', async () => {
    const { w, place } = await refreshing((store) => store);
    w.session.dispose();
    await w.clock.advance(5 * second);
    expect(place.isBusy).toBe(false);
  });

  test('a holder that still waits for its turn gives up its place, and never asks', async () => {
    const { w: ada, place, next } = await refreshing((store) => store);
    const bea = world({ clock: ada.clock, refresh: 'open', tokens: null, store: place.holder() });
    await bea.session.ready;
    void watch(bea.instance.get('/orders'));
    await settle();
    bea.session.dispose();
    await settle();
    nth(ada.calls, 0).fail(unreachable());
    await ada.clock.advance(0);
    ada.session.dispose();
    await ada.clock.advance(hour);
    expect(bea.calls).toHaveLength(0);
    expect(place.isBusy).toBe(false);
    expect(place.record?.refreshToken).not.toBe(next.refreshToken);
    expect(ada.clock.pending).toBe(0);
  });
});

test('G13 a repeat that is looking into a shared store when its session is disposed of is not made', async () => {
  const gates: (() => void)[] = [];
  let isSlow = false;
  const slow = (store: TokenStore): TokenStore => ({
    ...store,
    load: async () => {
      if (isSlow) await new Promise<void>((resolve) => gates.push(resolve));
      return store.load();
    },
  });
  const { w, place, next } = await refreshing(slow);
  isSlow = true;
  await w.clock.advance(5 * second);
  w.session.dispose();
  nth(gates, 0)();
  await settle();
  expect(w.calls).toHaveLength(1);
  nth(w.calls, 0).answer(next);
  await settle();
  expect(place.record).toMatchObject(next);
});

test('G13 without a store that outlives the session dispose() calls the refresh off', async () => {
  const w = world({ refresh: 'open' });
  void watch(w.session.refresh());
  await settle();
  w.session.dispose();
  expect(nth(w.calls, 0).context.signal.aborted).toBe(true);
  expect(w.clock.pending).toBe(0);
});

/** All that the session tells from now on. */
function listen({ session }: World): unknown[] {
  const heard: unknown[] = [];
  session.on('event', (event) => heard.push(event));
  session.subscribe(() => heard.push('changed'));
  return heard;
}

test('G13 a session that is disposed of before its store has answered writes nothing there', async () => {
  const saved: TokenSet[] = [];
  const store: TokenStore = {
    load: () => new Promise(() => undefined),
    save: async (tokens) => void saved.push(tokens),
    clear: async () => undefined,
  };
  const w = world({ store, tokens: ({ issue }) => issue() });
  w.session.dispose();
  await w.session.ready;
  await settle();
  expect([saved, w.session.status]).toStrictEqual([[], 'loading']);
});

test('G13 what is being read of another holder when the session is disposed of changes it no more', async () => {
  const clock = fakeClock();
  const loads: ((tokens: TokenSet) => void)[] = [];
  const heard: (() => void)[] = [];
  const store: TokenStore = {
    load: () => new Promise((resolve) => loads.push(resolve)),
    save: async () => undefined,
    clear: async () => undefined,
    subscribe: (changed) => {
      heard.push(changed);
      return () => undefined;
    },
  };
  const w = world({ store, tokens: null, clock });
  nth(loads, 0)({ accessToken: tokenFor(clock, 3_600) });
  await w.session.ready;
  nth(heard, 0)();
  await settle();
  w.session.dispose();
  const before = w.session.getSnapshot();
  nth(loads, 1)({ accessToken: tokenFor(clock, 7_200) });
  await settle();
  expect(w.session.getSnapshot()).toBe(before);
});
