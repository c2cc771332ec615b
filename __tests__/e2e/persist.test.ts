/** Where the tokens are, by the option `persist`. */
import { expect, test } from '@jest/globals';
import { describeInChromium, type Stage } from './stage.js';
import { burst, type Tab } from './tabs.js';

describeInChromium('persist', (stage) => {
  test.each([
    ['indexeddb', 0],
    ['local', 1],
  ] as const)('%p: tokens outlive the tab, in that place alone', async (store, index) => {
    await stage.play(async (profile) => {
      const first = await profile.tab({ store });
      await profile.signIn([first]);
      await burst([first], 1);
      const token = await first.call('token');
      await first.page.close();
      const next = await profile.tab({ store });
      expect(await next.call('token')).toBe(token);
      const places = (JSON.parse(await next.call('stored')) as unknown[]).map((place) => JSON.stringify(place));
      expect(places.map((text) => text.includes(token))).toStrictEqual([0, 1, 2].map((place) => place === index));
    });
  });

  test('"local": a full storage is told, and the tokens stay in use', async () => {
    const counts = await stage.play(async (profile) => {
      const tab = await profile.tab({ store: 'local' });
      await tab.page.evaluate(() => {
        for (let size = 4_000_000; size >= 1; size = Math.floor(size / 2)) {
          try {
            for (let index = 0; ; index += 1)
              localStorage.setItem(`${String(size)}-${String(index)}`, 'x'.repeat(size));
          } catch {
            // That size does not fit any more.
          }
        }
      });
      for (let round = 0; round < 2; round += 1) {
        await profile.signIn([tab]);
        expect(await burst([tab], 1)).toStrictEqual([{ status: 200, subject: 'alice', code: undefined }]);
      }
      expect(await tab.told('store.failed')).toContainEqual({
        type: 'store.failed',
        action: 'save',
        name: 'QuotaExceededError',
      });
    });
    expect(counts).toEqual({ refreshes: 2, refused: 0, reuses: 0 });
  });

  test('"session": for one tab, across a reload; another tab knows nothing', async () => {
    await stage.play(async (profile) => {
      const [first, other] = [await profile.tab({ store: 'session' }), await profile.tab({ store: 'session' })];
      await profile.signIn([first]);
      await burst([first], 1);
      const token = await first.call('token');
      await first.page.reload();
      await first.isReady();
      expect(await first.call('token')).toBe(token);
      expect(await other.call('status')).toBe('signed-out');
    });
  });

  test('"local" in a page that may use no storage goes on in memory, and tells it once', async () => {
    await stage.play(async (profile) => {
      await profile.context.addInitScript(
        'Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError") } })',
      );
      const tab = await profile.tab({ store: 'local' });
      for (let round = 0; round < 2; round += 1) {
        await profile.signIn([tab]);
        expect(await burst([tab], 1)).toStrictEqual([{ status: 200, subject: 'alice', code: undefined }]);
      }
      expect((await tab.told('store.failed')).map(({ action, code }) => [action, code])).toStrictEqual([
        ['load', 'WEB_STORAGE_UNAVAILABLE'],
      ]);
    });
  });
});

/** Signs in at the backend, which sets the cookie, and then in the tab. */
async function signInByCookie({ site }: Stage, tab: Tab, subject: string): Promise<void> {
  const tokens = await tab.page.evaluate(async (url) => {
    const response = await fetch(url, { method: 'POST', credentials: 'include' });
    return (await response.json()) as { accessToken: string; expiresIn: number; subject: string };
  }, `${site.api}/session?subject=${subject}`);
  await tab.call('signIn', { ...tokens, expiresIn: 0 });
}

const cookie = { store: 'memory', cookie: true } as const;

