import { describe, expect, test } from '@jest/globals';
import {
  hour,
  minute,
  nth,
  pause,
  second,
  settle,
  states,
  times,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';
import { jwt } from '../support/jwt.js';

/** An authorization server whose clock is `skewMs` ahead of the client's, asked with or without `http`. */
function skewed(skewMs: number, by: 'http' | 'fetch', options: WorldOptions = {}): World {
  const w: World = world({
    tokens: null,
    ttlSeconds: 3_600,
    refresh: async ({ http }, basis) => {
      if (by === 'fetch') return token(basis);
      const { data } = await http.post<string>('/auth/refresh');
      return data;
    },
    ...options,
  });
  function token({ clock, issue }: Pick<World, 'clock' | 'issue'>): string {
    const iat = Math.floor((clock.now() + skewMs) / second);
    return issue(3_600, { iat, exp: iat + 3_600 });
  }
  w.api.respond = ({ url }) =>
    url === '/auth/refresh'
      ? { data: token(w), headers: { date: new Date(w.clock.now() + skewMs).toUTCString() } }
      : {};
  return w;
}

function toApi({ api }: World): (string | undefined)[] {
  return api.seen.filter(({ url }) => url !== '/auth/refresh').map(({ token }) => token);
}

async function getOrders(w: World): Promise<void> {
  const request = watch(w.instance.get('/orders'));
  await settle();
  expect(request.state).toBe('resolved');
}

describe('G21 a wall clock that is set while a token lives', () => {
  test('back by hours does not keep a token alive', async () => {
    const w = world();
    const old = await w.session.getAccessToken();
    w.clock.jump(-5 * hour);
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual([old]);
    await w.clock.advance(hour);
    await w.instance.get('/orders');
    expect(w.calls).toHaveLength(1);
    expect(w.sent().at(-1)).not.toBe(old);
  });

  test('back by hours does not keep the refresh window from coming', async () => {
    const w = world({ refresh: 'open' });
    w.clock.jump(-5 * hour);
    await w.clock.advance(58 * minute);
    void watch(w.instance.get('/orders'));
    await settle();
    expect(w.told('request.queued')).toHaveLength(1);
  });

  test.each([-5 * hour, 5 * hour])('by %i ms costs one refresh at most, and nothing loops', async (jumpMs) => {
    const w = skewed(0, 'http', { tokens: ({ issue }) => issue() });
    await w.instance.get('/orders');
    w.clock.jump(jumpMs);
    for (let passed = 0; passed < 50; passed++) {
      void watch(w.instance.get('/orders'));
      await w.clock.advance(minute);
    }
    expect(w.calls.length).toBeLessThanOrEqual(1);
  });

  test('there and back again, over and over, makes no loop', async () => {
    const w = world();
    for (let passed = 0; passed < 100; passed++) {
      w.clock.jump(passed % 2 === 0 ? 3 * hour : -3 * hour);
      void watch(w.instance.get('/orders'));
      await w.clock.advance(second);
    }
    // Each jump ahead kills the token that was issued before it.
    expect(w.calls.length).toBeLessThanOrEqual(50);
  });
});

describe('G21 a wall clock that is set during a refresh', () => {
  test.each([-5 * hour, 5 * hour])('by %i ms is no part of how long that is told to have taken', async (jumpMs) => {
    const w = world({ refresh: 'open', retry: false });
    for (const end of ['fail', 'answer'] as const) {
      void watch(w.session.refresh());
      w.clock.jump(jumpMs);
      await w.clock.advance(2 * second);
      nth(w.calls, -1)[end](end === 'answer' ? 'opaque-token' : undefined);
      await settle();
    }
    expect(w.told('refresh.failed')).toMatchObject([{ durationMs: 2 * second }]);
    expect(w.told('refresh.succeeded')).toMatchObject([{ durationMs: 2 * second }]);
  });
});

describe('G21 a machine that slept', () => {
  test('does not send the token of yesterday', async () => {
    const w = world();
    const old = await w.session.getAccessToken();
    w.clock.jump(12 * hour);
    const requests = times(5, () => watch(w.instance.get('/orders')));
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.sent()).not.toContain(old);
    expect(w.calls).toHaveLength(1);
  });

  test('in the middle of a refresh takes the token by its start, not by its end', async () => {
    const w = world({ refresh: 'open', tokens: ({ issue }) => issue(-1), retry: false });
    const request = watch(w.instance.get('/orders'));
    await settle();
    const issued = w.issue();
    w.clock.jump(2 * hour);
    nth(w.calls, 0).answer(issued);
    await settle();
    expect(request.state).toBe('rejected');
    expect(w.sent()).not.toContain(issued);
  });
});

