/** Bounds every wait for a store: one that hangs must not make requests hang. */
import { AuthError } from './refusal.js';
import type { RefreshStore } from './store.js';

/** The same store; what takes longer than `limitMs` rejects with `AUTH_UNAVAILABLE`. The work itself may still be done. */
export function withDeadline(store: RefreshStore, limitMs: number): RefreshStore {
  const within = <T>(work: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const giveUp = (): void => reject(new AuthError('AUTH_UNAVAILABLE', { retryAfterMs: 1_000 }));
      const timer = setTimeout(giveUp, limitMs);
      work()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  return {
    create: (...all) => within(() => store.create(...all)),
    find: (hash) => within(() => store.find(hash)),
    settle: (hash, now, decide) => within(() => store.settle(hash, now, decide)),
    revoke: (...all) => within(() => store.revoke(...all)),
    record: (record) => within(() => store.record(record)),
    auditTrail: (query) => within(() => store.auditTrail(query)),
    // Takes as long as it takes: no request waits for it.
    purge: (options) => store.purge(options),
  };
}
