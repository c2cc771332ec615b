import { afterEach, describe, expect, jest, test } from '@jest/globals';
import {
  answered,
  hour,
  nth,
  pause,
  refused,
  reset,
  second,
  settle,
  states,
  unreachable,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';

afterEach(() => {
  jest.restoreAllMocks();
});

/** A session whose refresh fails every time, with a request that waits for it. */
async function failing(error: () => Error, options: WorldOptions = {}): Promise<World> {
  const w = world({ refresh: async () => Promise.reject(error()), ...options });
  await w.clock.advance(2 * hour);
  void watch(w.instance.get('/orders'));
  return w;
}

function delays(w: World): number[] {
  return w.told('refresh.retried').map(({ delayMs }) => delayMs);
}

describe('G16 a transient failure is retried', () => {
  const freely: [string, () => Error][] = [
    ['a refused connection', unreachable],
    ['an unknown host', () => Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' })],
    ['429', () => answered(429)],
    ['500', () => answered(500)],
    ['503 in HTML', () => answered(503, { 'content-type': 'text/html' }, '<html>Sorry</html>')],
    ['408', () => answered(408)],
  ];
  test.each(freely)('%s: twice, then no more', async (_name, error) => {
    const w = await failing(error);
    await w.clock.advance(20 * second);
    expect(w.calls.map(({ context }) => context.attempt)).toStrictEqual([1, 2, 3]);
    expect(new Set(w.calls.map(({ context }) => context.operationId)).size).toBe(1);
    expect(w.told('refresh.retried').map(({ attempt }) => attempt)).toStrictEqual([2, 3]);
    expect(w.told('refresh.failed')).toMatchObject([{ attempt: 3, error: { attempts: 3, retryable: true } }]);
    expect(w.session.status).toBe('active');
  });

  test('after a pause that is told in whole milliseconds', async () => {
    const w = await failing(unreachable);
    await w.clock.advance(20 * second);
    expect(delays(w)).toHaveLength(2);
    for (const delayMs of delays(w)) expect(delayMs).toBe(Math.round(delayMs));
  });

  test('and the request leaves with what the retry brought', async () => {
    const w = world({
      refresh: ({ attempt }, { issue }) => {
        if (attempt < 3) throw answered(503);
        return issue();
      },
    });
    await w.clock.advance(2 * hour);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(second);
    expect(request.state).toBe('resolved');
    expect(w.told('refresh.succeeded')).toMatchObject([{ attempt: 3 }]);
    expect(w.told('refresh.failed')).toHaveLength(0);
  });

  test('a refusal is not retried', async () => {
    const w = await failing(refused);
    await w.clock.advance(20 * second);
    expect(w.calls).toHaveLength(1);
    expect(w.told('refresh.retried')).toHaveLength(0);
  });

  test('as often as the option says, or not at all', async () => {
    for (const retries of [0, 1, 5]) {
      const w = await failing(unreachable, { retry: { retries, minDelayMs: 1, maxDelayMs: 1 } });
      await w.clock.advance(10 * second);
      expect(w.calls).toHaveLength(retries + 1);
    }
    const w = await failing(unreachable, { retry: false });
    await w.clock.advance(10 * second);
    expect(w.calls).toHaveLength(1);
  });
});

describe('G16 the delays', () => {
  test('are full jitter: from nothing', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const w = await failing(unreachable, { retry: { retries: 6 } });
    await w.clock.advance(20 * second);
    expect(delays(w)).toStrictEqual([0, 0, 0, 0, 0, 0]);
  });

  test('are full jitter: up to a ceiling that doubles, and has a limit', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const w = await failing(unreachable, { retry: { retries: 7 }, refreshTimeoutMs: 60 * second });
    await w.clock.advance(60 * second);
    expect(delays(w)).toStrictEqual([125, 250, 500, 1_000, 2_000, 2_500, 2_500]);
  });

  test('pass before the attempt is made', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const w = await failing(unreachable, { retry: { retries: 2 } });
    await w.clock.advance(124);
    expect(w.calls).toHaveLength(1);
    await w.clock.advance(1);
    expect(w.calls).toHaveLength(2);
    await w.clock.advance(249);
    expect(w.calls).toHaveLength(2);
    await w.clock.advance(1);
    expect(w.calls).toHaveLength(3);
  });

  test('differ from one holder to the next', async () => {
    const seen = new Set<number>();
    for (let holder = 0; holder < 10; holder++) {
      const w = await failing(unreachable);
      await w.clock.advance(20 * second);
      const [first = NaN, next = NaN] = delays(w);
      expect(first).toBeLessThanOrEqual(250);
      expect(next).toBeLessThanOrEqual(500);
      seen.add(first);
    }
    expect(seen.size).toBeGreaterThan(5);
  });

  test('are not begun where they would end after the deadline', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const w = await failing(unreachable, { retry: { retries: 5, minDelayMs: 4_000 }, refreshTimeoutMs: 3 * second });
    await w.clock.advance(10 * second);
    // 2 s, then 2.5 s: too late.
    expect(w.calls).toHaveLength(2);
    expect(nth(w.told('refresh.failed'), 0).durationMs).toBeLessThanOrEqual(3 * second);
  });
});

