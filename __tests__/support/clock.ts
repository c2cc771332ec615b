/** Time that passes only when a test says so. */
import { setImmediate } from 'node:timers';
import type { Clock } from '../../src/types.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
  ref: boolean;
}

export interface FakeClock extends Clock {
  /** Lets `ms` pass on both clocks, firing timers in order and letting promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as an administrator or a time server does. */
  jump(ms: number): void;
  /** Timers that have not fired, and those of them that would keep a process alive. */
  readonly pending: number;
  readonly holding: number;
}

/** Lets everything that is already decided happen: promises, streams, loopback callbacks of the same tick. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let monotonic = 1_000;
  let wall = start;
  const timers = new Set<Timer>();

  const next = (until: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer;
    return first;
  };

  return {
    now: () => wall,
    monotonic: () => monotonic,
    setTimeout(callback, delayMs) {
      const timer: Timer = { at: monotonic + Math.max(0, delayMs), callback, ref: true };
      timers.add(timer);
      return Object.assign(timer, {
        unref: () => {
          timer.ref = false;
        },
      });
    },
    clearTimeout(handle) {
      timers.delete(handle as Timer);
    },
    async advance(ms) {
      const until = monotonic + ms;
      await settle();
      for (let timer = next(until); timer; timer = next(until)) {
        const step = Math.max(0, timer.at - monotonic);
        monotonic += step;
        wall += step;
        timers.delete(timer);
        timer.callback();
        await settle();
      }
      wall += until - monotonic;
      monotonic = until;
      await settle();
    },
    jump(ms) {
      wall += ms;
    },
    get pending() {
      return timers.size;
    },
    get holding() {
      return [...timers].filter((timer) => timer.ref).length;
    },
  };
}
