/** When to look again: short steps, and at once when the page or the network comes back. */
import { startTimer } from './clock.js';
import type { Clock } from './types.js';

// A long timer stops with a sleeping machine and drifts in a hidden page.
const stepMs = 30_000;
const wakers = ['visibilitychange', 'pageshow', 'online', 'focus'];

export class Scheduler {
  readonly #clock: Clock;
  readonly #look: (online: boolean) => number;
  readonly #wake = (event?: Event): void => this.look(event?.type === 'online');
  #stopTimer: (() => void) | undefined;
  #listening = false;
  #looking = false;

  /** @param look does what is due, and tells in how many milliseconds something will be; `Infinity` for never */
  constructor(clock: Clock, look: (online: boolean) => number) {
    this.#clock = clock;
    this.#look = look;
  }

  look(online = false): void {
    // Whoever hears of what it does may bring tokens that are due again, and for ever; it asks anew.
    if (this.#looking) return;
    this.#looking = true;
    const nextMs = this.#look(online);
    this.#looking = false;
    const isNever = nextMs === Infinity;
    this.#stopTimer?.();
    this.#stopTimer = isNever
      ? undefined
      : startTimer(this.#clock, () => this.look(), Math.min(Math.max(nextMs, 50), stepMs));
    this.#listen(!isNever);
  }

  stop(): void {
    this.#stopTimer?.();
    this.#listen(false);
  }

  #listen(wanted: boolean): void {
    if (wanted === this.#listening) return;
    this.#listening = wanted;
    // A page's window; Node has no such events.
    if (typeof globalThis.addEventListener !== 'function') return;
    for (const name of wakers) {
      if (wanted) globalThis.addEventListener(name, this.#wake);
      else globalThis.removeEventListener(name, this.#wake);
    }
  }
}
