import { describe, expect, test } from '@jest/globals';
import {
  day,
  hour,
  minute,
  nth,
  second,
  settle,
  states,
  watch,
  world,
  type Watched,
  type World,
} from '../properties/world.js';

/** Milliseconds between one refresh and the next. */
function gaps({ calls }: World): number[] {
  return calls.slice(1).map(({ at }, index) => at - nth(calls, index).at);
}

async function traffic({ instance, clock }: World, steps: number, everyMs: number): Promise<Watched<unknown>[]> {
  const requests: Watched<unknown>[] = [];
  for (let step = 0; step < steps; step++) {
    requests.push(watch(instance.get('/orders')));
    await clock.advance(everyMs);
  }
  return requests;
}

const year = 365 * 86_400;
const lifetimes = [1, 2, 3, 5, 10, 60, 300, 900, 3_600, 86_400, 30 * 86_400, year, 10 * year];

describe('G6 no hot loop, whatever the lifetime', () => {
  test.each(lifetimes)('tokens of %i s are refreshed at least max(1 s, 10 %%) apart', async (ttlSeconds) => {
    const w = world({ ttlSeconds });
    const requests = await traffic(w, 300, (ttlSeconds * second) / 60);
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.calls.length).toBeGreaterThanOrEqual(4);
    for (const gap of gaps(w)) expect(gap).toBeGreaterThanOrEqual(Math.max(second, ttlSeconds * 100));
    expect(w.calls.length).toBeLessThanOrEqual(10);
  });

  test.each(lifetimes)(
    'a token of %i s that arrives with a tenth of its life left makes no loop',
    async (ttlSeconds) => {
      const lifetimeMs = ttlSeconds * second;
      // A server that hands out its cached token: most of its life is gone already.
      const w = world({
        ttlSeconds,
        refresh: (_context, { clock }) => ({
          accessToken: `cached-${String(clock.now())}`,
          expiresAt: clock.now() + lifetimeMs / 10,
        }),
      });
      const requests = await traffic(w, 400, lifetimeMs / 200);
      expect(states(requests)).not.toContain('rejected');
      for (const gap of gaps(w)) expect(gap).toBeGreaterThanOrEqual(Math.min(second, lifetimeMs / 10));
      expect(w.calls.length).toBeLessThanOrEqual(42);
    },
  );

  test('a JWT that is inside its refresh window when it arrives is used, and refreshed after a tenth of its life', async () => {
    const w = world({
      // Issued 90 s ago, and good for 10 s more.
      refresh: (_context, { issue, clock }) =>
        issue(100, { iat: clock.now() / 1_000 - 90, exp: clock.now() / 1_000 + 10 }),
      tokens: ({ issue, clock }) => issue(100, { iat: clock.now() / 1_000 - 90, exp: clock.now() / 1_000 + 10 }),
    });
    w.api.respond = () => ({});
    const requests = await traffic(w, 600, 100);
    expect(states(requests)).not.toContain('rejected');
    for (const gap of gaps(w)) expect(gap).toBeGreaterThanOrEqual(9 * second);
    expect(w.calls.length).toBeLessThanOrEqual(8);
  });

  test('a server that always answers with the same token is asked a bounded number of times', async () => {
    const w = world({ ttlSeconds: 100, refresh: ({ tokens }) => tokens?.accessToken });
    const requests = await traffic(w, 990, 100);
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    for (const gap of gaps(w)) expect(gap).toBeGreaterThanOrEqual(10 * second);
    expect(w.calls.length).toBeLessThanOrEqual(5);
  });

  test('a server that answers with dead tokens is asked a bounded number of times', async () => {
    const w = world({ ttlSeconds: 100, retry: false, refresh: (_context, { issue }) => issue(-10) });
    await traffic(w, 3_000, 100);
    // 40 s of windows and 200 s after the token's death, with cooldowns that grow to 30 s.
    expect(w.calls.length).toBeLessThanOrEqual(40);
  });

  test('a client whose clock is hours behind or ahead refreshes once per lifetime', async () => {
    for (const skewMs of [-5 * hour, 5 * hour]) {
      const w = world({
        ttlSeconds: 600,
        tokens: null,
        whenMissing: 'refresh',
        refresh: async ({ http }) => {
          const { data } = await http.post<{ token: string }>('/auth/refresh');
          return data.token;
        },
      });
      w.api.respond = ({ url }) => {
        if (url !== '/auth/refresh') return {};
        const serverNow = w.clock.now() + skewMs;
        const iat = Math.floor(serverNow / 1_000);
        return {
          data: { token: w.issue(600, { iat, exp: iat + 600 }) },
          headers: { date: new Date(serverNow).toUTCString() },
        };
      };
      const requests = await traffic(w, 600, 6 * second);
      expect(new Set(states(requests))).toEqual(new Set(['resolved']));
      expect(w.calls.length).toBeGreaterThanOrEqual(6);
      expect(w.calls.length).toBeLessThanOrEqual(12);
    }
  });

  test('no timer is longer than what setTimeout can count, and none fires at once because of it', async () => {
    const w = world({ ttlSeconds: 10 * year, schedule: true, refreshTimeoutMs: 400 * day, maxWaitMs: 400 * day });
    const delays: number[] = [];
    const start = w.clock.setTimeout.bind(w.clock);
    Object.assign(w.clock, {
      setTimeout: (callback: () => void, delayMs: number) => {
        delays.push(delayMs);
        return start(callback, delayMs);
      },
    });
    await w.clock.advance(hour);
    await w.session.refresh();
    await w.clock.advance(hour);
    expect(w.calls).toHaveLength(1);
    expect(delays.length).toBeGreaterThan(0);
    for (const delay of delays) expect(delay).toBeLessThanOrEqual(2 ** 31 - 1);
  });

  test('a request with an endless wait and a hanging refresh does not time out at once', async () => {
    const w = world({ refresh: 'open', retry: false, refreshTimeoutMs: 400 * day });
    await w.clock.advance(2 * hour);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(10 * minute);
    expect(request.state).toBe('pending');
    nth(w.calls, 0).answer();
    await settle();
    expect(request.state).toBe('resolved');
  });

  test('a listener that puts a due token back each time that a timer refreshes it gets a pause between', async () => {
    const w = world({ schedule: true, refresh: 'open' });
    const old = w.issue();
    const moments: number[] = [];
    w.session.on('refresh.started', () => {
      moments.push(w.clock.now());
      if (moments.length < 50) void w.session.setTokens(old);
    });
    await w.clock.advance(hour);
    expect(new Set(moments.slice(0, 50)).size).toBe(50);
  });
});
