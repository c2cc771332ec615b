/** Word of what other holders write, from a store that may begin and end it in its own way. */
import { field } from './core/redact.js';
import type { TokenStore } from './types.js';

/** Listens from now on. Returns what ends that, at once or as soon as the store has told how. `failed` hears of faults. */
export function listen(store: TokenStore, changed: () => void, failed: (error: unknown) => void): () => void {
  let end: unknown;
  let isOver = false;
  // In plain JavaScript, and at the end in TypeScript as well, the store's functions may be asynchronous.
  const call = (act: () => unknown, done: (result: unknown) => void): void => {
    try {
      const result = act();
      if (typeof field(result, 'then') === 'function') Promise.resolve(result).then(done, failed);
      else done(result);
    } catch (error) {
      failed(error);
    }
  };
  const finish = (): void => {
    if (typeof end === 'function') call(end as () => unknown, () => undefined);
  };
  call(
    () => store.subscribe?.(changed),
    (given) => {
      end = given;
      if (isOver) finish();
    },
  );
  return () => {
    isOver = true;
    finish();
  };
}
