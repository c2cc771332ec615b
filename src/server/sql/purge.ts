/** Deletes what has expired, a few rows at a time: no long lock, no long transaction, no bloat at once. */
import type { DeleteResult, Kysely } from 'kysely';
import type { Purged, PurgeOptions } from '../store.js';
import { tokenOf, type Schema } from './schema.js';
import { transact } from './transact.js';

export async function purge(database: Kysely<Schema>, options: PurgeOptions): Promise<Purged> {
  await forgetSealed(database, options);
  const families = await inBatches(() => deleteFamilies(database, options));
  const auditRecords = await inBatches(() => deleteAudit(database, options));
  return { families, auditRecords };
}

async function inBatches(deleteSome: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let count = await deleteSome(); count > 0; count = await deleteSome()) total += count;
  return total;
}

async function deleteFamilies(database: Kysely<Schema>, { now, batchSize }: PurgeOptions): Promise<number> {
  const expired = await database
    .selectFrom('refresh_families')
    .select('id')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(batchSize)
    .execute();
  if (expired.length === 0) return 0;
  const ids = expired.map(({ id }) => id);
  return transact(database, async (transaction) => {
    // By hand, although the foreign key would do it: SQLite enforces those only where a connection asks for it.
    await transaction.deleteFrom('refresh_tokens').where('family_id', 'in', ids).execute();
    return deletedBy(await transaction.deleteFrom('refresh_families').where('id', 'in', ids).executeTakeFirst());
  });
}

async function deleteAudit(database: Kysely<Schema>, { auditBefore, batchSize }: PurgeOptions): Promise<number> {
  const old = await database
    .selectFrom('refresh_audit')
    .select('id')
    .where('at', '<', auditBefore)
    .orderBy('at')
    .limit(batchSize)
    .execute();
  if (old.length === 0) return 0;
  const ids = old.map(({ id }) => id);
  return transact(database, async (transaction) =>
    deletedBy(await transaction.deleteFrom('refresh_audit').where('id', 'in', ids).executeTakeFirst()),
  );
}

/** Fewer than were found, if another server purges too: each counts its own, and the last one goes on. */
const deletedBy = ({ numDeletedRows }: DeleteResult): number => Number(numDeletedRows);

/** Successors that can no longer be asked for: those of sessions that were left after a refresh. */
async function forgetSealed(database: Kysely<Schema>, { sealedBefore, batchSize }: PurgeOptions): Promise<void> {
  await inBatches(async () => {
    const stale = await database
      .selectFrom('refresh_tokens')
      .selectAll()
      .where('sealed_successor', 'is not', null)
      .where('used_at', '<', sealedBefore)
      .orderBy('used_at')
      .limit(batchSize)
      .execute();
    // One by one: two purges that lock the same rows in another order would wait for each other.
    for (const { familyId, generation } of stale.map(tokenOf))
      await transact(database, (transaction) =>
        transaction
          .updateTable('refresh_tokens')
          .set({ sealed_successor: null })
          .where('family_id', '=', familyId)
          .where('generation', '=', generation)
          .execute(),
      );
    return stale.length;
  });
}
