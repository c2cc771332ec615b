/** Every query that the store makes is answered by an index, asked of the databases themselves. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CompiledQuery, Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import { Pool } from 'pg';
import { sqlRefreshStore, type AuditRecord, type SqlRefreshStore } from '../../src/server/index.js';
import { startPostgres, type Postgres } from './support/postgres.js';
import { describeWithPostgres } from './support/with-postgres.js';

const record: AuditRecord = {
  id: 'id',
  at: 1,
  event: 'issued',
  code: undefined,
  subject: 'ada',
  familyId: 'a',
  requestId: 'request',
  ip: undefined,
  userAgent: undefined,
};

let serial = 0;
const fresh = (): AuditRecord => ({ ...record, id: `id ${++serial}` });

/** Calls everything that a store can do. */
async function useAll(store: SqlRefreshStore): Promise<void> {
  const family = { subject: 'ada', context: {}, claims: {}, createdAt: 0, generation: 1 };
  const token = { generation: 1, issuedAt: 0, expiresAt: 9, usedAt: undefined, sealedSuccessor: undefined };
  const open = { revokedAt: undefined, revokeReason: undefined };
  await store.create({ ...family, ...open, id: 'a', expiresAt: 9 }, { ...token, familyId: 'a', hash: 'one' }, fresh());
  await store.find('one');
  const child = { hash: 'two', expiresAt: 9 };
  await store.settle('one', 1, () => ({ action: 'rotate', now: 1, sealedSuccessor: 's', child, record: fresh() }));
  await store.settle('two', 1, () => ({ action: 'revoke', now: 1, reason: 'reuse', record: fresh() }));
  await store.revoke({ subject: 'ada' }, 1);
  await store.revoke({ familyId: 'a' }, 1);
  await store.record(fresh());
  for (const whose of [{}, { subject: 'ada' }, { familyId: 'a' }])
    await store.auditTrail({ ...whose, since: 0, until: 5 });
  await store.purge({ now: 9, batchSize: 10, auditBefore: 9, sealedBefore: 9 });
}

/** The queries that read, change or delete rows, each once. */
async function queriesOf(make: (log: (query: CompiledQuery) => void) => Kysely<unknown>): Promise<CompiledQuery[]> {
  const seen = new Map<string, CompiledQuery>();
  let isOn = false;
  const kysely = make((query) => {
    if (isOn && /^(select|update|delete)/.test(query.sql)) seen.set(query.sql, query);
  });
  const store = sqlRefreshStore(kysely);
  await store.migrate();
  isOn = true;
  await useAll(store);
  await kysely.destroy();
  return [...seen.values()];
}

async function plansOf(
  database: Kysely<unknown>,
  explain: string,
  queries: readonly CompiledQuery[],
): Promise<Map<string, string>> {
  const plans = new Map<string, string>();
  for (const query of queries) {
    const { rows } = await database.executeQuery<Record<string, unknown>>(
      CompiledQuery.raw(`${explain} ${query.sql}`, [...query.parameters]),
    );
    plans.set(query.sql, rows.map((row) => String(row['detail'] ?? row['QUERY PLAN'])).join('\n'));
  }
  return plans;
}

const without = (plans: Map<string, string>, pattern: RegExp): string[] =>
  [...plans].filter(([, plan]) => pattern.test(plan)).map(([text, plan]) => `${text}\n${plan}`);

/** The plan that ends the sessions of a subject. */
const ofRevocation = (plans: Map<string, string>): string =>
  [...plans].find(([text]) => text.includes('"revoke_reason"') && text.includes('"subject" ='))?.[1] ?? '';

async function dropIndexesOfFamilies(database: Kysely<unknown>): Promise<void> {
  await sql`drop index refresh_families_subject`.execute(database);
  await sql`drop index refresh_families_expires_at`.execute(database);
}

describe('every query uses an index', () => {
  test('in SQLite', async () => {
    const make = (log: (query: CompiledQuery) => void): Kysely<unknown> =>
      new Kysely({
        dialect: new SqliteDialect({ database: new Database(':memory:') }),
        log: ({ query }) => log(query),
      });
    const queries = await queriesOf(make);
    expect(queries.length).toBeGreaterThan(15);
    // Records of one moment are put in order by themselves, which is no sorting of the table.
    const scans = /SCAN (?!CONSTANT)(?!\w+ USING)|TEMP B-TREE FOR (?!(LAST TERM|RIGHT PART) OF ORDER BY)/;
    const database = make(() => undefined);
    await sqlRefreshStore(database).migrate();
    // A scan in the order of an index, ended by a limit, is no scan of the table.
    const plans = await plansOf(database, 'explain query plan', queries);
    expect(without(plans, scans)).toStrictEqual([]);
    await database.destroy();

    expect(ofRevocation(plans)).toContain('refresh_families_subject');

    const poorer = make(() => undefined);
    await sqlRefreshStore(poorer).migrate();
    await dropIndexesOfFamilies(poorer);
    const worse = without(await plansOf(poorer, 'explain query plan', queries), scans);
    expect(worse).toContainEqual(expect.stringContaining('"subject" ='));
    await poorer.destroy();
  });

  describeWithPostgres('in PostgreSQL', () => {
    let postgres: Postgres;
    beforeAll(async () => {
      postgres = await startPostgres();
    });
    afterAll(() => postgres.close());

    test('even where its tables are small', async () => {
      const url = await postgres.database();
      const make = (log: (query: CompiledQuery) => void): Kysely<unknown> =>
        new Kysely({
          // Small tables are read whole: told not to, the planner shows whether it could do otherwise.
          dialect: new PostgresDialect({
            pool: new Pool({ connectionString: url, max: 1, options: '-c enable_seqscan=off' }),
          }),
          log: ({ query }) => log(query),
        });
      const queries = await queriesOf(make);
      expect(queries.length).toBeGreaterThan(15);
      const database = make(() => undefined);
      const plans = await plansOf(database, 'explain', queries);
      expect(without(plans, /Seq Scan|^\s*->\s+Sort/)).toStrictEqual([]);
      expect(ofRevocation(plans)).toContain('refresh_families_subject');
      await dropIndexesOfFamilies(database);
      const worse = without(await plansOf(database, 'explain', queries), /Seq Scan/);
      expect(worse).toContainEqual(expect.stringContaining('"subject" ='));
      await database.destroy();
    });
  });
});
