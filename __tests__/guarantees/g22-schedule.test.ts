import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  day,
  hour,
  minute,
  nth,
  refused,
  second,
  settle,
  unreachable,
  watch,
  world,
  type World,
} from '../properties/world.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('G22 schedule: true', () => {
  test('keeps an idle session alive for half a day, without a request', async () => {
    const w = world({ schedule: true, ttlSeconds: 900 });
    for (let passed = 0; passed < 12; passed++) {
      await w.clock.advance(hour);
      const { expiresAt = 0 } = w.session.getSnapshot();
      expect(expiresAt).toBeGreaterThan(w.clock.now());
    }
    expect(w.session.status).toBe('active');
    expect(new Set(w.calls.map(({ context }) => context.trigger))).toEqual(new Set(['timer']));
    // A token of 15 minutes is refreshed after 10 to 12.
    expect(w.calls.length).toBeGreaterThanOrEqual((12 * 60) / 13);
    expect(w.calls.length).toBeLessThanOrEqual((12 * 60) / 9);
    expect(await w.session.getAccessToken()).not.toBe('');
    expect(w.told('request.queued')).toHaveLength(0);
  });

  test('refreshes in the refresh-ahead window, before anybody has to wait', async () => {
    for (const random of [0, 0.5, 0.999]) {
      jest.spyOn(Math, 'random').mockReturnValue(random);
      const w = world({ schedule: true });
      await w.clock.advance(55 * minute - 1);
      expect(w.calls).toHaveLength(0);
      await w.clock.advance(3 * minute);
      expect(w.calls).toHaveLength(1);
    }
  });

  test('without a refresh-ahead window refreshes before the refresh window', async () => {
    for (const random of [0, 0.5, 0.999]) {
      jest.spyOn(Math, 'random').mockReturnValue(random);
      const w = world({ schedule: true, refreshAhead: false });
      await w.clock.advance(58 * minute);
      expect(w.calls).toHaveLength(1);
    }
  });

  test('spreads a fleet: no two refresh at the same moment', async () => {
    const moments = new Set<number>();
    for (let holder = 0; holder < 20; holder++) {
      const w = world({ schedule: true });
      await w.clock.advance(hour - 1);
      moments.add(nth(w.calls, 0).at);
    }
    expect(moments.size).toBeGreaterThan(15);
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(20 * second);
  });

  test('restores a session with a dead access token at once', async () => {
    const w = world({
      schedule: true,
      tokens: ({ issue }) => ({ accessToken: issue(-60), refreshToken: 'from-last-week' }),
    });
    await settle();
    expect(w.calls).toHaveLength(1);
    await w.instance.get('/orders');
    expect(w.told('request.queued')).toHaveLength(0);
  });

  test('looks again in short steps, so that a sleep is noticed within half a minute of waking', async () => {
    const w = world({ schedule: true });
    await w.clock.advance(minute);
    w.clock.jump(8 * hour);
    await w.clock.advance(30 * second);
    expect(w.calls).toHaveLength(1);
    expect(w.session.getSnapshot().expiresAt ?? 0).toBeGreaterThan(w.clock.now());
  });

  test('tries again after a failure, at growing distances', async () => {
    const w = world({ schedule: true, retry: false, refresh: () => Promise.reject(unreachable()) });
    await w.clock.advance(57 * minute + 30 * second);
    const soon = w.calls.length;
    expect(soon).toBeGreaterThanOrEqual(1);
    await w.clock.advance(hour);
    expect(w.calls.length).toBeGreaterThan(soon + 100);
    // At least 15 s apart once the cooldown has grown.
    expect(w.calls.length).toBeLessThan(soon + 260);
    expect(w.session.status).toBe('active');
  });

  test('stops at a refusal', async () => {
    const w = world({ schedule: true, refresh: () => Promise.reject(refused()) });
    await w.clock.advance(2 * day);
    expect(w.calls).toHaveLength(1);
    expect(w.session.status).toBe('expired');
    expect(w.clock.pending).toBe(0);
  });

  test('stops at a sign-out and at dispose()', async () => {
    for (const stop of [(w: World) => w.session.signOut(), async (w: World) => w.session.dispose()]) {
      const w = world({ schedule: true });
      expect(w.clock.pending).toBe(1);
      await stop(w);
      expect(w.clock.pending).toBe(0);
      await w.clock.advance(day);
      expect(w.calls).toHaveLength(0);
    }
  });

  test('refreshes a token that comes late in its life when it dies, not after a tenth of that life', async () => {
    const w = world({
      schedule: true,
      tokens: ({ issue }) => issue(-1),
      refresh: async ({ http }) => (await http.post<string>('/auth/refresh')).data,
    });
    // Issued a day ago, and good for five minutes more.
    w.api.respond = () => {
      const now = w.clock.now() / second;
      const data = w.issue(0, { iat: now - 86_400, exp: now + 300 });
      return { data, headers: { date: new Date(w.clock.now()).toUTCString() } };
    };
    await w.clock.advance(hour);
    expect(w.calls.length).toBeGreaterThanOrEqual(12);
    expect(w.calls.length).toBeLessThanOrEqual(14);
  });

  test('goes by the newest tokens', async () => {
    const w = world({ schedule: true });
    await w.clock.advance(54 * minute);
    await w.session.setTokens(w.issue());
    await w.clock.advance(54 * minute);
    expect(w.calls).toHaveLength(0);
    await w.clock.advance(4 * minute);
    expect(w.calls).toHaveLength(1);
  });

  test.each([1, 2, 5, 30])('makes no hot loop with tokens of %i s', async (ttlSeconds) => {
    const w = world({ schedule: true, ttlSeconds });
    await w.clock.advance(10 * minute);
    expect(w.calls.length).toBeLessThanOrEqual(600 / Math.max(1, ttlSeconds * 0.1) + 1);
    expect(w.calls.length).toBeGreaterThanOrEqual(600 / ttlSeconds / 2);
  });

  test('makes no hot loop with tokens that are dead, or due, when they arrive', async () => {
    for (const ttlSeconds of [-10, 0, 5]) {
      const w = world({
        schedule: true,
        ttlSeconds: 100,
        retry: false,
        refresh: (_context, { clock, issue }) =>
          issue(100, { iat: clock.now() / second - 95, exp: clock.now() / second + ttlSeconds }),
      });
      await w.clock.advance(10 * minute);
      expect(w.calls.length).toBeLessThanOrEqual(130);
    }
  });
});