describe('G21 a lifetime is anchored at the start of the refresh call', () => {
  test('so that a slow answer does not make a token older than it is thought to be', async () => {
    const w = world({
      tokens: null,
      whenMissing: 'refresh',
      refresh: async (_context, { clock }) => {
        await pause(clock, 4 * second);
        return { accessToken: 'opaque-token', expiresIn: 60 };
      },
    });
    const start = w.clock.now();
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(4 * second);
    expect(request.state).toBe('resolved');
    expect(w.session.getSnapshot().expiresAt).toBe(start + 60 * second);
  });

  test('of the attempt that brought the token, not of the operation', async () => {
    const w = world({
      tokens: null,
      whenMissing: 'refresh',
      refresh: 'open',
    });
    const start = w.clock.now();
    void watch(w.instance.get('/orders'));
    await w.clock.advance(5 * second);
    expect(w.calls).toHaveLength(2);
    nth(w.calls, 1).answer({ accessToken: 'opaque-token', expiresIn: 60 });
    await settle();
    expect(w.session.getSnapshot().expiresAt).toBe(start + 65 * second);
  });
});

describe.each(['http', 'fetch'] as const)('G21 a client whose clock is hours off, refreshing by %s', (by) => {
  test.each([-5 * hour, -2 * hour, -30 * minute, 30 * minute, 2 * hour, 5 * hour])(
    'server ahead by %i ms: requests go out, with one refresh per lifetime',
    async (skewMs) => {
      const w = skewed(skewMs, by, { whenMissing: 'refresh' });
      const requests = [];
      for (let passed = 0; passed < 54; passed++) {
        requests.push(watch(w.instance.get('/orders')));
        await w.clock.advance(minute);
      }
      expect(new Set(states(requests))).toEqual(new Set(['resolved']));
      expect(w.calls).toHaveLength(1);
      expect(w.told('refresh.failed')).toHaveLength(0);
    },
  );

  test.each([-2 * hour, 2 * hour])('server ahead by %i ms: the token is not sent after its death', async (skewMs) => {
    const w = skewed(skewMs, by, { whenMissing: 'refresh' });
    await getOrders(w);
    const [old] = toApi(w);
    await w.clock.advance(hour);
    await getOrders(w);
    expect(toApi(w).at(-1)).not.toBe(old);
  });

  test.each([-2 * hour, 2 * hour])(
    'server ahead by %i ms: the snapshot shows it, and the expiry by our clock',
    async (skewMs) => {
      const w = skewed(skewMs, by, { whenMissing: 'refresh' });
      await getOrders(w);
      const { clockSkewMs, expiresAt } = w.session.getSnapshot();
      expect(Math.abs((clockSkewMs ?? 0) - skewMs)).toBeLessThanOrEqual(second);
      expect(Math.abs((expiresAt ?? 0) - (w.clock.now() + hour))).toBeLessThanOrEqual(second);
      expect(w.told('clock.skewed')).toHaveLength(1);
    },
  );
});

describe('G21 tokens from a sign-in on a client whose clock is hours off', () => {
  test('a client that is behind takes a token from the future at its own word', async () => {
    const w = skewed(5 * hour, 'http');
    const iat = (w.clock.now() + 5 * hour) / second;
    const token = w.issue(3_600, { iat, exp: iat + 3_600 });
    await w.session.setTokens(token);
    await getOrders(w);
    expect(toApi(w)).toStrictEqual([token]);
    await w.clock.advance(hour);
    await getOrders(w);
    expect(toApi(w).at(-1)).not.toBe(token);
    expect(w.calls).toHaveLength(1);
  });

  test('a client that is ahead refreshes once, learns the skew, and goes on', async () => {
    const w = skewed(-5 * hour, 'http');
    const iat = (w.clock.now() - 5 * hour) / second;
    await w.session.setTokens(w.issue(3_600, { iat, exp: iat + 3_600 }));
    for (let passed = 0; passed < 50; passed++) {
      await getOrders(w);
      await w.clock.advance(minute);
    }
    expect(w.calls).toHaveLength(1);
  });

  test('a difference of a few seconds is no skew', async () => {
    const w = skewed(2 * second, 'http', { whenMissing: 'refresh' });
    await getOrders(w);
    expect(w.told('clock.skewed')).toHaveLength(0);
  });
});

describe('G21 a refresh in the very second of the sign-in', () => {
  test.each([-3, 3])(
    'on a client whose clock is %p h off is believed, though no answer tells the time',
    async (hours) => {
      const issue = (at: number): string => {
        const iat = Math.floor((at - hours * hour) / second);
        return jwt({ sub: 'ada', iat, exp: iat + 60 });
      };
      const w = world({ tokens: null, refresh: (_context, { clock }) => issue(clock.now()) });
      await w.session.setTokens({ accessToken: issue(w.clock.now()), refreshToken: 'first' });
      if (hours < 0) void watch(w.session.refresh());
      const request = watch(w.instance.get('/orders'));
      await w.clock.advance(second);
      expect(w.told('refresh.failed')).toStrictEqual([]);
      expect(request.state).toBe('resolved');
      expect(w.calls).toHaveLength(1);
    },
  );
});

