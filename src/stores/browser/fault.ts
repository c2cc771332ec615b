/** What a page's store complains of. The codes reach the listeners of `store.failed`. */
import { field } from '../../core/redact.js';

/**
 * - `INDEXED_DB_UNAVAILABLE`, `WEB_STORAGE_UNAVAILABLE`: missing, forbidden or not answering; tokens stay in memory.
 * - `WEB_LOCKS_UNAVAILABLE`: tabs may refresh at the same time.
 * - `BROADCAST_CHANNEL_UNAVAILABLE`: other tabs hear of a change only when they next read the store.
 * - `RECORD_UNREADABLE`: something else lies under the key; it is overwritten by the next tokens.
 * - `RECORD_NEWER`: a newer release of this package has written it; only a sign-in or a sign-out overwrites it.
 */
export type BrowserStoreFault =
  | 'INDEXED_DB_UNAVAILABLE'
  | 'WEB_STORAGE_UNAVAILABLE'
  | 'WEB_LOCKS_UNAVAILABLE'
  | 'BROADCAST_CHANNEL_UNAVAILABLE'
  | 'RECORD_UNREADABLE'
  | 'RECORD_NEWER';

export function faultOf(code: BrowserStoreFault, cause?: unknown): Error {
  return Object.assign(new Error(`Browser store: ${code}`, { cause }), { code });
}

/** Passes a fault on when it begins, not as long as it lasts. */
export class Complaint {
  #last: string | undefined;

  /** @throws `error`, unless it was the last one too */
  raise(error: unknown): void {
    const now = `${String(field(error, 'name'))} ${String(field(error, 'code'))}`;
    if (now === this.#last) return;
    this.#last = now;
    throw error;
  }

  settle(): void {
    this.#last = undefined;
  }
}