describe('G16 Retry-After', () => {
  test('is honoured', async () => {
    const w = await failing(() => answered(429, { 'retry-after': '3' }));
    await w.clock.advance(3 * second - 1);
    expect(w.calls).toHaveLength(1);
    await w.clock.advance(1);
    expect(w.calls).toHaveLength(2);
    expect(delays(w)).toStrictEqual([3 * second, 3 * second]);
  });

  test('G16: a date counts by the clock of the options where the answer has no date of its own', async () => {
    const w = world({
      tokens: ({ issue }) => issue(-1),
      refresh: (_context, { clock }) => {
        const until = new Date(clock.now() + 3 * second).toUTCString();
        return Promise.reject(answered(429, { 'retry-after': until }));
      },
    });
    void watch(w.instance.get('/orders'));
    await settle();
    expect(delays(w)).toStrictEqual([3 * second]);
  });

  test.each(['86400', '2592000', 'Fri, 31 Dec 2100 23:59:59 GMT'])(
    'of %s is clamped to maxDelayMs, and the retry still comes',
    async (value) => {
      const w = await failing(() => answered(503, { 'retry-after': value }));
      await w.clock.advance(5 * second - 1);
      expect(w.calls).toHaveLength(1);
      await w.clock.advance(1);
      expect(w.calls).toHaveLength(2);
      await w.clock.advance(5 * second);
      expect(w.calls).toHaveLength(3);
    },
  );

  test.each<readonly [header: string, retry: false | { maxDelayMs: number }, afterMs: number]>([
    ['3', false, 3 * second],
    ['86400', false, 5 * second],
    ['86400', { maxDelayMs: 8 * second }, 8 * second],
  ])('of %s, with retry %p, keeps the next refresh away for %i ms as well', async (value, retry, afterMs) => {
    const w = world({
      tokens: ({ issue }) => issue(-1),
      retry: retry && { ...retry, retries: 0 },
      refresh: () => Promise.reject(answered(429, { 'retry-after': value })),
    });
    void watch(w.instance.get('/orders'));
    await w.clock.advance(afterMs - 1);
    void watch(w.instance.get('/orders'));
    await settle();
    expect(w.calls).toHaveLength(1);
    await w.clock.advance(1);
    void watch(w.instance.get('/orders'));
    await settle();
    expect(w.calls).toHaveLength(2);
  });

  test.each(['0', '-5', 'soon', '', 'Mon, 01 Jan 2001 00:00:00 GMT'])('of %p leaves the jitter', async (value) => {
    const w = await failing(() => answered(429, { 'retry-after': value }));
    await w.clock.advance(second);
    expect(w.calls).toHaveLength(3);
  });
});