describeInChromium('persist "memory", for sessions in an HttpOnly cookie', (stage) => {
  test('tabs take turns to refresh with the cookie that rotates; no token is stored', async () => {
    await stage.play(async (profile) => {
      const tabs = await profile.tabs(3, cookie);
      const [first] = tabs;
      if (!first) throw new Error('There is no tab.');
      await signInByCookie(stage, first, 'alice');
      await Promise.all(tabs.map((tab) => tab.until('status', 'active')));
      const answers = await burst(tabs, 3);
      expect(answers).toEqual(answers.map(() => ({ status: 200, subject: 'alice' })));
      const tokens = await Promise.all(tabs.map((tab) => tab.call('token')));
      expect(new Set(tokens).size).toBe(3);
      const stored = await first.call('stored');
      for (const token of tokens) expect(stored).not.toContain(token);
      expect(stored).toContain('signed-in:alice');
    });
  });

  test('a sign-in as another user moves all tabs: none sends anything as the first one any more', async () => {
    await stage.play(async (profile) => {
      const [first, second] = [await profile.tab(cookie), await profile.tab(cookie)];
      await signInByCookie(stage, first, 'alice');
      await second.until('status', 'active');
      await burst([first, second], 1);
      const generation = await second.call('generation');
      const before = stage.site.seen.length;
      await signInByCookie(stage, first, 'bob');
      await second.until('generation', generation + 1);
      expect((await burst([first, second], 2)).map(({ subject }) => subject)).toEqual(Array(4).fill('bob'));
      expect(stage.site.seen.slice(before).map(({ subject }) => subject)).toEqual(Array(4).fill('bob'));
      await first.call('signOut');
      await second.until('status', 'signed-out');
    });
  });

  test('a tab that is opened later is signed in by the cookie; a reload too', async () => {
    await stage.play(async (profile) => {
      const first = await profile.tab(cookie);
      await signInByCookie(stage, first, 'alice');
      await burst([first], 1);
      const later = await profile.tab(cookie);
      expect(await burst([later], 2)).toEqual(Array(2).fill({ status: 200, subject: 'alice' }));
      await later.page.reload();
      await later.isReady();
      expect(await burst([later], 1)).toStrictEqual([{ status: 200, subject: 'alice', code: undefined }]);
      expect(await first.call('status')).toBe('active');
      expect(await burst([first], 1)).toStrictEqual([{ status: 200, subject: 'alice', code: undefined }]);
    });
  });
});

/** What a session may listen to; the browser's driver listens to more. */
const ours = /^(pageshow|pagehide|visibilitychange|online|offline|focus|storage|freeze|resume)$/;

/** Counts in the page what is open, and what is listened to. */
const counting = `
  window.open = { channels: 0, databases: 0 };
  const Native = BroadcastChannel;
  window.BroadcastChannel = class extends Native {
    constructor(name) { super(name); open.channels += 1; }
    close() { super.close(); open.channels -= 1; }
  };
  const { open: connect } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (...given) {
    const request = connect.apply(this, given);
    request.addEventListener('success', () => { open.databases += 1; });
    return request;
  };
  const { close } = IDBDatabase.prototype;
  IDBDatabase.prototype.close = function () { open.databases -= 1; close.apply(this); };
  window.heard = new Map();
  for (const [name, by] of [['addEventListener', 1], ['removeEventListener', -1]]) {
    const act = EventTarget.prototype[name];
    EventTarget.prototype[name] = function (type, ...rest) {
      if (${String(ours)}.test(type)) heard.set(type, (heard.get(type) ?? 0) + by);
      return act.call(this, type, ...rest);
    };
  }`;

describeInChromium('a session that is disposed of', (stage) => {
  test.each(['indexeddb', 'memory', 'local'] as const)(
    'persist %p: leaves nothing open and listens to nothing',
    async (store) => {
      await stage.play(async (profile) => {
        await profile.context.addInitScript(counting);
        const tab = await profile.tab({ store });
        await profile.signIn([tab]);
        await burst([tab], 1);
        expect(await tab.page.evaluate('[...heard.values()].some((count) => count > 0)')).toBe(true);
        await tab.call('dispose');
        await tab.page.waitForFunction('open.channels === 0 && open.databases === 0', undefined, { polling: 5 });
        expect(await tab.page.evaluate('[...heard].filter(([, count]) => count !== 0)')).toStrictEqual([]);
      });
    },
  );

  test.each(['indexeddb', 'local'] as const)(
    'persist %p: in the middle of a refresh hands the answer on to the other tabs, and leaves nothing open either (G13)',
    async (store) => {
      const counts = await stage.play(async (profile) => {
        await profile.context.addInitScript(counting);
        const [leaving, staying] = await profile.tabs(2, { store });
        if (!leaving || !staying) throw new Error('Two tabs were asked for.');
        await profile.signIn([leaving, staying]);
        const { held } = await profile.holdRefresh(leaving);
        void leaving.call('refresh').catch(() => undefined);
        const request = await held;
        await leaving.call('dispose');
        await request.release();
        expect(await burst([staying], 2)).toEqual(Array(2).fill({ status: 200, subject: 'alice' }));
        await leaving.page.waitForFunction('open.channels === 0 && open.databases === 0', undefined, { polling: 5 });
      });
      expect(counts).toMatchObject({ refused: 0, reuses: 0 });
    },
  );
});
