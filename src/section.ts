/** A turn in a store's exclusive section: an optimisation, and no gate for what cannot wait. */
import { startTimer } from './clock.js';
import { late } from './deadline.js';
import type { Clock, TokenStore } from './types.js';

export interface Entry {
  readonly clock: Clock;
  /** Longest wait for the turn. */
  readonly limitMs: number;
  /** Aborted when the work is no longer wanted. */
  readonly signal: AbortSignal;
  /** The section failed, or the turn did not come. */
  failed(error: unknown): void;
  /** Throws if the work can wait until a section that fails gives turns again. */
  assertUrgent(): void;
}

/**
 * Runs `work` once: in the section, or outside of it when the store fails or the turn does not come in time. Rejects
 * without having run it if `signal` aborts first, or if it can wait.
 */
export async function runAlone<T>(store: TokenStore, work: () => Promise<T>, entry: Entry): Promise<T> {
  const { clock, limitMs, signal } = entry;
  const waiting = new AbortController();
  const overdue = late('The turn did not come in time.');
  const stopWaiting = (): void => waiting.abort(overdue);
  const stopTimer = startTimer(clock, stopWaiting, limitMs);
  signal.addEventListener('abort', stopWaiting);
  let running: Promise<T> | undefined;
  const enter = (): Promise<T> => {
    stopTimer();
    return (running ??= work());
  };
  try {
    await new Promise<unknown>((resolve, reject) => {
      waiting.signal.addEventListener('abort', () => {
        if (!running) reject(overdue);
      });
      // The end of the work is enough: the store may tell of it late, or never.
      const turn = (): Promise<T> => {
        const done = enter();
        done.then(resolve, reject);
        return done;
      };
      Promise.resolve(store.exclusive?.(turn, waiting.signal)).then(resolve, reject);
    });
  } catch (error) {
    if (!running && !signal.aborted) {
      entry.failed(error);
      if (error !== overdue) entry.assertUrgent();
    }
  } finally {
    stopTimer();
    signal.removeEventListener('abort', stopWaiting);
  }
  if (!running && signal.aborted) throw new Error('Nobody wants it any more.');
  return enter();
}
