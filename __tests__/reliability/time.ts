/**
 * Time that passes in turns of the event loop, for servers and client alike: the package's own defaults fit into
 * seconds, and a busy machine makes a run longer, not its network slower.
 */
import type { Clock } from '../../src/index.js';

export const second = 1_000;
export const hour = 3_600 * second;
export const day = 24 * hour;

/** What passes in one turn, in milliseconds; a turn takes a millisecond outside, or longer. */
const stepMs = 20;

export class Ticker {
  readonly #due = new Map<number, Set<() => void>>();
  #turns = 0;
  #timer: ReturnType<typeof setTimeout>;

  constructor() {
    this.#timer = setTimeout(() => this.#turn(), 1);
  }

  get elapsedMs(): number {
    return this.#turns * stepMs;
  }

  /** Calls back after so many milliseconds, one turn at least. Returns what prevents it. */
  after(ms: number, callback: () => void): () => void {
    const turn = this.#turns + Math.max(1, Math.ceil(ms / stepMs));
    const together = this.#due.get(turn) ?? new Set();
    this.#due.set(turn, together);
    const call = (): void => callback();
    together.add(call);
    return () => together.delete(call);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #turn(): void {
    this.#timer = setTimeout(() => this.#turn(), 1);
    this.#turns += 1;
    for (const call of this.#due.get(this.#turns) ?? []) call();
    this.#due.delete(this.#turns);
  }
}

/** How far a client's wall clock is ahead of the servers', after so many milliseconds. */
export type ClockError = (elapsedMs: number) => number;

/** The time of one scenario. */
export interface Time {
  /** Milliseconds since its start. */
  elapsed(): number;
  /** The servers' wall clock, in milliseconds since the epoch. */
  now(): number;
  pause(ms: number): Promise<void>;
  /** A clock for the plugin. */
  clock(error: ClockError): Clock;
}

export function startTime(ticker: Ticker): Time {
  const start = ticker.elapsedMs;
  const epoch = Date.now();
  const elapsed = (): number => ticker.elapsedMs - start;
  const now = (): number => epoch + elapsed();
  return {
    elapsed,
    now,
    pause: (ms) => new Promise((resolve) => ticker.after(ms, resolve)),
    clock: (error) => ({
      now: () => now() + error(elapsed()),
      monotonic: elapsed,
      setTimeout: (callback, delayMs) => ticker.after(delayMs, callback),
      clearTimeout: (handle) => (handle as () => void)(),
    }),
  };
}
