/** Token families in SQLite or PostgreSQL, by Kysely. */
import type { Kysely, Transaction } from 'kysely';
import type { RefreshStore, Verdict } from '../store.js';
import type { AuditQuery } from '../audit.js';
import { sameHash } from '../secrets.js';
import { migrate } from './migrate.js';
import { purge } from './purge.js';
import { auditOf, auditRow, familyRow, presentedOf, tokenRow, type Schema } from './schema.js';
import { transact } from './transact.js';

export interface SqlRefreshStore extends RefreshStore {
  /**
   * Brings the tables to this version of the package. Safe to call at every start, and by several servers at once.
   * Tables of a later version stay as they are.
   *
   * @throws {TypeError} if a plugin of the Kysely changes rows on their way: their names, or texts that hold JSON
   */
  migrate(): Promise<void>;
}

/**
 * A store over a Kysely of yours: SQLite or PostgreSQL. It uses the tables `refresh_families`, `refresh_tokens` and
 * `refresh_audit`, and two of Kysely's own for the versions of the schema.
 *
 * @example
 * import { Kysely, PostgresDialect } from 'kysely';
 * import { Pool } from 'pg';
 * import { sqlRefreshStore } from 'axios-token-refresh/server';
 *
 * const pool = new Pool({ connectionString: process.env['DATABASE_URL'] });
 * const store = sqlRefreshStore(new Kysely({ dialect: new PostgresDialect({ pool }) }));
 * await store.migrate();
 */
export function sqlRefreshStore<Database>(kysely: Kysely<Database>): SqlRefreshStore {
  const database = kysely as unknown as Kysely<Schema>;

  return {
    migrate: () => migrate(database),

    async create(family, token, record) {
      await transact(database, async (transaction) => {
        await transaction.insertInto('refresh_families').values(familyRow(family)).execute();
        await transaction.insertInto('refresh_tokens').values(tokenRow(token)).execute();
        await transaction.insertInto('refresh_audit').values(auditRow(record)).execute();
      });
    },

    async find(hash) {
      const row = await tokenAndNewest(database, hash)
        .innerJoin('refresh_families as family', 'family.id', 'token.family_id')
        .selectAll('family')
        .select('token.expires_at as token_expires_at')
        .executeTakeFirst();
      return row && sameHash(row.token_hash, hash)
        ? presentedOf(row, { ...row, expires_at: row.token_expires_at })
        : undefined;
    },

    settle: (hash, now, decide) =>
      transact(database, async (transaction) => {
        // The lock is a write, and the first statement: a row lock in PostgreSQL, the write lock in SQLite. What is
        // read after it cannot be changed by another refresh, sign-out or revocation of this family.
        const family = await transaction
          .updateTable('refresh_families')
          .set({ last_presented_at: now })
          .where('id', '=', (query) =>
            query.selectFrom('refresh_tokens').select('family_id').where('token_hash', '=', hash),
          )
          .returningAll()
          .executeTakeFirst();
        const token = family && (await tokenAndNewest(transaction, hash).executeTakeFirst());
        const presented = token && sameHash(token.token_hash, hash) ? presentedOf(family, token) : undefined;
        const verdict = decide(presented);
        if (presented) await act(transaction, verdict, presented.family.id, presented.token.generation);
        if (verdict.record) await transaction.insertInto('refresh_audit').values(auditRow(verdict.record)).execute();
        return verdict;
      }),

    revoke: (whose, now) =>
      transact(database, (transaction) => {
        const update = transaction
          .updateTable('refresh_families')
          .set({ revoked_at: now, revoke_reason: 'revoked' })
          .where('revoked_at', 'is', null)
          .where('expires_at', '>', now);
        const meant =
          'familyId' in whose ? update.where('id', '=', whose.familyId) : update.where('subject', '=', whose.subject);
        return meant.returning(['id', 'subject']).execute();
      }),

    async record(record) {
      await database.insertInto('refresh_audit').values(auditRow(record)).execute();
    },

    async auditTrail({ subject, familyId, since, until, limit = 100 }: AuditQuery) {
      let query = database
        .selectFrom('refresh_audit')
        .selectAll()
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit);
      if (subject !== undefined) query = query.where('subject', '=', subject);
      if (familyId !== undefined) query = query.where('family_id', '=', familyId);
      if (since !== undefined) query = query.where('at', '>=', since);
      if (until !== undefined) query = query.where('at', '<', until);
      return (await query.execute()).map(auditOf);
    },

    purge: (options) => purge(database, options),
  };
}

/** The token with a hash, and the generation of the newest one of its family. */
function tokenAndNewest(database: Kysely<Schema>, hash: string) {
  return database
    .selectFrom('refresh_tokens as token')
    .select(['token.family_id', 'token.generation', 'token.token_hash', 'token.issued_at', 'token.expires_at'])
    .select(['token.used_at', 'token.sealed_successor'])
    .select((token) =>
      token
        .selectFrom('refresh_tokens as kin')
        .select((kin) => kin.fn.max('kin.generation').as('newest'))
        .whereRef('kin.family_id', '=', 'token.family_id')
        .as('newest'),
    )
    .where('token.token_hash', '=', hash);
}

async function act(
  transaction: Transaction<Schema>,
  verdict: Verdict,
  familyId: string,
  generation: number,
): Promise<void> {
  if (verdict.action === 'keep') return;
  if (verdict.action === 'revoke') {
    await transaction
      .updateTable('refresh_families')
      .set({ revoked_at: verdict.now, revoke_reason: verdict.reason })
      .where('id', '=', familyId)
      .execute();
    return;
  }
  const { now, child, sealedSuccessor } = verdict;
  await transaction
    .updateTable('refresh_tokens')
    .set((token) => ({
      used_at: token.case().when('generation', '=', generation).then(now).else(token.ref('used_at')).end(),
      // The parent's own parent cannot be asked for its successor any longer.
      sealed_successor: token.case().when('generation', '=', generation).then(sealedSuccessor).else(null).end(),
    }))
    .where('family_id', '=', familyId)
    .where('generation', 'in', [generation - 1, generation])
    .execute();
  const blank = { usedAt: undefined, sealedSuccessor: undefined };
  const row = tokenRow({ ...child, ...blank, familyId, generation: generation + 1, issuedAt: now });
  await transaction.insertInto('refresh_tokens').values(row).execute();
}
