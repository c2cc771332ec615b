/** What a session listens to in a page, and that it stops (G20, G22). */
import './page.js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { settle } from '../support/clock.js';
import { follow, stage, type Refresh, type Stage } from '../support/stage.js';

const hour = 3_600_000;
const wakers = ['visibilitychange', 'pageshow', 'online', 'focus'];

/** What is listened to now, on the window and on the document. */
const heard = new Map<string, number>();
const restore: (() => void)[] = [];
beforeEach(() => {
  for (const target of [window, document]) {
    const add = target.addEventListener.bind(target);
    const remove = target.removeEventListener.bind(target);
    const counting =
      (act: typeof add, by: number): typeof add =>
      (...args: Parameters<typeof add>) => {
        const [name, listener, options] = args;
        heard.set(name, (heard.get(name) ?? 0) + by);
        act(name, listener, options);
      };
    Object.assign(target, { addEventListener: counting(add, 1), removeEventListener: counting(remove, -1) });
    restore.push(() => {
      Object.assign(target, { addEventListener: add, removeEventListener: remove });
    });
  }
});
afterEach(() => {
  for (const undo of restore.splice(0)) undo();
  heard.clear();
});

const listening = (): string[] => [...heard].filter(([, count]) => count !== 0).map(([name]) => name);
const wake = (name: string): void => {
  (name === 'visibilitychange' ? document : window).dispatchEvent(new Event(name, { bubbles: true }));
};
const scheduled = (refresh?: Refresh): Stage =>
  stage(({ issue }) => ({ tokens: issue(), schedule: true, retry: false }), refresh);

describe('G22 a session that refreshes by timer', () => {
  test('looks at once when the page comes back after a sleep that stopped its timers', async () => {
    for (const name of wakers) {
      const s = scheduled();
      s.clock.jump(hour);
      await settle();
      expect(s.calls).toHaveLength(0);
      wake(name);
      await settle();
      expect(s.calls.map(({ trigger }) => trigger)).toStrictEqual(['timer']);
      s.session.dispose();
    }
  });

  test('does nothing when the page comes back and nothing is due', async () => {
    const s = scheduled();
    for (const name of wakers) wake(name);
    await settle();
    expect(s.calls).toHaveLength(0);
    s.session.dispose();
  });

  test('starts one refresh, however many events say so (G7)', async () => {
    const s = scheduled(() => new Promise(() => undefined));
    s.clock.jump(hour);
    for (const name of [...wakers, ...wakers]) wake(name);
    await settle();
    expect(s.calls).toHaveLength(1);
    s.session.dispose();
  });
});

describe('G18 coming back online ends a cooldown', () => {
  test('the next request asks again at once', async () => {
    let down = true;
    const s = scheduled((_context, { issue }) => {
      if (down) throw Object.assign(new Error('no'), { code: 'ERR_INTERNET_DISCONNECTED' });
      return issue();
    });
    s.clock.jump(hour);
    const lost = follow(s.api.instance.get('/a'));
    await settle();
    expect(lost.error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'network' });
    down = false;
    const paused = follow(s.api.instance.get('/b'));
    await settle();
    expect(paused.state).toBe('rejected');
    expect(s.calls).toHaveLength(1);
    wake('online');
    await settle();
    await s.api.instance.get('/c');
    expect(s.calls).toHaveLength(2);
    s.session.dispose();
  });

  test('also without a timer', async () => {
    let down = true;
    const s = stage(
      ({ issue }) => ({ tokens: issue(), retry: false }),
      (_context, { issue }) => {
        if (down) throw Object.assign(new Error('no'), { code: 'ERR_INTERNET_DISCONNECTED' });
        return issue();
      },
    );
    s.clock.jump(hour);
    follow(s.api.instance.get('/a'));
    await settle();
    down = false;
    wake('online');
    await settle();
    const request = follow(s.api.instance.get('/b'));
    await settle();
    expect(request.state).toBe('resolved');
    s.session.dispose();
    expect(listening()).toStrictEqual([]);
  });
});

describe('G20 the listeners go with their reason', () => {
  test('none without one', async () => {
    const s = stage(({ issue }) => ({ tokens: issue() }));
    await s.api.instance.get('/orders');
    await s.session.refresh();
    expect(listening()).toStrictEqual([]);
    s.session.dispose();
  });

  test('dispose takes all of them off, twice as well', async () => {
    const s = scheduled();
    expect(listening().length).toBeGreaterThan(0);
    await s.session.refresh();
    s.session.dispose();
    s.session.dispose();
    expect(listening()).toStrictEqual([]);
    s.clock.jump(hour);
    for (const name of wakers) wake(name);
    await s.clock.advance(hour);
    expect(s.calls).toHaveLength(1);
    expect(s.clock.pending).toBe(0);
  });

  test('dispose during a refresh, while a request waits, and while the store is read', async () => {
    const waiting = scheduled(() => new Promise(() => undefined));
    waiting.clock.jump(hour);
    follow(waiting.api.instance.get('/orders'));
    await settle();
    waiting.session.dispose();
    const loading = stage(() => ({
      schedule: true,
      store: { load: () => new Promise<undefined>(() => undefined), save: () => undefined, clear: () => undefined },
    }));
    loading.session.dispose();
    await settle();
    expect(listening()).toStrictEqual([]);
    expect([waiting.clock.pending, loading.clock.pending]).toStrictEqual([0, 0]);
  });

  test('a sign-out takes them off, a sign-in puts them back, once', async () => {
    const s = scheduled();
    const first = listening();
    await s.session.signOut();
    expect(listening()).toStrictEqual([]);
    await s.session.setTokens(s.issue());
    await s.session.setTokens(s.issue());
    expect(listening()).toEqual(first);
    for (const name of first) expect(heard.get(name)).toBe(1);
    s.session.dispose();
    expect(listening()).toStrictEqual([]);
  });
});
