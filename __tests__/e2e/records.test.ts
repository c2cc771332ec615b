/** What else may lie under the key, and what becomes of it: ignored or migrated, told, never the end of a session. */
import { expect, test } from '@jest/globals';
import { describeInChromium, type Stage } from './stage.js';
import { burst, type Profile, type Tab } from './tabs.js';

/** Opens a page of the same origin without the app, and runs a script that has `put(record)` and `read()`. */
async function meddle(stage: Stage, profile: Profile, script: string): Promise<unknown> {
  const page = await profile.context.newPage();
  await page.goto(`${stage.site.url}/elsewhere`);
  const result: unknown = await page.evaluate(`(async () => {
    const answer = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const connect = (store = 'sessions', version = undefined) => {
      const opening = indexedDB.open('axios-token-refresh', version);
      opening.onupgradeneeded = () => opening.result.createObjectStore(store);
      return answer(opening);
    };
    const objects = async (mode) => (await connect()).transaction('sessions', mode).objectStore('sessions');
    const put = async (record) => answer((await objects('readwrite')).put(record, 'test'));
    const read = async () => answer((await objects('readonly')).get('test'));
    ${script}
  })()`);
  await page.close();
  return result;
}

const faultsOf = async (tab: Tab): Promise<unknown[]> =>
  (await tab.told('store.failed')).map(({ action, code, name }) => [action, code ?? name]);

async function expectWorking(profile: Profile, tab: Tab): Promise<void> {
  await profile.signIn([tab]);
  const answers = await burst([tab], 2);
  expect(answers).toEqual(answers.map(() => ({ status: 200, subject: 'alice' })));
}

describeInChromium('a record that is not ours', (stage) => {
  test.each([
    ['text', `'hello'`],
    ['an object', `{ hello: 'world' }`],
    ['a list', `[1, 2]`],
    ['a record without tokens', `{ v: 1, version: 3 }`],
    ['a record with broken tokens', `{ v: 1, version: 3, tokens: { accessToken: 5 } }`],
    ['a record without a version', `{ v: 1, tokens: null }`],
    ['a bare text for tokens', `{ v: 1, version: 3, tokens: 'abc' }`],
    ['a record of no version', `{ v: 'x', version: 3, tokens: null }`],
  ])('%s: told, and overwritten by a sign-in', async (_what, record) => {
    await stage.play(async (profile) => {
      await meddle(stage, profile, `await put(${record})`);
      const tab = await profile.tab();
      expect(await tab.call('status')).toBe('signed-out');
      await expectWorking(profile, tab);
      expect(await faultsOf(tab)).toStrictEqual([['load', 'RECORD_UNREADABLE']]);
      expect(await tab.call('stored')).toContain(await tab.call('token'));
    });
  });

  test('a token set as such is an older version: it is taken over', async () => {
    const { accessToken, refreshToken } = await stage.authorization.signIn('alice');
    await stage.play(async (profile) => {
      await meddle(stage, profile, `await put(${JSON.stringify({ accessToken, refreshToken })})`);
      const tab = await profile.tab();
      expect(await tab.call('token')).toBe(accessToken);
      await tab.call('refresh');
      expect(await tab.call('stored')).toContain('"v":1,"version":1');
      expect(await faultsOf(tab)).toStrictEqual([]);
    });
  });

  test('one that comes under a running session harms it not, and is overwritten by the next refresh', async () => {
    await stage.play(async (profile) => {
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      await meddle(stage, profile, `await put('garbage')`);
      await tab.page.evaluate(() => window.dispatchEvent(new Event('focus')));
      await tab.call('refresh');
      expect(await tab.call('status')).toBe('active');
      expect(await faultsOf(tab)).toStrictEqual([['load', 'RECORD_UNREADABLE']]);
      expect(await tab.call('stored')).toContain(await tab.call('token'));
    });
  });

  test('a newer one is left alone by a refresh, and overwritten by a sign-in', async () => {
    await stage.play(async (profile) => {
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      const newer = { v: 2, version: 9, secrets: [] };
      await meddle(stage, profile, `await put(${JSON.stringify(newer)})`);
      await tab.call('refresh');
      await tab.call('refresh');
      expect(await meddle(stage, profile, 'return read()')).toEqual(newer);
      expect(await faultsOf(tab)).toStrictEqual([['load', 'RECORD_NEWER']]);
      await expectWorking(profile, tab);
      expect(await meddle(stage, profile, 'return read()')).toMatchObject({ v: 1 });
    });
  });

  test('data that the browser has thrown away signs nobody out; the next refresh stores anew', async () => {
    await stage.play(async (profile) => {
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      await meddle(stage, profile, `await answer((await objects('readwrite')).clear())`);
      await tab.page.evaluate(() => window.dispatchEvent(new Event('focus')));
      await burst([tab], 1);
      expect(await tab.call('status')).toBe('active');
      await tab.call('refresh');
      expect(await tab.call('stored')).toContain(await tab.call('token'));
      expect(await faultsOf(tab)).toStrictEqual([]);
    });
  });

  test('G11, G26 a sign-in in a new tab moves the others, also when the user has cleared the stored data', async () => {
    await stage.play(async (profile) => {
      const [alice, bob] = [await stage.authorization.signIn('alice'), await stage.authorization.signIn('bob')];
      const tab = await profile.tab();
      await tab.call('signIn', { accessToken: alice.accessToken, refreshToken: alice.refreshToken });
      await meddle(stage, profile, `await answer((await objects('readwrite')).clear())`);
      const other = await profile.tab();
      expect(await other.call('status')).toBe('signed-out');
      await other.call('signIn', { accessToken: bob.accessToken, refreshToken: bob.refreshToken });
      await tab.until('generation', 2);
      expect(await tab.call('token')).toBe(bob.accessToken);
    });
  });

  test('a database that is deleted while it is open is let go, and made anew', async () => {
    await stage.play(async (profile) => {
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      await meddle(stage, profile, `await answer(indexedDB.deleteDatabase('axios-token-refresh'))`);
      await tab.call('refresh');
      expect(await tab.call('stored')).toContain(await tab.call('token'));
      expect(await faultsOf(tab)).toStrictEqual([]);
    });
  });

  test('a connection that the browser closes is opened again', async () => {
    await stage.play(async (profile) => {
      await profile.context.addInitScript(`
        window.connections = [];
        const { transaction } = IDBDatabase.prototype;
        IDBDatabase.prototype.transaction = function (...given) {
          connections.push(this);
          return transaction.apply(this, given);
        };`);
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      await tab.page.evaluate('for (const connection of connections) connection.close()');
      await tab.call('refresh');
      expect(await tab.call('stored')).toContain(await tab.call('token'));
      expect(await faultsOf(tab)).toStrictEqual([]);
    });
  });

  test.each(['garbage', '"text"', '{"v":1}', '[]', '5', '{"v":1,"version":-1,"tokens":null}'])(
    'in localStorage: %s is told, and overwritten by a sign-in',
    async (text) => {
      await stage.play(async (profile) => {
        await profile.context.addInitScript(`localStorage.test ??= ${JSON.stringify(text)}`);
        const tab = await profile.tab({ store: 'local' });
        await expectWorking(profile, tab);
        expect(await faultsOf(tab)).toStrictEqual([['load', 'RECORD_UNREADABLE']]);
        expect(await tab.page.evaluate('localStorage.test')).toContain(await tab.call('token'));
      });
    },
  );

  test('a database of that name that is somebody else’s is left to them', async () => {
    await stage.play(async (profile) => {
      await meddle(stage, profile, `(await connect('theirs', 7)).close()`);
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      await expectWorking(profile, tab);
      expect(await faultsOf(tab)).toStrictEqual([['load', 'NotFoundError']]);
    });
  });

  test('our database in a later version is used as long as it has our records', async () => {
    await stage.play(async (profile) => {
      await meddle(stage, profile, `(await connect('sessions', 7)).close()`);
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      expect(await faultsOf(tab)).toStrictEqual([]);
    });
  });

  test('a full disk: told, the newest tokens stay in use, and are stored when there is room', async () => {
    const counts = await stage.play(async (profile) => {
      await profile.context.addInitScript(`
        const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = function (...given) {
          if (window.isFull) throw new DOMException('no', 'QuotaExceededError');
          return put.apply(this, given);
        };`);
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      await tab.page.evaluate('isFull = true');
      await tab.call('refresh');
      await tab.call('refresh');
      const token = await tab.call('token');
      expect(await tab.call('stored')).not.toContain(token);
      await tab.page.evaluate('isFull = false; window.dispatchEvent(new Event("focus"))');
      while (!(await tab.call('stored')).includes(token)) await tab.page.waitForTimeout(10);
      expect(await tab.call('token')).toBe(token);
      await tab.call('refresh');
      expect(await faultsOf(tab)).toStrictEqual([['save', 'QuotaExceededError']]);
    });
    expect(counts.reuses).toBe(0);
  });
});

