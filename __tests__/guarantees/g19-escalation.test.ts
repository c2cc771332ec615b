import { describe, expect, test } from '@jest/globals';
import { fakeClock } from '../support/clock.js';
import { tokenFor } from '../support/jwt.js';
import { sharedPlace } from '../support/shared-store.js';
import {
  answered,
  hour,
  minute,
  nth,
  settle,
  times,
  unreachable,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';

/** A refresh that works or not, as the test says. */
function steered(options: WorldOptions = {}): { w: World; works: (yes: boolean) => void } {
  let good = false;
  const w = world({
    retry: false,
    refresh: (_context, { issue }) => {
      if (!good) throw unreachable();
      return issue();
    },
    ...options,
  });
  return {
    w,
    works: (yes) => {
      good = yes;
    },
  };
}

async function refreshTimes({ session }: World, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    void watch(session.refresh());
    await settle();
  }
}

/** Three holders of one session, and a server that works or not. */
async function holders(): Promise<{ all: World[]; works: (yes: boolean) => void }> {
  const clock = fakeClock();
  const place = sharedPlace({ accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' });
  let good = false;
  const all = times(3, () =>
    world({
      clock,
      retry: false,
      tokens: null,
      store: place.holder(),
      refresh: (_context, { issue }) => {
        if (!good) throw unreachable();
        return issue();
      },
    }),
  );
  await Promise.all(all.map(({ session }) => session.ready));
  return {
    all,
    works: (yes) => {
      good = yes;
    },
  };
}

describe('G19 three consecutive failed refreshes', () => {
  test('tell of the whole streak: its kinds, its beginning and end, and the time left', async () => {
    let kind = 0;
    const w = world({
      retry: false,
      refresh: () => {
        throw nth([unreachable(), answered(503), unreachable()], kind++);
      },
    });
    const begun = w.clock.now();
    await refreshTimes(w, 1);
    await w.clock.advance(10 * minute);
    await refreshTimes(w, 2);
    expect(w.told('refresh.escalated')).toMatchObject([
      {
        kinds: { network: 2, server: 1 },
        firstFailureAt: begun,
        lastFailureAt: begun + 10 * minute,
        leftMs: 50 * minute,
      },
    ]);
  });

  test('of several holders of one session are escalated by one of them, and its recovery is told by the same', async () => {
    const { all, works } = await holders();
    const told = (type: 'refresh.escalated' | 'refresh.recovered'): number[] => all.map((w) => w.told(type).length);
    for (const w of all) await refreshTimes(w, 3);
    expect(told('refresh.escalated')).toStrictEqual([1, 0, 0]);
    works(true);
    // Another holder is the first to get through.
    await refreshTimes(nth(all, 1), 1);
    await settle();
    expect(told('refresh.recovered')).toStrictEqual([1, 0, 0]);
    works(false);
    for (const w of all) await refreshTimes(w, 3);
    expect(told('refresh.escalated')).toStrictEqual([2, 0, 0]);
  });

  test('are escalated though the store cannot tell who is first', async () => {
    const clock = fakeClock();
    const place = sharedPlace();
    const w = world({
      clock,
      retry: false,
      store: {
        ...place.holder(),
        claim: () => {
          throw new Error('The store is out of order.');
        },
      },
      refresh: () => {
        throw unreachable();
      },
    });
    await w.session.ready;
    await refreshTimes(w, 3);
    expect(w.told('refresh.escalated')).toHaveLength(1);
    expect(w.told('store.failed')).toMatchObject([{ action: 'claim' }]);
  });

  test.each([undefined, null, 0])('are escalated where the store answers %p to who is first', async (answer) => {
    const w = world({
      retry: false,
      store: { ...sharedPlace().holder(), claim: () => Promise.resolve(answer as never) },
      refresh: () => Promise.reject(unreachable()),
    });
    await w.session.ready;
    await refreshTimes(w, 3);
    expect(w.told('refresh.escalated')).toHaveLength(1);
  });

  test('that have been recovered from while the store was asked are not escalated any more', async () => {
    const clock = fakeClock();
    const place = sharedPlace();
    let good = false;
    let answer: (first: boolean) => void = () => undefined;
    const w = world({
      clock,
      retry: false,
      store: { ...place.holder(), claim: () => new Promise((resolve) => (answer = resolve)) },
      refresh: (_context, { issue }) => {
        if (!good) throw unreachable();
        return issue();
      },
    });
    await w.session.ready;
    await refreshTimes(w, 3);
    good = true;
    await refreshTimes(w, 1);
    answer(true);
    await settle();
    expect(w.told('refresh.escalated')).toHaveLength(0);
    expect(w.told('refresh.recovered')).toHaveLength(0);
  });

  test('are escalated, once per streak', async () => {
    const { w } = steered();
    await refreshTimes(w, 2);
    expect(w.told('refresh.escalated')).toHaveLength(0);
    await refreshTimes(w, 1);
    expect(w.told('refresh.escalated')).toMatchObject([
      { consecutiveFailures: 3, error: { code: 'AUTH_TOKEN_REFRESH_FAILED' }, trigger: 'manual' },
    ]);
    await refreshTimes(w, 10);
    expect(w.told('refresh.escalated')).toHaveLength(1);
    expect(w.told('refresh.failed').map(({ consecutiveFailures }) => consecutiveFailures)).toEqual(
      Array.from({ length: 13 }, (_, index) => index + 1),
    );
    expect(w.session.getSnapshot().consecutiveFailures).toBe(13);
  });

  test('are followed by refresh.recovered with the next success', async () => {
    const { w, works } = steered();
    await refreshTimes(w, 4);
    works(true);
    await refreshTimes(w, 1);
    expect(w.told('refresh.recovered')).toMatchObject([{ consecutiveFailures: 4 }]);
    expect(w.session.getSnapshot()).toMatchObject({ consecutiveFailures: 0, error: undefined });
    await refreshTimes(w, 3);
    expect(w.told('refresh.recovered')).toHaveLength(1);
  });

  test('are escalated again in the next streak', async () => {
    const { w, works } = steered();
    for (let streak = 1; streak <= 3; streak++) {
      works(false);
      await refreshTimes(w, 5);
      expect(w.told('refresh.escalated')).toHaveLength(streak);
      works(true);
      await refreshTimes(w, 2);
      expect(w.told('refresh.recovered')).toHaveLength(streak);
    }
  });

  test('with a success in between are not escalated, and nothing has recovered', async () => {
    const { w, works } = steered();
    for (let streak = 0; streak < 5; streak++) {
      works(false);
      await refreshTimes(w, 2);
      works(true);
      await refreshTimes(w, 1);
    }
    expect(w.told('refresh.escalated')).toHaveLength(0);
    expect(w.told('refresh.recovered')).toHaveLength(0);
  });

  test('count operations, not attempts', async () => {
    const { w } = steered({ retry: { retries: 5, minDelayMs: 1, maxDelayMs: 1 } });
    void watch(w.session.refresh());
    await w.clock.advance(1_000);
    expect(w.calls).toHaveLength(6);
    expect(w.session.getSnapshot().consecutiveFailures).toBe(1);
    expect(w.told('refresh.escalated')).toHaveLength(0);
  });

  test('are as many as escalateAfter says', async () => {
    const { w } = steered({ escalateAfter: 1 });
    await refreshTimes(w, 3);
    expect(w.told('refresh.escalated')).toMatchObject([{ consecutiveFailures: 1 }]);
  });

  test('end with new tokens: the next streak starts from nothing', async () => {
    const { w } = steered();
    await refreshTimes(w, 2);
    await w.session.setTokens(w.issue());
    expect(w.session.getSnapshot().consecutiveFailures).toBe(0);
    await refreshTimes(w, 2);
    expect(w.told('refresh.escalated')).toHaveLength(0);
  });

  test('made by requests alone are escalated as well', async () => {
    const { w, works } = steered();
    await w.clock.advance(2 * hour);
    for (let passed = 0; passed < 60; passed++) {
      void watch(w.instance.get('/orders'));
      await w.clock.advance(1_000);
    }
    expect(w.told('refresh.escalated')).toHaveLength(1);
    works(true);
    await w.clock.advance(31_000);
    await w.instance.get('/orders');
    expect(w.told('refresh.recovered')).toHaveLength(1);
  });
});
