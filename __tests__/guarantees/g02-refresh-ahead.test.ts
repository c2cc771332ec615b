import { describe, expect, test } from '@jest/globals';
import {
  nth,
  pause,
  second,
  settle,
  states,
  unreachable,
  watch,
  world,
  type Watched,
  type World,
} from '../properties/world.js';

/** A request every `everyMs`, for `forMs`. */
async function traffic({ instance, clock }: World, everyMs: number, forMs: number): Promise<Watched<unknown>[]> {
  const requests: Watched<unknown>[] = [];
  for (let passed = 0; passed < forMs; passed += everyMs) {
    requests.push(watch(instance.get(`/at/${String(passed)}`)));
    await clock.advance(everyMs);
  }
  return requests;
}

describe('G2 under steady traffic no request ever waits for a refresh', () => {
  test.each([10, 60, 300, 3_600, 86_400])('tokens of %i s, over four lifetimes', async (ttlSeconds) => {
    const lifetimeMs = ttlSeconds * second;
    const stepMs = Math.min(lifetimeMs / 40, 90 * second);
    const w = world({
      ttlSeconds,
      refresh: async (_context, { clock, issue }) => {
        await pause(clock, stepMs / 2);
        return issue();
      },
      retry: false,
      refreshTimeoutMs: 2 * stepMs,
    });
    const requests = await traffic(w, stepMs, 4 * lifetimeMs);
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.told('request.queued')).toHaveLength(0);
    const aheadMs = Math.max(0.6 * lifetimeMs, lifetimeMs - 300 * second);
    const most = Math.floor((4 * lifetimeMs) / aheadMs);
    expect(w.calls.length).toBeLessThanOrEqual(most);
    expect(w.calls.length).toBeGreaterThanOrEqual(most - 1);
    expect(new Set(w.calls.map(({ context }) => context.trigger))).toEqual(new Set(['ahead']));
  });

  test('requests leave with the old token while the refresh is under way, then with the new one', async () => {
    const w = world({ ttlSeconds: 60, refresh: 'open' });
    const first = watch(w.instance.get('/first'));
    await w.clock.advance(40 * second);
    const during = await traffic(w, second, 3 * second);
    expect(w.calls).toHaveLength(1);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    const after = await traffic(w, second, 3 * second);
    expect(new Set(states([first, ...during, ...after]))).toEqual(new Set(['resolved']));
    expect(new Set(w.sent().slice(0, 4)).size).toBe(1);
    expect(new Set(w.sent().slice(4))).toEqual(new Set([fresh]));
    expect(w.told('request.queued')).toHaveLength(0);
  });

  test('a refresh that needs all its attempts makes nobody wait', async () => {
    const w = world({
      ttlSeconds: 300,
      refresh: ({ attempt }, { issue }) => {
        if (attempt < 3) throw unreachable();
        return issue();
      },
    });
    const requests = await traffic(w, second, 4 * 300 * second);
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.told('request.queued')).toHaveLength(0);
    expect(w.told('refresh.succeeded').length).toBeGreaterThanOrEqual(5);
  });

  test('a whole refresh that fails in the refresh-ahead window is repeated before anybody has to wait', async () => {
    let operations = 0;
    const w = world({
      ttlSeconds: 300,
      retry: false,
      refresh: (_context, { issue }) => {
        operations += 1;
        if (operations % 3 !== 0) throw unreachable();
        return issue();
      },
    });
    const requests = await traffic(w, second, 4 * 300 * second);
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.told('request.queued')).toHaveLength(0);
    expect(w.told('refresh.failed').every(({ servedCurrent }) => servedCurrent)).toBe(true);
  });
});
