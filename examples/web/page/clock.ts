/** The clock that this page believes: the machine's, or one that is off. */
import type { Clock } from 'axios-token-refresh';

export interface AdjustableClock extends Clock {
  /** Puts the wall clock so many milliseconds ahead of the machine's; a negative number puts it behind. */
  skew(offsetMs: number): void;
}

export function createClock(): AdjustableClock {
  let offsetMs = 0;
  return {
    now: () => Date.now() + offsetMs,
    monotonic: () => performance.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as number),
    skew(next) {
      offsetMs = next;
    },
  };
}
