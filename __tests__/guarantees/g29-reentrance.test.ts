/** Listeners and subscribers that act at once: they find the session whole, and what they do comes after what they heard. */
import { describe, expect, test } from '@jest/globals';
import axios from 'axios';
import { memoryStore } from '../../src/index.js';
import type { TokenEventType, TokenSession } from '../../src/index.js';
import { hour, minute, nth, refused, settle, unreachable, watch, world, type World } from '../properties/world.js';

const types = (w: World): TokenEventType[] => w.events.map(({ type }) => type);

/** Calls `act` the first time that `type` is told. */
function at(w: World, type: TokenEventType, act: () => unknown): void {
  w.session.once(type, () => {
    void watch(Promise.resolve(act()));
  });
}

describe('G29 taking off a listener', () => {
  test('that was never put on leaves the others', async () => {
    const w = world();
    w.session.off('event', () => undefined);
    await w.session.setTokens(w.issue());
    expect(types(w)).toStrictEqual(['tokens.changed']);
  });
});

describe('G29 a listener that acts at once', () => {
  test('a sign-out at refresh.succeeded is told last, after the session that it ends', async () => {
    const w = world({ tokens: null });
    at(w, 'refresh.succeeded', () => w.session.signOut());
    void watch(w.session.refresh());
    await settle();
    expect(types(w).slice(-4)).toStrictEqual([
      'session.started',
      'tokens.changed',
      'request.released',
      'session.cleared',
    ]);
    expect(w.session.status).toBe('signed-out');
  });

  test('a sign-out at refresh.started stops the request that would have left at once', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(hour - 4 * minute);
    at(w, 'refresh.started', () => w.session.signOut());
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(w.told('refresh.started')).toMatchObject([{ trigger: 'ahead' }]);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(w.sent()).toStrictEqual([]);
  });

  test('a refresh at request.released starts after the one that has failed has ended', async () => {
    const w = world({ refresh: 'open', retry: false, tokens: ({ issue }) => issue(-1) });
    at(w, 'request.released', () => w.session.refresh());
    void watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 0).fail(unreachable());
    await settle();
    const told = types(w).filter((type) => type.startsWith('refresh.'));
    expect(told).toStrictEqual(['refresh.started', 'refresh.failed', 'refresh.started']);
  });

  test('a sign-in at refresh.failed is not told that its session is ending', async () => {
    const w = world({ refresh: 'open', retry: false });
    at(w, 'refresh.failed', () => w.session.setTokens(w.issue()));
    void watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).fail(refused());
    await settle();
    expect(types(w).slice(-4)).toStrictEqual([
      'refresh.failed',
      'session.ending',
      'request.released',
      'tokens.changed',
    ]);
    expect(w.session.getSnapshot().endsAt).toBeUndefined();
  });

  test('dispose() at refresh.retried leaves no timer behind', async () => {
    const w = world({ refresh: () => Promise.reject(unreachable()) });
    w.session.on('refresh.retried', () => {
      w.session.dispose();
    });
    void watch(w.session.refresh());
    await settle();
    expect(w.clock.pending).toBe(0);
  });

  test.each(['refresh.started', 'session.expired'] as const)(
    'G22: tokens set at %s of a scheduled session are refreshed in time, too',
    async (type) => {
      let down = type === 'session.expired';
      const w = world({
        schedule: true,
        retry: false,
        refresh: (_context, { issue }) => (down ? Promise.reject(refused()) : issue()),
      });
      at(w, type, () => {
        down = false;
        return w.session.setTokens(w.issue());
      });
      await w.clock.advance(12 * hour);
      expect(w.session.status).toBe('active');
      expect(w.calls.length).toBeGreaterThan(10);
    },
  );
});

describe('G10 an abort by a listener of the refresh that it starts', () => {
  const waiting = (): World => world({ refresh: 'open', tokens: ({ issue }) => issue(-1) });

  test('rejects getAccessToken() with its reason', async () => {
    const w = waiting();
    const controller = new AbortController();
    at(w, 'refresh.started', () => {
      controller.abort('enough');
    });
    const token = watch(w.session.getAccessToken({ signal: controller.signal }));
    await settle();
    expect(token).toMatchObject({ state: 'rejected', error: 'enough' });
    expect(w.clock.holding).toBe(0);
  });

  test.each(['signal', 'cancelToken'] as const)('rejects a request by its %s, and leaves no timer', async (means) => {
    const w = waiting();
    const controller = new AbortController();
    const source = axios.CancelToken.source();
    at(w, 'refresh.started', () => {
      if (means === 'signal') controller.abort();
      else source.cancel();
    });
    const config = means === 'signal' ? { signal: controller.signal } : { cancelToken: source.token };
    const request = watch(w.instance.get('/orders', config));
    await settle();
    expect(axios.isCancel(request.error)).toBe(true);
    expect(w.clock.holding).toBe(0);
    expect(w.session.getSnapshot().waiting).toBe(0);
  });
});

describe('G29 a subscriber', () => {
  test('of a session that is loaded never sees it signed out on the way', async () => {
    const load = (): Promise<{ accessToken: string }> => Promise.resolve({ accessToken: 'stored' });
    const w = world({ tokens: null, store: { ...memoryStore(), load } });
    const seen: string[] = [];
    w.session.subscribe(() => seen.push(w.session.status));
    await w.session.ready;
    expect(new Set(seen)).toEqual(new Set(['active']));
  });

  test('that signs out as a refresh starts: the refresh is told before its end', async () => {
    const w = world({ refresh: 'open' });
    const end = w.session.subscribe(() => {
      end();
      void w.session.signOut();
    });
    void watch(w.session.refresh());
    await settle();
    expect(types(w)).toStrictEqual(['refresh.started', 'session.cleared']);
    expect(w.calls).toHaveLength(0);
  });

  test('that subscribes anew each time is told once for each change', async () => {
    const w = world();
    let heard = 0;
    const again = (session: TokenSession): void => {
      const end = session.subscribe(() => {
        end();
        heard += 1;
        if (heard < 100) again(session);
      });
    };
    again(w.session);
    await w.session.setTokens(w.issue());
    expect(heard).toBe(1);
  });

  test('that another one has taken off hears no more', async () => {
    const w = world();
    let heard = 0;
    w.session.subscribe(() => {
      end();
    });
    const end = w.session.subscribe(() => {
      heard += 1;
    });
    await w.session.setTokens(w.issue());
    expect(heard).toBe(0);
  });

  test('is told once, however many requests a refresh releases', async () => {
    const w = world({ refresh: 'open', tokens: ({ issue }) => issue(-1) });
    for (let made = 0; made < 50; made++) void watch(w.instance.get('/orders'));
    await settle();
    let heard = 0;
    w.session.subscribe(() => (heard += 1));
    nth(w.calls, 0).answer();
    await w.clock.advance(minute);
    expect(heard).toBe(1);
  });
});