describe('G16 a failure after the request may have reached the server', () => {
  const maybe: [string, () => Error][] = [
    ['a reset connection', reset],
    ['a timeout of the client', () => Object.assign(new Error('timeout'), { code: 'ECONNABORTED' })],
    ['an unknown failure', () => new Error('something')],
    ['a fault of fetch', () => new TypeError('fetch failed')],
  ];
  test.each(maybe)('%s is repeated once, at once, and not later', async (_name, error) => {
    const w = await failing(error);
    await settle();
    await w.clock.advance(0);
    expect(w.calls).toHaveLength(2);
    expect(delays(w)).toStrictEqual([0]);
    await w.clock.advance(20 * second);
    expect(w.calls).toHaveLength(2);
  });

  test('may still be followed by free retries of one that did not reach it', async () => {
    const w = world({
      tokens: ({ issue }) => issue(-1),
      refresh: ({ attempt }, { issue }) => {
        if (attempt === 1) throw reset();
        if (attempt === 2) throw unreachable();
        return issue();
      },
    });
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(second);
    expect(request.state).toBe('resolved');
    expect(w.calls).toHaveLength(3);
  });
});

describe('G16 once it is decided that nothing is sent again', () => {
  test('the error of an attempt given up on changes nothing: no third one after a pause', async () => {
    const w = world({ refresh: 'open', retry: { retries: 2 } });
    void watch(w.session.refresh());
    await w.clock.advance(5 * second);
    nth(w.calls, 1).fail(reset());
    await settle();
    nth(w.calls, 0).fail(answered(503));
    await w.clock.advance(5 * second);
    expect(w.calls).toHaveLength(2);
    expect(w.told('refresh.failed')).toHaveLength(1);
  });
});

describe('G16 deadlines hold though the callback ignores its signal', () => {
  test('an attempt that fails as its time ends is repeated once, too', async () => {
    const w = world({ refresh: 'open', retry: { attemptTimeoutMs: 2 * second, retries: 5 } });
    void watch(w.session.refresh());
    await settle();
    w.clock.setTimeout(() => nth(w.calls, 0).fail(reset()), 2 * second);
    await w.clock.advance(2 * second);
    expect(w.calls).toHaveLength(2);
    nth(w.calls, 1).answer(w.issue());
    await settle();
    expect(w.told('refresh.succeeded')).toMatchObject([{ attempt: 2 }]);
  });

  test('an attempt that hangs is given up after attemptTimeoutMs, and repeated once', async () => {
    const w = world({ refresh: 'open', retry: { attemptTimeoutMs: 2 * second, retries: 5 } });
    await w.clock.advance(2 * hour);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(2 * second - 1);
    expect(w.calls).toHaveLength(1);
    await w.clock.advance(1);
    expect(w.calls).toHaveLength(2);
    nth(w.calls, 1).answer();
    await settle();
    expect(request.state).toBe('resolved');
    expect(nth(w.calls, 0).context.signal.aborted).toBe(true);
  });

  test('the whole operation ends at refreshTimeoutMs', async () => {
    const w = world({ refresh: 'open', refreshTimeoutMs: 7 * second });
    await w.clock.advance(2 * hour);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(7 * second - 1);
    expect(request.state).toBe('pending');
    await w.clock.advance(1);
    expect(request.error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_TIMEOUT', attempts: 2, kind: 'timeout' });
  });

  test('the next operation works', async () => {
    let calls = 0;
    const w = world({
      refresh: (_context, { issue }) => {
        calls += 1;
        return calls < 3 ? new Promise(() => undefined) : issue();
      },
    });
    await w.clock.advance(2 * hour);
    const first = watch(w.instance.get('/orders'));
    await w.clock.advance(30 * second);
    const next = watch(w.instance.get('/orders'));
    await w.clock.advance(second);
    expect(states([first, next])).toStrictEqual(['rejected', 'resolved']);
  });

  test('slow attempts that fail are bounded by the deadline, not by their number', async () => {
    const w = world({
      tokens: ({ issue }) => issue(-1),
      retry: { retries: 100, minDelayMs: 0 },
      refreshTimeoutMs: 10 * second,
      refresh: async (_context, { clock }) => {
        await pause(clock, 3 * second);
        throw unreachable();
      },
    });
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(10 * second);
    expect(request.error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_TIMEOUT' });
    expect(w.calls).toHaveLength(4);
  });
});
