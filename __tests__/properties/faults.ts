/** What has been found wrong in one schedule, and when. */
import type { Time } from './time.js';
import { second } from './world.js';

export class Faults {
  readonly list: string[] = [];
  readonly #time: Time;

  constructor(time: Time) {
    this.#time = time;
  }

  expect(holds: boolean, fault: string): void {
    if (!holds) this.list.push(`${fault} (after ${String(Math.round(this.#time.monotonic) / second)} s)`);
  }
}
