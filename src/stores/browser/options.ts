/** Checks the options of the store. */
import { checked, type Rules } from '../../core/checks.js';

export interface BrowserStoreOptions {
  /**
   * Name of the session, the same in every tab; another for each application on one origin. 1 to 200 characters.
   * @default 'session'
   */
  readonly key?: string;
  /**
   * Where the tokens are, the same in every tab:
   * - `'indexeddb'`: on disk, for every script of the origin to read; the tabs share them.
   * - `'memory'`: in each tab's memory only; the tabs share the turns to refresh, and who is signed in. For sessions whose
   *   refresh credential is an HttpOnly cookie.
   * - `'local'`: in localStorage, as readable and without IndexedDB's transactions.
   * - `'session'`: in sessionStorage, for this tab alone; nothing is shared.
   * @default 'indexeddb'
   */
  readonly persist?: 'indexeddb' | 'memory' | 'local' | 'session';
}

const persisted = ['indexeddb', 'memory', 'local', 'session'];

const rules: Rules<BrowserStoreOptions> = {
  key: ['a text of 1 to 200 characters', (value) => typeof value === 'string' && value !== '' && value.length <= 200],
  persist: ["'indexeddb', 'memory', 'local' or 'session'", (value) => persisted.includes(value as string)],
};

/** @throws {TypeError} naming the option */
export function resolveOptions(given: BrowserStoreOptions): Required<BrowserStoreOptions> {
  const { key = 'session', persist = 'indexeddb' } = checked<BrowserStoreOptions>(given, rules, { of: 'browserStore' });
  return { key, persist };
}
