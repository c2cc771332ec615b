/** Turns: a lease with an owner, extended while its work goes on, and gone soon after a holder that has died. */
import { randomUUID } from 'node:crypto';
import type { Connection } from './connection.js';
import type { ResolvedOptions } from './options.js';
import type { Place } from './place.js';
import { acquireScript, extendScript, releaseScript } from './scripts.js';
import { every, pause, unlessAborted } from './time.js';

// Jittered, so that those who wait do not ask in step.
const lookMs = { least: 20, most: 60 };

export class Lease {
  readonly #connection: Connection;
  readonly #options: ResolvedOptions;
  readonly #place: Place;

  constructor(connection: Connection, options: ResolvedOptions, place: Place) {
    this.#connection = connection;
    this.#options = options;
    this.#place = place;
  }

  /** Runs `work` in its turn. Rejects without it if `signal` aborts first, or Redis is away. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const owner = randomUUID();
    await this.#acquire(owner, signal);
    const stopExtending = this.#keepExtending(owner);
    try {
      return await work();
    } finally {
      stopExtending();
      await this.#release(owner);
    }
  }

  async #acquire(owner: string, signal: AbortSignal): Promise<void> {
    const { key, leaseKey, leaseMs } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      const values = [owner, String(leaseMs), String(this.#place.order)];
      const asked = this.#connection.run(acquireScript, [key, leaseKey], values);
      try {
        // Clients can be told to give strings as bytes.
        const answer = String(await unlessAborted(asked, signal));
        if (answer === 'mine') return;
        // Puts the record back, and keeps the lease for whoever had it.
        if (answer === 'lost') await unlessAborted(this.#place.load(), signal);
        const waitMs = lookMs.least + Math.random() * (lookMs.most - lookMs.least);
        await pause(waitMs);
      } catch (error) {
        // It may be given after all, also where the answer has not come in time.
        void asked.catch(() => undefined).then(() => this.#release(owner));
        throw error;
      }
    }
  }

  #keepExtending(owner: string): () => void {
    const { leaseKey, leaseMs } = this.#options;
    const extend = (): void => {
      // One that has passed to somebody else cannot be had back; the work goes on all the same.
      this.#connection.run(extendScript, [leaseKey], [owner, String(leaseMs)]).catch(() => undefined);
    };
    const stopTimer = every(leaseMs / 3, extend);
    // A Redis that was started anew may have forgotten it.
    const stopListening = this.#connection.whenReady(extend);
    return () => {
      stopTimer();
      stopListening();
    };
  }

  /** Never rejects: a lease that cannot be released ends by itself. */
  async #release(owner: string): Promise<void> {
    await this.#connection.run(releaseScript, [this.#options.leaseKey], [owner]).catch(() => undefined);
  }
}
