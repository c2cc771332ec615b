/** The default store. */
import type { TokenSet, TokenStore } from '../types.js';

/**
 * Keeps the token set in memory: gone with the page or the process, and out of reach of anything that reads storage.
 *
 * @example
 * const session = createTokenSession({ refresh, store: memoryStore() });
 */
export function memoryStore(): TokenStore {
  let kept: TokenSet | undefined;
  return {
    load: () => kept,
    save: (tokens) => {
      kept = tokens;
    },
    clear: () => {
      kept = undefined;
    },
  };
}
