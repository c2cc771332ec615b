/** The machine's two clocks, and the time that it really is: what the servers' clocks say. */
import type { FakeClock } from '../support/clock.js';

/** What fractions of a millisecond lose. */
export const noiseMs = 0.01;

export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

export class Time {
  readonly #clock: FakeClock;
  /** The machine's wall clock minus the real time. */
  #offsetMs = 0;
  /** How often the wall clock has been set, and how often it has leapt for whatever reason. */
  settings = 0;
  leaps = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get real(): number {
    return this.#clock.now() - this.#offsetMs;
  }

  get monotonic(): number {
    return this.#clock.monotonic();
  }

  /** Somebody sets the wall clock; no time passes. */
  set(ms: number): void {
    this.#offsetMs += ms;
    this.settings += 1;
    this.sleep(ms);
  }

  /** The machine sleeps: time passes, and the monotonic clock stands still. */
  sleep(ms: number): void {
    this.leaps += 1;
    this.#clock.jump(ms);
  }

  instant(): Instant {
    return { wall: this.#clock.now(), monotonic: this.monotonic };
  }

  /** What the machine can know to have passed: more than either of its clocks says it cannot. */
  since({ wall, monotonic }: Instant): number {
    return Math.max(this.#clock.now() - wall, this.monotonic - monotonic);
  }
}
