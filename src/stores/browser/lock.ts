/** Turns among the tabs of an origin, by Web Locks. */
import { Complaint, faultOf } from './fault.js';
import { isPage } from './wake.js';

/** Runs `work` in its turn. Never breaks into another's. */
export class Turns {
  readonly #name: string;
  readonly #complaint = new Complaint();

  constructor(name: string) {
    this.#name = name;
  }

  /** @throws when turns cannot be had; the next call runs `work` without one */
  async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let running: Promise<T> | undefined;
    const run = (): Promise<T> => (running ??= work());
    try {
      const done = await request(this.#name, signal, run);
      this.#complaint.settle();
      return done;
    } catch (error) {
      // What the work itself threw, or a turn that did not come in time.
      if (running || signal.aborted) throw error;
      this.#complaint.raise(faultOf('WEB_LOCKS_UNAVAILABLE', error));
      return run();
    }
  }
}

const lockMs = 1_500;
const settleMs = 100;

/** What was done with a storage. */
export interface Access<T> {
  readonly result: T;
  readonly hasWritten: boolean;
}

/**
 * Access to a storage that a tab may read stale right after another tab has written: one tab after the other, and a
 * writer stays a little longer. Without a lock, or when it does not come, access is had at once.
 */
export function settled<T>(name: string, access: () => Access<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let hasEntered = false;
    const enter = (): boolean => {
      hasEntered = true;
      try {
        const { result, hasWritten } = access();
        resolve(result);
        return hasWritten;
      } catch (error) {
        reject(error);
        return false;
      }
    };
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), lockMs);
    const turn = async (): Promise<void> => {
      clearTimeout(timer);
      if (enter()) await new Promise((settle) => setTimeout(settle, settleMs));
    };
    request(name, waiting.signal, turn).catch(() => {
      clearTimeout(timer);
      if (!hasEntered) enter();
    });
  });
}

async function request<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (!isPage()) throw new TypeError('There are no tabs here.');
  return await navigator.locks.request(name, { signal }, work);
}
