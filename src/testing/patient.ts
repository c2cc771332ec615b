/** A store as the rules use it: every step is bounded. */
import { field } from '../core/redact.js';
import type { TokenStore } from '../types.js';
import { inTime } from './rule.js';

const wait = 'A session gives up on the store and goes on in memory.';

/** `exclusive` lasts as long as its work, so the rules bound it themselves. */
export function patient(store: TokenStore, limitMs: number): TokenStore {
  const step = async <T>(name: string, act: () => T | Promise<T>): Promise<T> =>
    inTime((async () => act())(), limitMs, `${name}() to settle within ${limitMs} ms`, wait);
  // Called only where the store has them.
  const whole = store as Required<TokenStore>;
  const optional: Partial<TokenStore> = {
    replace: (expected, next) => step('replace', () => whole.replace(expected, next)),
    exclusive: (work, signal) => whole.exclusive(work, signal),
    subscribe: (changed) => whole.subscribe(changed),
    claim: (what) => step('claim', () => whole.claim(what)),
  };
  return {
    load: () => step('load', () => store.load()),
    save: (tokens) => step('save', () => store.save(tokens)),
    clear: () => step('clear', () => store.clear()),
    ...Object.fromEntries(Object.entries(optional).filter(([name]) => field(store, name) !== undefined)),
  };
}
