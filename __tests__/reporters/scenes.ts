/** Sessions to which everything happens that a reporter tells of. */
import type { TokenSet } from '../../src/index.js';
import { fakeClock, settle } from '../support/clock.js';
import { tokenFor } from '../support/jwt.js';
import { sharedPlace } from '../support/shared-store.js';
import { answered, hour, nth, times, unreachable, watch, world, type World } from '../properties/world.js';

/** A reporter put on a session. */
export type Watch = (session: World['session']) => () => void;

const request503 = (): Error => answered(503, { 'x-request-id': 'req-503' });

export async function refreshTimes({ session }: World, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    void watch(session.refresh());
    await settle();
  }
}

/** Each with what a session goes through while it is watched. */
export const scenes = {
  async success(report: Watch): Promise<World> {
    const w = world();
    report(w.session);
    await refreshTimes(w, 1);
    return w;
  },

  /** The second attempt brings tokens. */
  async retried(report: Watch): Promise<World> {
    const w = world({
      retry: { retries: 1, minDelayMs: 100 },
      refresh: ({ attempt }, { issue }) => {
        if (attempt === 1) throw request503();
        return issue();
      },
    });
    report(w.session);
    void watch(w.session.refresh());
    await w.clock.advance(1_000);
    return w;
  },

  async failure(report: Watch): Promise<World> {
    const w = world({
      retry: false,
      refresh: () => {
        throw request503();
      },
    });
    report(w.session);
    await refreshTimes(w, 1);
    return w;
  },

  /** Another holder's tokens come while this one refreshes. */
  async adopted(report: Watch): Promise<World> {
    const clock = fakeClock();
    const place = sharedPlace({ accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' });
    const w = world({ clock, tokens: null, store: place.holder(), refresh: 'open', retry: false });
    await w.session.ready;
    report(w.session);
    void watch(w.session.refresh());
    await settle();
    await clock.advance(100);
    place.record = { accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-1' };
    place.tell();
    await settle();
    return w;
  },

  /** A sign-out, while a refresh is in flight. */
  async cancelled(report: Watch): Promise<World> {
    const w = world({ refresh: 'open', retry: false });
    report(w.session);
    void watch(w.session.refresh());
    await w.clock.advance(100);
    await w.session.signOut();
    return w;
  },

  /** The answer to the first refresh comes after its deadline, while a second is in flight. */
  async late(report: Watch): Promise<World> {
    const w = world({ refresh: 'open', retry: false, refreshTimeoutMs: 5_000 });
    report(w.session);
    void watch(w.session.refresh());
    await w.clock.advance(6_000);
    void watch(w.session.refresh());
    await w.clock.advance(1_000);
    nth(w.calls, 0).answer();
    await settle();
    return w;
  },

  /** Three failures of two kinds, ten more, and the way back. */
  async streak(report: Watch): Promise<World> {
    let failures = 13;
    const w = world({
      retry: false,
      refresh: (_context, { issue }) => {
        if (failures-- > 0) throw failures % 2 ? request503() : unreachable();
        return issue();
      },
    });
    report(w.session);
    for (let round = 0; round < 14; round++) {
      await refreshTimes(w, 1);
      await w.clock.advance(1_000);
    }
    return w;
  },

  /** Requests wait for a token; one of them is aborted. One more is replayed. */
  async waiting(report: Watch): Promise<World> {
    const w = world({ refresh: 'open', tokens: ({ issue }) => issue(-60) });
    report(w.session);
    const controller = new AbortController();
    times(3, () => void watch(w.instance.get('/orders')));
    void watch(w.instance.get('/orders', { signal: controller.signal }));
    await settle();
    controller.abort();
    await settle();
    return w;
  },

  async replayed(report: Watch): Promise<World> {
    const w = world();
    report(w.session);
    w.api.respond = () => ({ status: w.api.seen.length === 1 ? 401 : 200 });
    await w.instance.get('/orders');
    return w;
  },

  /** Refused for good while the token lives, and its end an hour later. */
  async ended(report: Watch): Promise<World> {
    const w = world({
      retry: false,
      refresh: () => {
        throw answered(400, {}, { error: 'invalid_grant' });
      },
    });
    report(w.session);
    await refreshTimes(w, 1);
    await w.clock.advance(hour);
    return w;
  },
} as const;

/** Several holders of one session, whose server works or not, each watched. */
export async function holders(
  count: number,
  report: (index: number) => Watch,
): Promise<{ all: World[]; works: (yes: boolean) => void }> {
  const clock = fakeClock();
  const first: TokenSet = { accessToken: tokenFor(clock, 3_600), refreshToken: 'refresh-0' };
  const place = sharedPlace(first);
  let good = false;
  const all = times(count, () =>
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
  all.forEach(({ session }, index) => report(index)(session));
  return {
    all,
    works: (yes) => {
      good = yes;
    },
  };
}