describeInChromium('messages', (stage) => {
  test('of unknown shape are ignored; others make the tab look', async () => {
    await stage.play(async (profile) => {
      await profile.context.addInitScript(`
        window.looks = 0;
        const { transaction } = IDBDatabase.prototype;
        IDBDatabase.prototype.transaction = function (...given) {
          looks += 1;
          return transaction.apply(this, given);
        };`);
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      const post = (messages: string): Promise<unknown> =>
        meddle(
          stage,
          profile,
          `const channel = new BroadcastChannel('axios-token-refresh:test');
           for (const message of ${messages}) channel.postMessage(message);
           await new Promise((resolve) => setTimeout(resolve, 100));`,
        );
      await tab.page.evaluate('looks = 0');
      await post(`[null, 5, 'x', {}, [], { v: 2, version: 9 }, { v: 1 }, { v: 1, version: 'x' }, new Map()]`);
      expect(await tab.page.evaluate('looks')).toBe(0);
      await post('[{ v: 1, version: 3 }]');
      await tab.page.waitForFunction('looks === 1');
      expect(await tab.call('status')).toBe('active');
      expect(await faultsOf(tab)).toStrictEqual([]);
    });
  });

  test('of ours carry a version and nothing else', async () => {
    await stage.play(async (profile) => {
      const page = await profile.context.newPage();
      await page.goto(`${stage.site.url}/elsewhere`);
      await page.evaluate(`heard = [];
        new BroadcastChannel('axios-token-refresh:test').onmessage = ({ data }) => heard.push(data)`);
      const tab = await profile.tab();
      await expectWorking(profile, tab);
      await tab.call('signOut');
      await page.waitForFunction('heard.length === 3');
      expect(await page.evaluate('heard')).toStrictEqual([1, 2, 3].map((version) => ({ v: 1, version })));
    });
  });
});
