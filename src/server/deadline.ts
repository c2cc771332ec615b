/** Bounds every wait for a store or a limiter: one that hangs must not make requests hang. */
import type { AuditRecord } from './audit.js';
import { AuthError, type AuthErrorCode } from './refusal.js';
import type { RefreshStore } from './store.js';

/** What `work` of `whom` gives; an error of the code if that takes longer than `limitMs`. The work itself may still be done. */
export function bounded<T>(
  limitMs: number,
  whom: string,
  work: () => Promise<T>,
  code: AuthErrorCode = 'AUTH_UNAVAILABLE',
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void =>
      reject(new AuthError(code, { cause: new Error(`${whom} did not answer within ${limitMs} ms.`) }));
    const timer = setTimeout(giveUp, limitMs);
    new Promise<T>((settle) => settle(work())).then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * The same store, its waits bounded.
 *
 * @param tell told of what has been recorded, also where nobody waits for it any longer: a reuse must not go unnoticed
 */
export function withDeadline(store: RefreshStore, limitMs: number, tell: (record: AuditRecord) => void): RefreshStore {
  const within = <T>(work: () => Promise<T>): Promise<T> =>
    bounded(limitMs, 'The store', async () => {
      try {
        return await work();
      } catch (error) {
        // A store has no refusals to give: one that it hands on, from an endpoint behind it say, would end a session.
        throw error instanceof AuthError ? new Error('The store failed.', { cause: error }) : error;
      }
    });
  return {
    create: (family, token, record) =>
      within(async () => {
        await store.create(family, token, record);
        tell(record);
      }),
    find: (hash) => within(() => store.find(hash)),
    settle: (hash, now, decide) =>
      within(async () => {
        const verdict = await store.settle(hash, now, decide);
        if (verdict.record) tell(verdict.record);
        return verdict;
      }),
    revoke: (...all) => within(() => store.revoke(...all)),
    record: (record) => within(() => store.record(record)),
    auditTrail: (query) => within(() => store.auditTrail(query)),
    // Takes as long as it takes: no request waits for it.
    purge: (options) => store.purge(options),
  };
}
