/** Waits that end in time, whatever they are for. */
import { startTimer } from './clock.js';
import type { Clock } from './types.js';

// Neither DOMException nor AbortSignal's throwIfAborted() and reason: React Native has none of them.
export const late = (message: string, name = 'TimeoutError'): Error => Object.assign(new Error(message), { name });

/** Why a wait was given up. */
export const reasonOf = (signal: AbortSignal): unknown => signal.reason ?? late('The wait was aborted.', 'AbortError');

/** The store's answer, or a failure after `limitMs`. */
export function within<T>(clock: Clock, limitMs: number, given: T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timeUp = (): void => reject(late('The store did not answer in time.'));
    const stopTimer = startTimer(clock, timeUp, limitMs);
    Promise.resolve(given).then(resolve, reject).finally(stopTimer);
  });
}

/** Holds a Node process while somebody waits for what ends by itself, within `maxWaitMs`. */
export async function whileHeld(
  { clock, maxWaitMs }: { clock: Clock; maxWaitMs: number },
  done: Promise<void>,
): Promise<void> {
  const letGo = startTimer(clock, () => undefined, maxWaitMs, true);
  await done;
  letGo();
}
