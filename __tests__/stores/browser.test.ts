/** The browser's store where there is no browser, and its options. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { browserStore } from '../../src/stores/browser/index.js';
import { stage } from '../support/stage.js';

describe('G26 on a server', () => {
  test.each(['indexeddb', 'memory', 'local', 'session'] as const)(
    'persist %p: a session in memory, which tells once of each thing that it lacks',
    async (persist) => {
      const s = stage(() => ({ store: browserStore({ persist }) }));
      await s.session.ready;
      await s.session.setTokens({ accessToken: s.issue(), refreshToken: 'first' });
      for (let round = 0; round < 3; round += 1) {
        await s.session.refresh();
        await s.api.instance.get('/orders');
      }
      expect(s.session.status).toBe('active');
      await s.session.signOut();
      const told = s.events.flatMap((event) =>
        event.type === 'store.failed' ? [[event.action, event.error.code]] : [],
      );
      const storage = persist === 'local' || persist === 'session' ? 'WEB_STORAGE' : 'INDEXED_DB';
      const lacks = [
        ['load', `${storage}_UNAVAILABLE`],
        ['exclusive', 'WEB_LOCKS_UNAVAILABLE'],
      ];
      expect(told).toEqual(persist === 'session' ? lacks.slice(0, 1) : lacks);
      s.session.dispose();
    },
  );

  test('stores of different requests share nothing', async () => {
    const [alice, bob] = [browserStore(), browserStore()];
    await expect(alice.save({ accessToken: 'of-alice' })).rejects.toMatchObject({ code: 'INDEXED_DB_UNAVAILABLE' });
    await expect(bob.load()).rejects.toMatchObject({ code: 'INDEXED_DB_UNAVAILABLE' });
    expect(await bob.load()).toBeUndefined();
    expect(await alice.load()).toEqual({ accessToken: 'of-alice' });
  });

  test.each([
    ['Node 20', ''],
    // Their locks and channels are those of the process: all its users would take turns, and a channel holds it.
    ['Deno, Node 24 and Bun', 'globalThis.self = globalThis; globalThis.navigator = { locks: { request: never } };'],
  ])(
    '%s: the import does nothing, no user waits for another, and no process is kept alive',
    async (_, surroundings) => {
      const script = `
      const never = () => new Promise(() => {});
      ${surroundings}
      const before = Object.keys(globalThis).length;
      const { browserStore } = await import('axios-token-refresh/browser');
      const { createTokenSession } = await import('axios-token-refresh');
      const session = createTokenSession({ refresh: () => 'token', store: browserStore() });
      await session.ready;
      console.log(await session.refresh(), Object.keys(globalThis).length - before);`;
      const options = { cwd: join(__dirname, '..', '..'), timeout: 10_000 };
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '--eval', script],
        options,
      );
      expect(stdout).toBe('token 0\n');
    },
  );
});

describe('the options', () => {
  test.each<[unknown, string]>([
    [null, 'The options of browserStore must be an object.'],
    ['session', 'The options of browserStore must be an object.'],
    [[], 'The options of browserStore must be an object.'],
    [{ keys: 'a' }, 'Unknown option "keys" of browserStore. Known: key, persist.'],
    [{ key: '' }, 'Option "key" of browserStore must be a text of 1 to 200 characters.'],
    [{ key: 5 }, 'Option "key" of browserStore must be a text of 1 to 200 characters.'],
    [{ key: 'x'.repeat(201) }, 'Option "key" of browserStore must be a text of 1 to 200 characters.'],
    [{ key: null }, 'Option "key" of browserStore must be a text of 1 to 200 characters.'],
    [
      { persist: 'localStorage' },
      `Option "persist" of browserStore must be 'indexeddb', 'memory', 'local' or 'session'.`,
    ],
    [{ persist: null }, `Option "persist" of browserStore must be 'indexeddb', 'memory', 'local' or 'session'.`],
  ])('%j: a TypeError that names what is wrong', (options, message) => {
    expect(() => browserStore(options as object)).toThrow(new TypeError(message));
  });

  test('none are required, and undefined counts as absent', () => {
    expect(() => browserStore()).not.toThrow();
    expect(() => browserStore({ key: undefined, persist: undefined } as object)).not.toThrow();
  });

  test('a tab alone shares nothing: its store has no more than load, save and clear', () => {
    expect(Object.keys(browserStore({ persist: 'session' })).sort()).toStrictEqual(['clear', 'load', 'save']);
  });
});
