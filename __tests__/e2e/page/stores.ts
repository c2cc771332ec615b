/** The stores that the tests compare: ours, ours with a part taken away, and one as it is often written. */
import { browserStore } from 'axios-token-refresh/browser';
import type { TokenSet, TokenStore } from 'axios-token-refresh';

export type StoreName = 'indexeddb' | 'memory' | 'local' | 'session' | 'without a lock' | 'naive';

export const stores: Readonly<Record<StoreName, (key: string) => TokenStore>> = {
  indexeddb: (key) => browserStore({ key }),
  memory: (key) => browserStore({ key, persist: 'memory' }),
  local: (key) => browserStore({ key, persist: 'local' }),
  session: (key) => browserStore({ key, persist: 'session' }),
  'without a lock': (key) => {
    const store = browserStore({ key });
    delete store.exclusive;
    return store;
  },
  naive,
};

/** A lock around localStorage. */
function naive(key: string): TokenStore {
  const read = (): TokenSet | undefined => {
    const text = localStorage.getItem(key);
    return text === null ? undefined : (JSON.parse(text) as TokenSet);
  };
  const write = (tokens: TokenSet | undefined): void => {
    if (tokens) localStorage.setItem(key, JSON.stringify(tokens));
    else localStorage.removeItem(key);
  };
  return {
    load: async () => read(),
    save: async (tokens) => write(tokens),
    clear: async () => write(undefined),
    replace: async (_expected, next) => {
      write(next);
      return true;
    },
    exclusive: async (work, signal) => await navigator.locks.request(key, { signal }, work),
    subscribe: (changed) => {
      const heard = (event: StorageEvent): void => {
        if (event.key === key) changed();
      };
      addEventListener('storage', heard);
      return () => removeEventListener('storage', heard);
    },
  };
}
