/** Between a session and its store: one write after the other, and no fault of the store ever reaches the session. */
import { startTimer } from './clock.js';
import { describe, field } from './core/redact.js';
import { readTokens } from './core/tokens.js';
import type { Clock, TokenErrorCause, TokenSet, TokenStore } from './types.js';

export type StoreFault = (action: 'load' | 'save' | 'clear', error: TokenErrorCause) => void;

export class Persistence {
  readonly #store: TokenStore;
  readonly #failed: StoreFault;
  #written: Promise<void> = Promise.resolve();
  #stopLoading: (() => void) | undefined;

  constructor(store: TokenStore, failed: StoreFault) {
    this.#store = store;
    this.#failed = failed;
  }

  /** What the store holds: at once if it answers at once, else within `limitMs`. Never rejects. */
  load(clock: Clock, limitMs: number): TokenSet | undefined | Promise<TokenSet | undefined> {
    const fault = (error: unknown): TokenSet | undefined => {
      this.#failed('load', describe(error));
      return undefined;
    };
    const read = (stored: unknown): TokenSet | undefined => {
      if (stored === undefined || stored === null) return undefined;
      const reading = readTokens(stored);
      return 'tokens' in reading
        ? reading.tokens
        : fault(new RangeError(`The store holds no token set: ${reading.problem}`));
    };
    try {
      const loaded: unknown = this.#store.load();
      if (typeof field(loaded, 'then') !== 'function') return read(loaded);
      return new Promise((resolve, reject) => {
        const late = (): void => {
          reject(Object.assign(new Error(), { name: 'TimeoutError' }));
        };
        const stopTimer = startTimer(clock, late, limitMs);
        this.#stopLoading = () => {
          stopTimer();
          resolve(undefined);
        };
        Promise.resolve(loaded).then(resolve, reject).finally(stopTimer);
      })
        .then(read)
        .catch(fault);
    } catch (error) {
      fault(error);
      return;
    }
  }

  /** Waits no longer for what is being loaded. */
  stop(): void {
    this.#stopLoading?.();
  }

  /** Writes what `current` returns when its turn comes; nothing means that the store is emptied. Never rejects. */
  save(current: () => TokenSet | undefined): Promise<void> {
    this.#written = this.#written.then(async () => {
      const tokens = current();
      try {
        await (tokens ? this.#store.save(tokens) : this.#store.clear());
      } catch (error) {
        this.#failed(tokens ? 'save' : 'clear', describe(error));
      }
    });
    return this.#written;
  }
}
