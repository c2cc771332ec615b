/** Bounds every wait for a store or a limiter: one that hangs must not make requests hang. */
import { AuthError } from './refusal.js';
import type { RefreshStore } from './store.js';

/** What `work` gives; `AUTH_UNAVAILABLE` if that takes longer than `limitMs`. The work itself may still be done. */
export function bounded<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new AuthError('AUTH_UNAVAILABLE', { retryAfterMs: 1_000 }));
    const timer = setTimeout(giveUp, limitMs);
    new Promise<T>((settle) => settle(work())).then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The same store, its waits bounded. */
export function withDeadline(store: RefreshStore, limitMs: number): RefreshStore {
  const within = <T>(work: () => Promise<T>): Promise<T> => bounded(limitMs, work);
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
