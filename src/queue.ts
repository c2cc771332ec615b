/** Those that wait for a token. Each one settles: released, out of time, or interrupted. */
import { startTimer } from './clock.js';
import type { Clock } from './types.js';

/** What ends a wait from the waiter's side. */
export interface Interruptible {
  /**
   * Calls `listener` when the waiter gives up by itself, or soon if it has done so already, with what it rejects with.
   * Never before it has returned what stops that.
   */
  interrupted(listener: (reason: unknown) => void): () => void;
}

/** How a wait ended. */
export interface Released {
  readonly outcome: 'sent' | 'rejected' | 'aborted';
  readonly durationMs: number;
}

interface Entry<W, T> {
  readonly waiter: W;
  readonly since: number;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  readonly left: (released: Released) => void;
  stop: () => void;
}

export class Queue<W extends Interruptible, T> {
  readonly #entries = new Set<Entry<W, T>>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Waits `limitMs`, and then for what `moreMs` allows, if it is above 0; at last takes `onTimeout`'s answer. The timer
   * holds the process: somebody waits for it. `left` hears of the end after the queue has shrunk.
   */
  join(
    waiter: W,
    limitMs: number,
    moreMs: () => number,
    onTimeout: () => T,
    left: (released: Released) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const entry = { waiter, since: this.#clock.monotonic(), resolve, reject, left, stop: (): void => undefined };
      const stopListening = waiter.interrupted((reason) => {
        this.#end(entry, 'aborted', () => reject(reason));
      });
      const timeUp = (): void => {
        const more = moreMs();
        if (more > 0) stopTimer = startTimer(this.#clock, timeUp, more, true);
        else this.#answer(entry, onTimeout);
      };
      let stopTimer = startTimer(this.#clock, timeUp, limitMs, true);
      entry.stop = () => {
        stopTimer();
        stopListening();
      };
      this.#entries.add(entry);
    });
  }

  /** Settles all that wait now, or those that `which` names, with what `verdict` returns or throws for each. */
  release(verdict: (waiter: W) => T, which: (waiter: W) => boolean = () => true): void {
    for (const entry of [...this.#entries]) {
      if (which(entry.waiter)) this.#answer(entry, () => verdict(entry.waiter));
    }
  }

  #answer(entry: Entry<W, T>, verdict: () => T): void {
    try {
      const value = verdict();
      this.#end(entry, 'sent', () => entry.resolve(value));
    } catch (error) {
      this.#end(entry, 'rejected', () => entry.reject(error));
    }
  }

  #end(entry: Entry<W, T>, outcome: Released['outcome'], settle: () => void): void {
    if (!this.#entries.delete(entry)) return;
    entry.stop();
    settle();
    entry.left({ outcome, durationMs: this.#clock.monotonic() - entry.since });
  }
}