describe('G22 timers', () => {
  test('without a schedule there are none', async () => {
    const w = world();
    await w.instance.get('/orders');
    expect(w.clock.pending).toBe(0);
    await w.clock.advance(56 * minute);
    await w.instance.get('/orders');
    await settle();
    expect(w.calls).toHaveLength(1);
    expect(w.clock.pending).toBe(0);
  });

  test('of a schedule hold no process', async () => {
    const w = world({ schedule: true });
    for (let passed = 0; passed < 3; passed++) {
      expect(w.clock.pending).toBe(1);
      expect(w.clock.holding).toBe(0);
      await w.clock.advance(hour);
    }
  });

  test('of a session that is ending hold no process', async () => {
    const w = world({ refresh: () => Promise.reject(refused()) });
    await w.clock.advance(59 * minute);
    await w.instance.get('/orders');
    expect(w.told('session.ending')).toHaveLength(1);
    expect(w.clock.pending).toBe(1);
    expect(w.clock.holding).toBe(0);
  });

  test('of a refresh that nobody waits for hold no process', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(56 * minute);
    await w.instance.get('/orders');
    expect(w.session.getSnapshot().isRefreshing).toBe(true);
    expect(w.clock.pending).toBeGreaterThan(0);
    expect(w.clock.holding).toBe(0);
  });

  test('of a cooldown hold no process', async () => {
    const w = world({ schedule: true, retry: false, refresh: () => Promise.reject(unreachable()) });
    await w.clock.advance(2 * hour);
    expect(w.clock.pending).toBe(1);
    expect(w.clock.holding).toBe(0);
  });

  test('of a late answer that is still listened for hold no process', async () => {
    const w = world({ refresh: 'open', retry: false });
    await w.clock.advance(2 * hour);
    void watch(w.instance.get('/orders'));
    await w.clock.advance(15 * second);
    expect(w.clock.holding).toBe(0);
    await w.clock.advance(minute);
    expect(w.clock.pending).toBe(0);
  });

  test('that somebody waits on hold the process until the wait ends', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(2 * hour);
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(w.clock.holding).toBe(1);
    nth(w.calls, 0).answer();
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.clock.holding).toBe(0);
    expect(w.clock.pending).toBe(0);
  });
});

describe('G22 in a page', () => {
  let page: EventTarget;
  let listening: Map<string, number>;

  // A page's window, as far as the session uses it.
  beforeEach(() => {
    page = new EventTarget();
    listening = new Map();
    const count = (type: string, by: number): void => {
      listening.set(type, (listening.get(type) ?? 0) + by);
    };
    Object.assign(globalThis, {
      addEventListener: (type: string, listener: EventListener) => {
        count(type, 1);
        page.addEventListener(type, listener);
      },
      removeEventListener: (type: string, listener: EventListener) => {
        count(type, -1);
        page.removeEventListener(type, listener);
      },
    });
  });

  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'addEventListener');
    Reflect.deleteProperty(globalThis, 'removeEventListener');
  });

  test.each(['visibilitychange', 'pageshow', 'online', 'focus'])('%s makes it look at once', async (type) => {
    const w = world({ schedule: true });
    await w.clock.advance(minute);
    // The page was frozen: its timers stood still.
    w.clock.jump(2 * hour);
    page.dispatchEvent(new Event(type));
    expect(w.calls).toHaveLength(1);
  });

  test('nothing happens where nothing is due', async () => {
    const w = world({ schedule: true });
    for (const type of ['visibilitychange', 'pageshow', 'online', 'focus'])
      for (let count = 0; count < 10; count++) page.dispatchEvent(new Event(type));
    await settle();
    expect(w.calls).toHaveLength(0);
    expect(w.clock.pending).toBe(1);
  });

  test('a page that comes and goes while the server is down makes no storm', async () => {
    const w = world({ schedule: true, retry: false, refresh: () => Promise.reject(unreachable()) });
    await w.clock.advance(2 * hour);
    const before = w.calls.length;
    for (let count = 0; count < 50; count++) {
      page.dispatchEvent(new Event('visibilitychange'));
      await settle();
    }
    expect(w.calls.length).toBeLessThanOrEqual(before + 1);
  });

  test('dispose() and signOut() take the listeners off', async () => {
    for (const stop of [(w: World) => w.session.signOut(), async (w: World) => w.session.dispose()]) {
      const w = world({ schedule: true });
      expect([...listening.values()].some((count) => count > 0)).toBe(true);
      await stop(w);
      expect([...listening.values()].every((count) => count === 0)).toBe(true);
    }
  });
});