describe.each(['http', 'fetch'] as const)('G21 a server that keeps the iat of the sign-in, refreshing by %s', (by) => {
  const ttlSeconds = 300;

  function kept(options: WorldOptions = {}): World {
    const deaths = new Map<string, number>();
    const token = ({ clock, issue }: Pick<World, 'clock' | 'issue'>): string => {
      const now = Math.floor(clock.now() / second);
      const given = issue(0, { iat: signedInAt / second, exp: now + ttlSeconds });
      deaths.set(given, (now + ttlSeconds) * second);
      return given;
    };
    let signedInAt = 0;
    const w: World = world({
      tokens: (basis) => {
        signedInAt = basis.clock.now();
        return token(basis);
      },
      refresh: async ({ http }, basis) => (by === 'fetch' ? token(basis) : (await http.post<string>('/refresh')).data),
      ...options,
    });
    w.api.respond = ({ url }, sent) => {
      if (url === '/refresh') return { data: token(w), headers: { date: new Date(w.clock.now()).toUTCString() } };
      return { status: (deaths.get(sent ?? '') ?? 0) > w.clock.now() ? 200 : 401 };
    };
    return w;
  }

  test('is refreshed ahead all day: no request waits, and none is refused', async () => {
    const w = kept();
    for (let passed = 0; passed < 6 * 120; passed++) {
      void watch(w.instance.get('/orders'));
      await w.clock.advance(30 * second);
    }
    expect(w.told('request.queued')).toStrictEqual([]);
    expect(w.told('clock.skewed')).toStrictEqual([]);
    expect(new Set(w.calls.map(({ context }) => context.trigger))).toEqual(new Set(['ahead']));
    expect(w.calls.length).toBeLessThanOrEqual(6 * 20);
  });

  test('is refreshed by timer all day: the token that is held lives', async () => {
    const w = kept({ schedule: true });
    for (let passed = 0; passed < 6 * 60; passed++) {
      await w.clock.advance(minute);
      expect((w.session.getSnapshot().expiresAt ?? 0) - w.clock.now()).toBeGreaterThan(0);
      expect((w.session.getSnapshot().expiresAt ?? 0) - w.clock.now()).toBeLessThanOrEqual(ttlSeconds * second);
    }
  });
});

describe('G21 a token that is alive by this clock alone', () => {
  const refreshed = (skewMs: number, answer: (w: Pick<World, 'clock'>) => unknown, date = true): World => {
    const w: World = world({
      tokens: null,
      whenMissing: 'refresh',
      refresh: async ({ http }) => (await http.post<string>('/auth/refresh')).data,
    });
    w.api.respond = ({ url }) =>
      url === '/auth/refresh'
        ? { data: answer(w), headers: date ? { date: new Date(w.clock.now() + skewMs).toUTCString() } : {} }
        : {};
    return w;
  };

  test.each([-3 * hour, 0, 3 * hour])(
    'whose callback reckons its expiry by this clock is taken, though the server is %i ms ahead',
    async (skewMs) => {
      const w = refreshed(skewMs, ({ clock }) => ({
        accessToken: `opaque-${String(clock.now())}`,
        expiresAt: clock.now() + hour,
      }));
      await getOrders(w);
      expect(w.told('refresh.failed')).toStrictEqual([]);
      expect(w.calls).toHaveLength(1);
    },
  );

  test('whose iat is in milliseconds is taken', async () => {
    const w = refreshed(
      0,
      ({ clock }) => jwt({ sub: 'ada', iat: clock.now(), exp: clock.now() / second + 3_600 }),
      false,
    );
    await getOrders(w);
    expect(w.calls).toHaveLength(1);
    expect(w.session.getSnapshot().expiresAt).toBe(w.clock.now() + hour);
  });

  test('from a server whose clock was ahead for a while is taken', async () => {
    let aheadMs = 4 * hour;
    const w = refreshed(
      0,
      ({ clock }) => {
        const iat = (clock.now() + aheadMs) / second;
        return jwt({ sub: 'ada', iat, exp: iat + 3_600 });
      },
      false,
    );
    await getOrders(w);
    aheadMs = 0;
    await w.clock.advance(hour);
    await getOrders(w);
    expect(w.told('refresh.failed')).toStrictEqual([]);
    expect(w.calls).toHaveLength(2);
  });
});
