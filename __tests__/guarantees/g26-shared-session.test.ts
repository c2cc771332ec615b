import { describe, expect, test } from '@jest/globals';
import type { TokenSet } from '../../src/index.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { sharedPlace, type SharedPlace } from '../support/shared-store.js';
import { tokenFor } from '../support/jwt.js';
import {
  hour,
  minute,
  nth,
  pause,
  refused,
  second,
  settle,
  states,
  times,
  unreachable,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';

interface Party {
  readonly clock: FakeClock;
  readonly place: SharedPlace;
  /** What the place held first. */
  readonly first: TokenSet;
  readonly join: (options?: WorldOptions) => Promise<World>;
}

/** Holders of one session on one clock. */
function party(first?: Partial<TokenSet>): Party {
  const clock = fakeClock();
  const tokens = { accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0', ...first };
  const place = sharedPlace(tokens);
  return {
    clock,
    place,
    first: tokens,
    join: async (options = {}) => {
      const w = world({ refresh: 'open', tokens: null, store: place.holder(), ...options, clock });
      await w.session.ready;
      return w;
    },
  };
}

const next = (w: World, n: number): TokenSet => ({ accessToken: w.issue(), refreshToken: `refresh-${String(n)}` });

describe('G7, G26 one refresh for all holders of a session', () => {
  test('those who wait while another refreshes go on with its tokens', async () => {
    const { clock, join, place } = party();
    const [ada, bea, cleo] = await Promise.all(times(3, () => join()));
    if (!ada || !bea || !cleo) throw new Error('Nobody has come.');
    await clock.advance(2 * hour);
    const requests = [ada, bea, cleo].map((w) => watch(w.instance.get('/orders')));
    await settle();
    expect([ada, bea, cleo].map((w) => w.calls.length)).toStrictEqual([1, 0, 0]);
    const tokens = next(ada, 1);
    nth(ada.calls, 0).answer(tokens);
    await settle();
    expect(states(requests)).toStrictEqual(['resolved', 'resolved', 'resolved']);
    expect([bea, cleo].map((w) => w.calls.length)).toStrictEqual([0, 0]);
    expect(cleo.sent()).toStrictEqual([tokens.accessToken]);
    expect(bea.told('refresh.succeeded')).toMatchObject([{ adopted: true }]);
    expect(ada.told('refresh.succeeded')).toMatchObject([{ adopted: false }]);
    expect(place.written).toHaveLength(1);
  });

  test('one who comes later finds the new tokens in the store, though word of them was lost', async () => {
    const { clock, join, place } = party();
    const ada = await join();
    const bea = await join({ store: { ...place.holder(), subscribe: () => () => undefined } });
    await clock.advance(2 * hour);
    void watch(ada.session.refresh());
    await settle();
    nth(ada.calls, 0).answer(next(ada, 1));
    await settle();
    await bea.instance.get('/orders');
    expect(bea.calls).toHaveLength(0);
    expect(bea.sent()).toStrictEqual([place.record?.accessToken]);
    void watch(bea.session.refresh());
    await settle();
    expect(nth(bea.calls, 0).context.tokens?.refreshToken).toBe('refresh-1');
  });

  test('word of new tokens is enough: nobody has to ask', async () => {
    const { join, place, clock } = party();
    const ada = await join();
    const bea = await join();
    await clock.advance(50 * minute);
    await ada.session.setTokens(next(ada, 1));
    await settle();
    await bea.instance.get('/orders');
    expect(bea.sent()).toStrictEqual([place.record?.accessToken]);
    expect(bea.told('tokens.changed')).toHaveLength(2);
    expect(bea.told('refresh.started')).toHaveLength(0);
  });

  test('what is found in the store but has died is refreshed, not what the session remembers', async () => {
    const { join, place, clock } = party();
    const bea = await join({ store: { ...place.holder(), subscribe: () => () => undefined } });
    place.record = { accessToken: tokenFor(clock, 60), refreshToken: 'refresh-1' };
    await clock.advance(2 * hour);
    const request = watch(bea.instance.get('/orders'));
    await settle();
    expect(nth(bea.calls, 0).context.tokens?.refreshToken).toBe('refresh-1');
    nth(bea.calls, 0).fail(unreachable());
    await clock.advance(second);
    expect(nth(bea.calls, 1).context.tokens?.refreshToken).toBe('refresh-1');
    nth(bea.calls, 1).answer(next(bea, 2));
    await settle();
    expect(request.state).toBe('resolved');
    expect(place.record.refreshToken).toBe('refresh-2');
  });

  test('what is found in the store and is due soon serves who waits, and is refreshed then', async () => {
    const { join, place, clock } = party();
    const bea = await join({ store: { ...place.holder(), subscribe: () => () => undefined } });
    const due = tokenFor(clock, 7_220, { iat: clock.now() / second - 1 });
    place.record = { accessToken: due, refreshToken: 'refresh-1' };
    await clock.advance(2 * hour);
    const request = watch(bea.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('resolved');
    expect(bea.sent()).toStrictEqual([due]);
    void watch(bea.instance.get('/orders'));
    await settle();
    expect(nth(bea.calls, 0).context.tokens?.refreshToken).toBe('refresh-1');
  });

  test('where each token has the iat of the sign-in, the timer of who stays goes on when who refreshed has gone', async () => {
    const { join, clock } = party();
    const iat = clock.now() / second;
    const refresh: WorldOptions['refresh'] = (_context, { issue }) =>
      issue(0, { iat, exp: clock.now() / second + 300 });
    const both = [await join({ schedule: true, refresh }), await join({ schedule: true, refresh })];
    await clock.advance(8 * hour);
    const [stays, goes] = both.sort((a, b) => a.calls.length - b.calls.length);
    goes?.session.dispose();
    for (let passed = 0; passed < 60; passed++) {
      await clock.advance(minute);
      expect(stays?.session.getSnapshot().expiresAt).toBeGreaterThan(clock.now());
    }
  });

  test('a lifetime is stored as a moment: who reads it later is not misled', async () => {
    const { join, place, clock } = party();
    const ada = await join({ refresh: () => ({ accessToken: 'opaque', expiresIn: 600 }) });
    await ada.session.refresh();
    expect(place.record).toMatchObject({ accessToken: 'opaque', expiresAt: clock.now() + 600 * second });
    expect(place.record?.expiresIn).toBeUndefined();
  });

  test('the time of an attempt counts from its turn, not from the start of its wait', async () => {
    const { join, clock } = party();
    const ada = await join();
    const bea = await join();
    await clock.advance(2 * hour);
    void watch(ada.instance.get('/orders'));
    await settle();
    void watch(bea.instance.get('/orders'));
    await clock.advance(4 * second);
    nth(ada.calls, 0).fail(new Error('no'));
    await clock.advance(4 * second);
    expect(bea.told('refresh.retried')).toStrictEqual([]);
    expect(nth(bea.calls, 0).context.attempt).toBe(1);
  });

  test('an expiry in the store is by this machine’s clock, however far off that is', async () => {
    const clock = fakeClock();
    const place = sharedPlace();
    const aheadMs = 3 * hour;
    // The server's clock is three hours ahead of ours.
    const issue = (): TokenSet => ({ accessToken: tokenFor({ now: () => clock.now() + aheadMs }, 3_600) });
    const join = (): World => world({ clock, store: place.holder(), tokens: null, refresh: issue });
    const ada = join();
    const bea = join();
    await Promise.all([ada.session.ready, bea.session.ready]);
    await ada.session.refresh();
    await settle();
    const { expiresAt } = ada.session.getSnapshot();
    expect(bea.session.getSnapshot()).toMatchObject({ expiresAt, status: 'active' });
    await bea.session.refresh();
    await settle();
    expect(ada.session.getSnapshot().expiresAt).toBe(bea.session.getSnapshot().expiresAt);
  });
});

describe('G11, G26 sign-in and sign-out count for all holders', () => {
  test('a sign-out is everybody’s: those who wait are rejected, and a refresh in flight is not stored', async () => {
    const { join, place, clock } = party();
    const ada = await join();
    const bea = await join();
    await clock.advance(2 * hour);
    const request = watch(bea.instance.get('/orders'));
    await settle();
    await ada.session.signOut();
    await settle();
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    nth(bea.calls, 0).answer(next(bea, 1));
    await settle();
    expect(place.record).toBeUndefined();
    expect([ada, bea].map((w) => w.session.status)).toStrictEqual(['signed-out', 'signed-out']);
    expect(bea.told('session.cleared')).toHaveLength(1);
  });

  test('a refusal ends it for all: who was refused hears session.expired, the others session.cleared', async () => {
    const { join, clock } = party();
    const ada = await join();
    const bea = await join();
    await clock.advance(2 * hour);
    void watch(ada.instance.get('/orders'));
    await settle();
    nth(ada.calls, 0).fail(refused());
    await clock.advance(second);
    const ends = (w: typeof ada) => [w.told('session.expired').length, w.told('session.cleared').length];
    expect([ends(ada), ends(bea)]).toStrictEqual([
      [1, 0],
      [0, 1],
    ]);
    expect([ada, bea].map((w) => w.session.status)).toStrictEqual(['expired', 'signed-out']);
  });

  test('all who were refused have expired: that another has emptied the store for it is no sign-out', async () => {
    const { join, clock, place } = party();
    const alone = (): WorldOptions => {
      const { load, save, clear, replace } = place.holder();
      return { store: { load, save, clear, replace } };
    };
    const all = [await join(alone()), await join(alone())];
    await clock.advance(56 * minute);
    for (const w of all) await w.instance.get('/orders');
    await settle();
    for (const w of all) nth(w.calls, 0).fail(refused());
    await clock.advance(4 * minute);
    expect(all.map((w) => [w.session.status, w.told('session.cleared').length])).toStrictEqual([
      ['expired', 0],
      ['expired', 0],
    ]);
    expect(place.record).toBeUndefined();
  });

  test('one that has nothing, because the store could not be read, signs nobody out when it is refused', async () => {
    const { join, place, clock } = party();
    const ada = await join();
    const holder = place.holder();
    let isAway = true;
    const away = <T>(act: () => Promise<T>): Promise<T> => (isAway ? Promise.reject(new Error('Away.')) : act());
    const owed: (() => void)[] = [];
    const bea = await join({
      store: {
        ...holder,
        load: () => away(() => Promise.resolve(holder.load())),
        // What could not be written is written when the store is back, as by `redisStore`.
        replace: (expected, next) => {
          if (isAway) owed.push(() => void holder.replace(place.record, next));
          return away(() => holder.replace(expected, next));
        },
      },
    });
    const request = watch(bea.session.refresh());
    await settle();
    nth(bea.calls, 0).fail(refused());
    await clock.advance(second);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    isAway = false;
    for (const write of owed) write();
    place.tell();
    await settle();
    expect([ada, bea].map((w) => w.session.status)).toStrictEqual(['active', 'active']);
  });

  test.each([
    ['sign-out', 'signed-out', undefined],
    ['sign-in', 'active', 'of-bob'],
  ])('a %s while another holder’s refresh is being read wins', async (_what, status, refreshToken) => {
    const { join, place, clock } = party();
    const ada = await join();
    const holder = place.holder();
    const gates: (() => void)[] = [];
    let isSlow = false;
    const bea = await join({
      store: {
        ...holder,
        load: async () => {
          const { record } = place;
          if (isSlow) await new Promise<void>((resolve) => gates.push(resolve));
          return record;
        },
      },
    });
    isSlow = true;
    void watch(ada.session.refresh());
    await settle();
    nth(ada.calls, 0).answer(next(ada, 1));
    await settle();
    expect(gates).toHaveLength(1);
    const bob = { accessToken: tokenFor(clock, 3_600, { sub: 'bob' }), refreshToken: 'of-bob' };
    const decided = status === 'active' ? bea.session.setTokens(bob) : bea.session.signOut();
    isSlow = false;
    nth(gates, 0)();
    await decided;
    await settle();
    expect([ada, bea].map((w) => w.session.status)).toStrictEqual([status, status]);
    expect(place.record?.refreshToken).toBe(refreshToken);
  });

  test('a sign-out that is being read when a refresh ends is not undone by its answer', async () => {
    const { join, place, clock } = party();
    const ada = await join();
    const holder = place.holder();
    const gates: (() => void)[] = [];
    let isSlow = false;
    const bea = await join({
      store: {
        ...holder,
        load: async () => {
          const { record } = place;
          if (isSlow) await new Promise<void>((resolve) => gates.push(resolve));
          return record;
        },
      },
    });
    await clock.advance(2 * hour);
    const request = watch(bea.instance.get('/orders'));
    await settle();
    isSlow = true;
    await ada.session.signOut();
    await settle();
    nth(bea.calls, 0).answer(next(bea, 1));
    await settle();
    isSlow = false;
    nth(gates, 0)();
    await settle();
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(place.record).toBeUndefined();
    expect([ada, bea].map((w) => w.session.status)).toStrictEqual(['signed-out', 'signed-out']);
  });

  test('a sign-out that nobody was told of is found out before the refresh is made', async () => {
    const { join, place, clock } = party();
    const bea = await join({ store: { ...place.holder(), subscribe: () => () => undefined } });
    await clock.advance(2 * hour);
    place.record = undefined;
    const request = watch(bea.instance.get('/orders'));
    await settle();
    expect(bea.calls).toHaveLength(0);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(bea.session.status).toBe('signed-out');
  });

  test('a refresh that ends after a sign-in elsewhere does not undo it', async () => {
    const { join, place, clock } = party();
    const bea = await join({ store: { ...place.holder(), subscribe: () => () => undefined } });
    await clock.advance(2 * hour);
    const request = watch(bea.instance.get('/orders'));
    await settle();
    place.record = { accessToken: tokenFor(clock, 3_600, { sub: 'bob' }), refreshToken: 'of-bob' };
    nth(bea.calls, 0).answer(next(bea, 1));
    await settle();
    expect(place.record.refreshToken).toBe('of-bob');
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    await bea.instance.get('/orders');
    expect(bea.sent()).toStrictEqual([place.record.accessToken]);
  });

  test('a sign-in as somebody else moves all holders at once; nothing of the first user’s is sent', async () => {
    const { join, clock } = party();
    const ada = await join();
    const bea = await join();
    await clock.advance(2 * hour);
    const requests = times(3, () => watch(bea.instance.post('/orders', { of: 'ada' })));
    await settle();
    const bob = { accessToken: tokenFor(clock, 3_600, { sub: 'bob' }) };
    await ada.session.setTokens(bob);
    await settle();
    expect(states(requests)).toStrictEqual(['rejected', 'rejected', 'rejected']);
    expect(bea.sent()).toStrictEqual([]);
    await bea.instance.get('/orders');
    expect(bea.sent()).toStrictEqual([bob.accessToken]);
    expect(bea.events.map(({ type }) => type)).toEqual(expect.arrayContaining(['session.cleared', 'session.started']));
  });

  test('a sign-in with dead tokens is stored before it is refreshed', async () => {
    const { join, place, clock } = party();
    const asked: unknown[] = [];
    const bea = await join({
      refresh: ({ tokens }) => {
        asked.push([tokens?.refreshToken, place.record?.refreshToken]);
        if (asked.length === 1) throw refused();
        return new Promise(() => undefined);
      },
    });
    void watch(bea.session.refresh());
    // The store is looked at again after the refusal: nobody is in the section.
    await clock.advance(10);
    void bea.session.setTokens({
      accessToken: tokenFor({ now: () => clock.now() - hour }, 60),
      refreshToken: 'of-now',
    });
    await settle();
    expect(asked.at(-1)).toStrictEqual(['of-now', 'of-now']);
  });

  test('an expiry does not wipe out what another holder has signed in with', async () => {
    const { join, place, clock } = party();
    const bea = await join({ store: { ...place.holder(), subscribe: () => () => undefined } });
    await clock.advance(2 * hour);
    const request = watch(bea.instance.get('/orders'));
    await settle();
    nth(bea.calls, 0).fail(refused());
    await clock.advance(second);
    expect(bea.session.status).toBe('expired');
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    expect(place.record).toBeUndefined();
  });

  test('a refresh token that came beside a dead answer stays with whose it is', async () => {
    const { join, place, clock } = party();
    const bea = await join({ retry: false, store: { ...place.holder(), subscribe: () => () => undefined } });
    await clock.advance(2 * hour);
    // Bob has signed in elsewhere, with tokens that are dead already; word of it was lost.
    const dead = tokenFor({ now: () => clock.now() - hour }, 60, { sub: 'bob' });
    place.record = { accessToken: dead, refreshToken: 'of-bob' };
    const asked = watch(bea.session.refresh());
    await settle();
    expect(asked.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    void watch(bea.session.refresh());
    await settle();
    expect(nth(bea.calls, 0).context.tokens?.refreshToken).toBe('of-bob');
    nth(bea.calls, 0).answer({ accessToken: dead, refreshToken: 'of-bob-2', expiresIn: 0 });
    await settle();
    expect(place.written).toMatchObject([{ accessToken: dead, refreshToken: 'of-bob-2' }]);
  });
});

describe('G17 before a refusal ends a session, the store is read again', () => {
  test.each([0, 40, 200])(
    'tokens that another holder stores %p ms after the refusal are taken over',
    async (delayMs) => {
      const { join, place, clock } = party();
      const bea = await join({ store: { ...place.holder(), subscribe: () => () => undefined } });
      await clock.advance(2 * hour);
      const request = watch(bea.instance.get('/orders'));
      await settle();
      const theirs = { accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-1' };
      void pause(clock, delayMs).then(() => (place.record = theirs));
      nth(bea.calls, 0).fail(refused());
      await clock.advance(second);
      expect(request.state).toBe('resolved');
      expect(bea.sent()).toStrictEqual([theirs.accessToken]);
      expect(bea.told('session.expired')).toStrictEqual([]);
      expect(bea.told('refresh.failed')).toStrictEqual([]);
    },
  );

  test('tokens that have died meanwhile are refreshed in turn; a second refusal is believed', async () => {
    const { join, place, clock } = party();
    const bea = await join({ store: { ...place.holder(), subscribe: () => () => undefined } });
    await clock.advance(2 * hour);
    const request = watch(bea.instance.get('/orders'));
    await settle();
    place.record = { accessToken: tokenFor({ now: () => clock.now() - hour }, 60), refreshToken: 'refresh-1' };
    nth(bea.calls, 0).fail(refused());
    await clock.advance(second);
    expect(nth(bea.calls, 1).context.tokens?.refreshToken).toBe('refresh-1');
    nth(bea.calls, 1).fail(refused());
    await clock.advance(second);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    expect(bea.calls).toHaveLength(2);
    expect(bea.told('session.expired')).toHaveLength(1);
  });
});

describe('G9, G26 an API that refuses every token', () => {
  test('makes the holders force no more than one refresh each in 30 s', async () => {
    const { clock, join } = party();
    const holders = await Promise.all(times(2, () => join({ refresh: (_context, { issue }) => issue() })));
    for (const { api } of holders) api.respond = () => ({ status: 401 });
    for (let passed = 0; passed < 25; passed++) {
      for (const { instance } of holders) {
        void watch(instance.get('/orders'));
        await clock.advance(second / 2);
      }
    }
    for (const { calls } of holders) expect(calls.length).toBeLessThanOrEqual(1);
  });
});
