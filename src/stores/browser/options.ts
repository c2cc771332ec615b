/** Checks the options of the store. */

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

const expected: Record<keyof BrowserStoreOptions, readonly [words: string, fits: (value: unknown) => boolean]> = {
  key: ['a text of 1 to 200 characters', (value) => typeof value === 'string' && value !== '' && value.length <= 200],
  persist: [
    "'indexeddb', 'memory', 'local' or 'session'",
    (value) => ['indexeddb', 'memory', 'local', 'session'].includes(value as string),
  ],
};

/** @throws {TypeError} naming the option */
export function resolveOptions(given: BrowserStoreOptions): Required<BrowserStoreOptions> {
  if (typeof given !== 'object' || (given as unknown) === null || Array.isArray(given)) {
    throw new TypeError('The options must be an object.');
  }
  const resolved = { key: 'session', persist: 'indexeddb' as const };
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (!Object.hasOwn(expected, name)) {
      throw new TypeError(`Unknown option "${name}". Known: ${Object.keys(expected).join(', ')}.`);
    }
    if (value === undefined) continue;
    const [words, fits] = expected[name as keyof BrowserStoreOptions];
    if (!fits(value)) throw new TypeError(`Option "${name}" must be ${words}.`);
    Object.assign(resolved, { [name]: value });
  }
  return resolved;
}
