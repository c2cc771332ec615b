/** The system's time, and timers that do not keep a process alive. */
import type { Instant } from './core/lifetime.js';
import type { Clock } from './types.js';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

export function instantOf(clock: Clock): Instant {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

// setTimeout counts in 32 bits; a longer delay would fire at once.
const longest = 2 ** 31 - 1;

/** Starts a timer and returns what stops it. Only a `held` one keeps a Node process alive. */
export function startTimer(clock: Clock, callback: () => void, delayMs: number, held = false): () => void {
  const handle = clock.setTimeout(callback, Math.min(Math.max(0, delayMs), longest));
  if (!held) (handle as { unref?: () => void } | undefined)?.unref?.();
  return () => clock.clearTimeout(handle);
}
