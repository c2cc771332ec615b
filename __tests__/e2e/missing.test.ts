/** What a browser lacks or forbids is done without, and told once (G26). */
import { expect, test } from '@jest/globals';
import { describeInChromium } from './stage.js';
import { burst } from './tabs.js';

/** Takes something away before the page's own script runs. */
const without: readonly (readonly [what: string, script: string, faults: readonly (readonly [string, string])[]])[] = [
  ['no Web Locks', 'delete Navigator.prototype.locks', [['exclusive', 'WEB_LOCKS_UNAVAILABLE']]],
  [
    'Web Locks that are forbidden',
    'LockManager.prototype.request = () => Promise.reject(new DOMException("no", "SecurityError"))',
    [['exclusive', 'WEB_LOCKS_UNAVAILABLE']],
  ],
  ['no IndexedDB', 'delete window.indexedDB', [['load', 'INDEXED_DB_UNAVAILABLE']]],
  [
    'IndexedDB that throws',
    'IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError") }',
    [['load', 'INDEXED_DB_UNAVAILABLE']],
  ],
  [
    'IndexedDB that does not answer',
    'IDBFactory.prototype.open = () => new EventTarget()',
    [['load', 'INDEXED_DB_UNAVAILABLE']],
  ],
  ['no BroadcastChannel', 'delete window.BroadcastChannel', [['save', 'BROADCAST_CHANNEL_UNAVAILABLE']]],
  [
    'BroadcastChannel that is forbidden',
    'window.BroadcastChannel = function () { throw new DOMException("no", "SecurityError") }',
    [['save', 'BROADCAST_CHANNEL_UNAVAILABLE']],
  ],
  [
    'none of them',
    'delete Navigator.prototype.locks; delete window.indexedDB; delete window.BroadcastChannel',
    [
      ['load', 'INDEXED_DB_UNAVAILABLE'],
      ['exclusive', 'WEB_LOCKS_UNAVAILABLE'],
    ],
  ],
];

describeInChromium('G26 a browser with', (stage) => {
  test.each(without)(
    '%s: one refresh a time within the tab, and it is told once',
    async (_what, script, faults) => {
      const counts = await stage.play(async (profile) => {
        await profile.context.addInitScript(script);
        const tab = await profile.tab();
        for (let round = 0; round < 3; round += 1) {
          await profile.signIn([tab]);
          const answers = await burst([tab], 5);
          expect(answers).toEqual(answers.map(() => ({ status: 200, subject: 'alice' })));
        }
        expect((await tab.told('store.failed')).map(({ action, code }) => [action, code])).toEqual(faults);
        await tab.call('signOut');
        expect(await tab.call('status')).toBe('signed-out');
      });
      expect(counts).toEqual({ refreshes: 3, refused: 0, reuses: 0 });
    },
    120_000,
  );

  test('IndexedDB that does not answer is asked once, and used when it answers at last', async () => {
    await stage.play(async (profile) => {
      await profile.context.addInitScript(`
        window.asked = 0;
        const { open } = IDBFactory.prototype;
        IDBFactory.prototype.open = function (...given) {
          asked += 1;
          if (asked > 1) return open.apply(this, given);
          const request = new EventTarget();
          window.answer = () => {
            const real = open.apply(this, given);
            real.onupgradeneeded = () => { request.result = real.result; request.onupgradeneeded(); };
            real.onsuccess = () => { request.result = real.result; request.onsuccess(); };
          };
          return request;
        };`);
      const tab = await profile.tab();
      await profile.signIn([tab]);
      await burst([tab], 1);
      expect(await tab.page.evaluate('asked')).toBe(1);
      await tab.page.evaluate('answer()');
      await tab.page.waitForFunction(async () => (await indexedDB.databases()).length === 1);
      await tab.call('refresh');
      const token = await tab.call('token');
      expect(await tab.page.evaluate('asked')).toBe(2);
      expect(await tab.call('stored')).toContain(token);
    });
  });

  test('a database that opens again: what was kept in memory meanwhile is stored', async () => {
    await stage.play(async (profile) => {
      await profile.context.addInitScript(`
        const { open } = IDBFactory.prototype;
        IDBFactory.prototype.open = function (...given) {
          if (window.isBroken ?? true) throw new DOMException("no", "UnknownError");
          return open.apply(this, given);
        };`);
      const tab = await profile.tab();
      await profile.signIn([tab]);
      await burst([tab], 1);
      await tab.page.evaluate('isBroken = false');
      await tab.call('refresh');
      const token = await tab.call('token');
      expect(await tab.call('stored')).toContain(token);
      await tab.page.evaluate('isBroken = true; window.dispatchEvent(new Event("pagehide"))');
      await tab.call('refresh');
      expect((await tab.told('store.failed')).map(({ action }) => action)).toStrictEqual(['load', 'load']);
    });
  });
});
