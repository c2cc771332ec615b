import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  hour,
  minute,
  nth,
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

/** A session with a dead token whose first refresh has failed just now. */
async function cooling(options: WorldOptions = {}): Promise<World> {
  const w = world({ refresh: 'open', retry: false, ...options });
  await w.clock.advance(2 * hour);
  void watch(w.instance.get('/orders'));
  await settle();
  nth(w.calls, 0).fail(unreachable());
  await settle();
  return w;
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('G18 after a failed refresh there is a cooldown', () => {
  test('in which requests reject at once with the last error', async () => {
    const w = await cooling();
    const requests = times(5, () => watch(w.instance.get('/orders')));
    const token = watch(w.session.getAccessToken());
    await settle();
    const last = w.session.getSnapshot().error;
    expect(last).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED' });
    for (const { error } of [...requests, token]) {
      expect(error).toStrictEqual(last);
      expect((error as Error).cause).toBe(last?.cause);
    }
    expect(w.calls).toHaveLength(1);
    expect(w.told('request.queued')).toHaveLength(1);
  });

  test('which ends by itself, after a second at most the first time', async () => {
    const w = await cooling();
    await w.clock.advance(second);
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(w.calls).toHaveLength(2);
    nth(w.calls, 1).answer();
    await settle();
    expect(request.state).toBe('resolved');
  });

  test('which grows with every further failure, up to half a minute', async () => {
    const w = world({ retry: false, refresh: () => Promise.reject(unreachable()), tokens: ({ issue }) => issue(-1) });
    for (let passed = 0; passed < 10 * 60; passed++) {
      void watch(w.instance.get('/orders'));
      await w.clock.advance(second);
    }
    const gaps = w.calls.slice(1).map(({ at }, index) => at - nth(w.calls, index).at);
    expect(nth(gaps, 0)).toBeLessThanOrEqual(2 * second);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(31 * second);
    expect(nth(gaps, -1)).toBeGreaterThanOrEqual(15 * second);
    expect(w.calls.length).toBeGreaterThan(20);
    expect(w.calls.length).toBeLessThan(45);
  });

  test('which is jittered', async () => {
    const pauses = new Set<number>();
    for (const random of [0, 0.25, 0.5, 0.75, 0.999]) {
      jest.spyOn(Math, 'random').mockReturnValue(random);
      const w = await cooling();
      let passed = 0;
      while (w.calls.length === 1) {
        passed += 25;
        await w.clock.advance(25);
        void watch(w.instance.get('/orders'));
        await settle();
      }
      pauses.add(passed);
    }
    expect(pauses.size).toBe(5);
  });

  test('which is short enough for several tries before the token dies', async () => {
    const w = world({ ttlSeconds: 30, retry: false, refresh: () => Promise.reject(unreachable()) });
    // The last 20 % of 30 s: six seconds.
    for (let passed = 0; passed < 30 * 10; passed++) {
      void watch(w.instance.get('/orders'));
      await w.clock.advance(100);
    }
    const inWindow = w.calls.filter(({ at }) => at >= w.clock.now() - 6 * second);
    expect(inWindow.length).toBeGreaterThanOrEqual(3);
    expect(w.told('refresh.failed').every(({ servedCurrent }) => servedCurrent)).toBe(true);
  });

  test('in which requests leave at once with a token that still lives', async () => {
    const w = world({ retry: false, refresh: () => Promise.reject(unreachable()) });
    await w.clock.advance(59 * minute);
    await w.instance.get('/orders');
    const requests = times(5, () => watch(w.instance.get('/orders')));
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.calls).toHaveLength(1);
  });
});

describe('G18 the cooldown is ended at once', () => {
  test('by setTokens()', async () => {
    const w = await cooling();
    await w.session.setTokens(w.issue());
    await w.instance.get('/orders');
    expect(w.calls).toHaveLength(1);
  });

  test('by setTokens() with a dead token, which is refreshed without delay', async () => {
    const w = await cooling();
    await w.session.setTokens({ accessToken: w.issue(-1), refreshToken: 'newer' });
    const request = watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 1).answer();
    await settle();
    expect(request.state).toBe('resolved');
  });

  test('by success: refresh() does not wait for its end', async () => {
    const w = await cooling();
    const manual = watch(w.session.refresh());
    await settle();
    expect(w.calls).toHaveLength(2);
    nth(w.calls, 1).answer();
    await settle();
    expect(manual.state).toBe('resolved');
    await w.instance.get('/orders');
    expect(w.calls).toHaveLength(2);
  });

  test('by a refresh() under way: requests wait for it', async () => {
    const w = await cooling();
    void watch(w.session.refresh());
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('pending');
    nth(w.calls, 1).answer();
    await settle();
    expect(request.state).toBe('resolved');
  });
});

describe('G18 a sleep ends the cooldown', () => {
  test('though the monotonic clock stood still: the first request after it asks for a token', async () => {
    const w = await cooling();
    w.clock.jump(8 * hour);
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('pending');
    nth(w.calls, 1).answer();
    await settle();
    expect(request.state).toBe('resolved');
  });

  test('and the refresh ahead of a living token starts', async () => {
    const w = world({ refresh: 'open', retry: false, ttlSeconds: 86_400 });
    await w.clock.advance(24 * hour - 4 * minute);
    await w.instance.get('/orders');
    nth(w.calls, 0).fail(unreachable());
    await settle();
    w.clock.jump(minute);
    await w.instance.get('/orders');
    expect(w.calls).toHaveLength(2);
  });

  test('a clock that is set back does not lengthen it', async () => {
    const w = await cooling();
    w.clock.jump(-8 * hour);
    await w.clock.advance(second);
    void watch(w.instance.get('/orders'));
    await settle();
    expect(w.calls).toHaveLength(2);
  });
});

describe('G18 coming back online ends the cooldown', () => {
  let page: EventTarget;

  // A page's window, as far as the session uses it.
  beforeEach(() => {
    page = new EventTarget();
    Object.assign(globalThis, {
      addEventListener: page.addEventListener.bind(page),
      removeEventListener: page.removeEventListener.bind(page),
    });
  });

  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'addEventListener');
    Reflect.deleteProperty(globalThis, 'removeEventListener');
  });

  test.each([true, false])('with schedule: %p', async (schedule) => {
    const w = world({ refresh: 'open', retry: false, schedule, tokens: ({ issue }) => issue(-1) });
    void watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 0).fail(unreachable());
    await settle();
    page.dispatchEvent(new Event('online'));
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('pending');
    expect(w.calls).toHaveLength(2);
    nth(w.calls, 1).answer();
    await settle();
    expect(request.state).toBe('resolved');
  });
});
