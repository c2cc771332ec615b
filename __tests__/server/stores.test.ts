/** What every store must hold to, whatever keeps its rows. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CamelCasePlugin, Kysely, ParseJSONResultsPlugin, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import { Client, Pool } from 'pg';
import {
  postgresRefreshStore,
  sqlRefreshStore,
  type AuditRecord,
  type Presented,
  type PurgeOptions,
  type RefreshStore,
  type StoredToken,
  type TokenFamily,
  type Verdict,
} from '../../src/server/index.js';
import { makeVersionTables } from '../../src/server/sql/migrate.js';
import { startPostgres, type Postgres } from './support/postgres.js';
import { describeWithPostgres } from './support/with-postgres.js';
import { inMemory, inPostgres, inSqlite, type Kept, type MakeStore } from './support/stores.js';

const t0 = Date.UTC(2026, 0, 5);
const day = 24 * 3_600_000;

let serial = 0;
const record = (change: Partial<AuditRecord> = {}): AuditRecord => ({
  id: randomUUID(),
  at: t0 + ++serial,
  event: 'issued',
  code: undefined,
  subject: 'ada',
  familyId: 'family',
  requestId: 'request',
  ip: '192.0.2.1',
  userAgent: 'test',
  ...change,
});

const familyOf = (id: string, change: Partial<TokenFamily> = {}): TokenFamily => ({
  id,
  subject: 'ada',
  context: { plan: 'pro', nested: { list: [1, null, 'ä'] } },
  claims: { scope: 'a b' },
  createdAt: t0,
  expiresAt: t0 + 7 * day,
  generation: 1,
  revokedAt: undefined,
  revokeReason: undefined,
  ...change,
});

const tokenOf = (familyId: string, hash: string, change: Partial<StoredToken> = {}): StoredToken => ({
  familyId,
  generation: 1,
  hash,
  issuedAt: t0,
  expiresAt: t0 + 7 * day,
  usedAt: undefined,
  sealedSuccessor: undefined,
  ...change,
});

const rotation = (hash: string, now = t0 + 1): Verdict => ({
  action: 'rotate',
  now,
  sealedSuccessor: `sealed ${hash}`,
  child: { hash, expiresAt: t0 + 7 * day },
  record: record({ event: 'refreshed' }),
});

/** A purge that leaves nothing. */
const everything: PurgeOptions = { now: t0 + 8 * day, batchSize: 10, auditBefore: t0 + day, sealedBefore: t0 + day };

function contract(make: MakeStore): void {
  let kept: Kept;
  beforeEach(async () => {
    kept = await make();
  });
  afterEach(() => kept.close());

  const begin = async (id: string, hash: string, change: Partial<TokenFamily> = {}): Promise<void> =>
    kept.store.create(familyOf(id, change), tokenOf(id, hash), record({ familyId: id }));

  test('finds a token by its hash, exactly, with its family as it was put in', async () => {
    await begin('a', 'Hash');
    expect(await kept.store.find('Hash')).toEqual({ family: familyOf('a'), token: tokenOf('a', 'Hash') });
    for (const other of ['hash', 'HASH', 'Hash ', 'Has', '']) expect(await kept.store.find(other)).toBeUndefined();
  });

  test('rotates: the parent is used, the child is new, the family is a generation older', async () => {
    await begin('a', 'one');
    await kept.store.settle('one', t0 + 1, () => rotation('two'));
    expect(await kept.store.find('one')).toMatchObject({
      family: { generation: 2 },
      token: { generation: 1, usedAt: t0 + 1, sealedSuccessor: 'sealed two' },
    });
    expect((await kept.store.find('two'))?.token).toEqual(tokenOf('a', 'two', { generation: 2, issuedAt: t0 + 1 }));
  });

  test('drops what was sealed for the parent once the child is used', async () => {
    await begin('a', 'one');
    await kept.store.settle('one', t0, () => rotation('two'));
    await kept.store.settle('two', t0, () => rotation('three'));
    expect((await kept.store.find('one'))?.token.sealedSuccessor).toBeUndefined();
    expect((await kept.store.find('two'))?.token.sealedSuccessor).toBe('sealed three');
  });

  test('shows each of many at once what the one before it did', async () => {
    await begin('a', 'one');
    const seen: (number | undefined)[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        kept.store.settle('one', t0, (presented: Presented | undefined): Verdict => {
          seen.push(presented?.token.usedAt);
          return presented?.token.usedAt === undefined ? rotation(`child ${index}`) : { action: 'keep' };
        }),
      ),
    );
    expect(seen).toStrictEqual([undefined, ...Array<number>(19).fill(t0 + 1)]);
  });

  test('revokes, and keeps the tokens: reuse must stay visible', async () => {
    await begin('a', 'one');
    const verdict = { action: 'revoke', now: t0 + 5, reason: 'reuse', record: record() } as const;
    await kept.store.settle('one', t0, () => verdict);
    expect((await kept.store.find('one'))?.family).toMatchObject({ revokedAt: t0 + 5, revokeReason: 'reuse' });
  });

  test('leaves everything as it was if the decision throws', async () => {
    await begin('a', 'one');
    const thrown = new Error('no');
    await expect(
      kept.store.settle('one', t0, () => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    expect(await kept.store.find('one')).toEqual({ family: familyOf('a'), token: tokenOf('a', 'one') });
    await kept.store.settle('one', t0, () => rotation('two'));
  });

  test('asks about a token that it does not have, too, and keeps the record', async () => {
    const seen: unknown[] = [];
    await kept.store.settle('none', t0, (presented) => {
      seen.push(presented);
      return { action: 'keep', record: record({ event: 'refused', familyId: 'x' }) };
    });
    expect(seen).toStrictEqual([undefined]);
    expect(await kept.store.auditTrail({ familyId: 'x' })).toHaveLength(1);
  });

  test('ends the sessions of a subject, each once', async () => {
    await begin('a', 'one');
    await begin('b', 'two');
    await begin('c', 'three', { subject: 'grace' });
    const ended = await kept.store.revoke({ subject: 'ada' }, t0 + 9);
    expect(ended.sort((a, b) => (a.id < b.id ? -1 : 1))).toStrictEqual([
      { id: 'a', subject: 'ada' },
      { id: 'b', subject: 'ada' },
    ]);
    expect((await kept.store.find('one'))?.family).toMatchObject({ revokedAt: t0 + 9, revokeReason: 'revoked' });
    expect(await kept.store.revoke({ subject: 'ada' }, t0 + 10)).toStrictEqual([]);
    expect(await kept.store.revoke({ familyId: 'c' }, t0 + 10)).toHaveLength(1);
  });

  test('does not end what is over', async () => {
    await begin('a', 'one', { expiresAt: t0 + 9 });
    await begin('b', 'two', { expiresAt: t0 + 10 });
    expect(await kept.store.revoke({ familyId: 'a' }, t0 + 9)).toStrictEqual([]);
    expect(await kept.store.revoke({ subject: 'ada' }, t0 + 9)).toStrictEqual([{ id: 'b', subject: 'ada' }]);
    expect((await kept.store.find('one'))?.family.revokedAt).toBeUndefined();
  });

  test('reads the audit trail by user, session and time, newest first', async () => {
    const [one, two, three] = [
      record({ subject: 'u' }),
      record({ subject: 'u' }),
      record({ subject: 'v', familyId: 'f' }),
    ];
    for (const each of [one, two, three]) await kept.store.record(each);
    expect(await kept.store.auditTrail({ subject: 'u' })).toStrictEqual([two, one]);
    expect(await kept.store.auditTrail({ subject: 'u', limit: 1 })).toStrictEqual([two]);
    expect(await kept.store.auditTrail({ familyId: 'f' })).toStrictEqual([three]);
    expect(await kept.store.auditTrail({ since: one.at, until: two.at })).toStrictEqual([one]);
    const unknown = record({
      subject: undefined,
      familyId: undefined,
      ip: undefined,
      userAgent: undefined,
      code: 'AUTH_TOKEN_INVALID',
    });
    await kept.store.record(unknown);
    expect(await kept.store.auditTrail({ since: unknown.at })).toStrictEqual([unknown]);
  });

  test('reads records of one moment by their ids, which rise', async () => {
    const ids = ['3', '1', '9', '4', '2'];
    for (const id of ids) await kept.store.record(record({ id: `${id} ${randomUUID()}`, at: t0, subject: 'u' }));
    for (const query of [{ subject: 'u' }, { since: t0, until: t0 + 1 }, { familyId: 'family', until: t0 + 1 }]) {
      const read = async (limit: number): Promise<string[]> =>
        (await kept.store.auditTrail({ ...query, limit })).map(({ id }) => id.slice(0, 1));
      expect(await read(9)).toStrictEqual(['9', '4', '3', '2', '1']);
      expect(await read(2)).toStrictEqual(['9', '4']);
    }
  });

  test('purges expired families and old records over many batches, and nothing else', async () => {
    for (let index = 0; index < 7; index += 1) await begin(`old${index}`, `old ${index}`, { expiresAt: t0 });
    await begin('new', 'new');
    await kept.store.record(record({ at: t0 - 91 * day, familyId: 'ancient' }));
    const before = await kept.store.auditTrail({ since: t0 });
    const purged = await kept.store.purge({ now: t0, batchSize: 2, auditBefore: t0 - 90 * day, sealedBefore: t0 });
    expect(purged).toEqual({ families: 7, auditRecords: 1 });
    expect(await kept.store.find('old 3')).toBeUndefined();
    expect(await kept.store.find('new')).toBeDefined();
    expect(await kept.store.auditTrail({ familyId: 'ancient' })).toStrictEqual([]);
    expect(await kept.store.auditTrail({ since: t0 })).toEqual(before);
  });

  test('purges what is sealed after its time, of sessions that live on', async () => {
    await begin('a', 'one');
    await kept.store.settle('one', t0, () => rotation('two', t0 + 10));
    const plan = { now: t0, batchSize: 10, auditBefore: 0 };
    await kept.store.purge({ ...plan, sealedBefore: t0 + 10 });
    expect((await kept.store.find('one'))?.token.sealedSuccessor).toBe('sealed two');
    await kept.store.purge({ ...plan, sealedBefore: t0 + 11 });
    expect((await kept.store.find('one'))?.token).toMatchObject({ usedAt: t0 + 10, sealedSuccessor: undefined });
    await kept.store.settle('two', t0, () => rotation('three'));
    expect((await kept.store.find('three'))?.family.generation).toBe(3);
  });
}

/** What only tables can promise. */
function tableContract(make: () => Promise<Kept>): void {
  let kept: Kept;
  beforeAll(async () => {
    kept = await make();
    await kept.store.create(familyOf('a'), tokenOf('a', 'one'), record());
    await kept.store.settle('one', t0, () => rotation('two'));
  });
  afterAll(() => kept.close());
  const run = (text: string): Promise<unknown> => {
    if (!kept.kysely) throw new Error('no tables');
    return sql.raw(text).execute(kept.kysely);
  };
  const token = (family: string, generation: number, hash: string): string =>
    `insert into refresh_tokens (family_id, generation, token_hash, issued_at, expires_at) values ('${family}', ${generation}, '${hash}', 0, 0)`;

  test('a second child is impossible, even for code that is wrong', async () => {
    await expect(run(token('a', 2, 'another'))).rejects.toThrow(/unique/i);
  });

  test('two tokens with one hash are impossible', async () => {
    await expect(run(token('a', 3, 'two'))).rejects.toThrow(/unique/i);
  });

  test('a token without a family is impossible', async () => {
    await expect(run(token('nobody', 1, 'orphan'))).rejects.toThrow(/foreign key/i);
  });

  test('migrations run again, by several servers at once, change nothing', async () => {
    const { store } = kept;
    if (!('migrate' in store)) throw new Error('no tables');
    const migrate = store.migrate as () => Promise<void>;
    await Promise.all([migrate(), migrate(), migrate()]);
    expect(await store.find('two')).toBeDefined();
  });

  test('a server starts on tables that a later version has brought up to date', async () => {
    const { store } = kept;
    if (!('migrate' in store)) throw new Error('no tables');
    await run(`insert into refresh_migrations (name, timestamp) values ('999-of-a-later-version', '2030')`);
    await (store.migrate as () => Promise<void>)();
    expect(await store.find('two')).toBeDefined();
  });

  test('several purges at once count what is deleted, each row once', async () => {
    for (let index = 0; index < 20; index += 1) {
      await kept.store.create(familyOf(`p${index}`, { expiresAt: t0 }), tokenOf(`p${index}`, `p ${index}`), record());
      await kept.store.record(record({ at: t0 - 91 * day }));
    }
    const plan = { now: t0, batchSize: 5, auditBefore: t0 - 90 * day, sealedBefore: t0 };
    const purges = await Promise.all([1, 2, 3, 4].map(() => kept.store.purge(plan)));
    expect(purges.reduce((sum, { families }) => sum + families, 0)).toBe(20);
    expect(purges.reduce((sum, { auditRecords }) => sum + auditRecords, 0)).toBe(20);
  });
}

describe('memoryRefreshStore', () => contract(inMemory));

describe('sqlRefreshStore over SQLite', () => {
  contract(inSqlite());
  describe('its tables', () => tableContract(inSqlite()));

  test('several servers that start at once on no file at all make its tables once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-sqlite-'));
    const open = inSqlite(join(folder, 'sessions.db'));
    const servers = await Promise.all([open(), open(), open(), open()]);
    await servers[0].store.create(familyOf('a'), tokenOf('a', 'one'), record());
    expect(await servers[3].store.find('one')).toBeDefined();
    await Promise.all(servers.map((server) => server.close()));
    rmSync(folder, { recursive: true });
  });

  describe('while another process holds the lock of the file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-sqlite-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const locked = async (): Promise<{ kept: Kept; other: Database.Database }> => {
      const path = join(folder, `${randomUUID()}.db`);
      const kept = await inSqlite(path)();
      await kept.store.create(familyOf('a'), tokenOf('a', 'one'), record());
      const other = new Database(path);
      other.exec('begin immediate');
      return { kept, other };
    };
    /** One of each that writes. */
    const writes: readonly ((kept: Kept) => Promise<unknown>)[] = [
      ({ store }) => store.create(familyOf('b'), tokenOf('b', 'of b'), record()),
      ({ store }) => store.settle('one', t0, () => rotation('two')),
      ({ store }) => store.record(record()),
      ({ store }) => store.revoke({ familyId: 'a' }, t0 + 2),
    ];

    test('writes wait, and nothing stands still meanwhile', async () => {
      const { kept, other } = await locked();
      const results = Promise.all(writes.map((write) => write(kept)));
      // Were the thread to wait, this would never be reached in time.
      await new Promise((resolve) => setTimeout(resolve, 60));
      other.exec('commit');
      await results;
      expect((await kept.store.find('one'))?.family).toMatchObject({ generation: 2, revokedAt: t0 + 2 });
      other.close();
      await kept.close();
    });

    test('a write that the tables refuse lets go of the lock', async () => {
      const { kept, other } = await locked();
      other.exec('rollback');
      const twice = record();
      await kept.store.record(twice);
      await expect(kept.store.record(twice)).rejects.toThrow(/unique/i);
      other.exec('begin immediate');
      other.close();
      await kept.store.record(record());
      await kept.close();
    });

    test('they give up after five seconds, each with nothing done, and the store is as good as before', async () => {
      const { kept, other } = await locked();
      const before = await kept.store.find('one');
      jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
      try {
        for (const write of writes) {
          const failed = expect(write(kept)).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
          await jest.advanceTimersByTimeAsync(5_000);
          await failed;
        }
      } finally {
        jest.useRealTimers();
      }
      other.exec('rollback');
      expect(await kept.store.find('one')).toEqual(before);
      for (const write of writes) await write(kept);
      other.close();
      await kept.close();
    }, 60_000);
  });

  test('a column that does not tell "A" from "a" lets no wrong token in', async () => {
    const kept = await inSqlite()();
    const { store, kysely } = kept;
    if (!kysely) throw new Error('no tables');
    const { rows } = await sql<{ sql: string }>`select sql from sqlite_master where name = 'refresh_tokens'`.execute(
      kysely,
    );
    await sql`drop table refresh_tokens`.execute(kysely);
    await sql
      .raw((rows[0]?.sql ?? '').replace('"token_hash" text', '"token_hash" text collate nocase'))
      .execute(kysely);
    await store.create(familyOf('a'), tokenOf('a', 'Hash'), record());
    expect(await store.find('Hash')).toBeDefined();
    expect(await store.find('hASH')).toBeUndefined();
    const seen: unknown[] = [];
    await store.settle('hASH', t0, (presented) => {
      seen.push(presented);
      return { action: 'keep' };
    });
    expect(seen).toStrictEqual([undefined]);
    await kept.close();
  });

  test.each([new CamelCasePlugin(), new ParseJSONResultsPlugin()])(
    'a plugin that changes rows on their way is told of at the start, not by every refresh',
    async (plugin) => {
      const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) });
      await expect(sqlRefreshStore(kysely.withPlugin(plugin)).migrate()).rejects.toThrow('kysely.withoutPlugins()');
      await kysely.destroy();
    },
  );

  test('a disk that is full is told as such, and what was begun is undone', async () => {
    const kept = await inSqlite()();
    const { kysely, store } = kept;
    if (!kysely) throw new Error('There is no Kysely.');
    await store.create(familyOf('a'), tokenOf('a', 'one'), record());
    await sql`pragma max_page_count = 1`.execute(kysely);
    const large = { context: { pad: 'x'.repeat(100_000) } };
    await expect(store.create(familyOf('b', large), tokenOf('b', 'two'), record())).rejects.toMatchObject({
      code: 'SQLITE_FULL',
    });
    await sql`pragma max_page_count = 10000`.execute(kysely);
    await store.create(familyOf('b', large), tokenOf('b', 'two'), record());
    await kept.close();
  });

  test('tables that were half made when a process died are made whole', async () => {
    const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) });
    const store = sqlRefreshStore(kysely);
    await store.migrate();
    for (const gone of ['table refresh_audit', 'index refresh_tokens_sealed'])
      await sql.raw(`drop ${gone}`).execute(kysely);
    await sql`delete from refresh_migrations`.execute(kysely);
    await store.migrate();
    await store.create(familyOf('a'), tokenOf('a', 'one'), record());
    await kysely.destroy();
  });

  test('a file outlives the process that wrote it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-sqlite-'));
    const first = await inSqlite(join(folder, 'sessions.db'))();
    await first.store.create(familyOf('a'), tokenOf('a', 'one'), record());
    await first.close();
    const second = await inSqlite(join(folder, 'sessions.db'))();
    expect(await second.store.find('one')).toBeDefined();
    await second.close();
    rmSync(folder, { recursive: true });
  });
});

describeWithPostgres('sqlRefreshStore over PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.close());
  const make = async (): Promise<Kept> => inPostgres(await postgres.database());

  contract(make);
  describe('its tables', () => tableContract(make));

  test('a connection is listened to once, however often it is used', async () => {
    const pool = new Pool({ connectionString: await postgres.database(), max: 1 });
    const store = await postgresRefreshStore(pool);
    const listeners: number[] = [];
    pool.on('acquire', (client) => listeners.push(client.listenerCount('error')));
    for (let time = 0; time < 3; time += 1) await store.find('none');
    await store.close();
    expect(new Set(listeners)).toHaveProperty('size', 1);
  });

  test.each<[string, change: string, work: (store: RefreshStore) => Promise<unknown>]>([
    ['revocation', 'refresh_families set last_presented_at = 1', (store) => store.revoke({ subject: 'ada' }, t0)],
    ['purge of families', 'refresh_families set last_presented_at = 1', (store) => store.purge(everything)],
    ['purge of records', 'refresh_audit set user_agent = null', (store) => store.purge(everything)],
    ['purge of what is sealed', 'refresh_tokens set issued_at = 1', (store) => store.purge(everything)],
  ])('a %s waits for others, even where the database’s default is a stricter isolation', async (_, change, work) => {
    const url = await postgres.database();
    const kept = await inPostgres(url);
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query(
      `alter database ${new URL(url).pathname.slice(1)} set default_transaction_isolation = 'serializable'`,
    );
    await kept.store.create(familyOf('a'), tokenOf('a', 'one'), record());
    await kept.store.settle('one', t0, () => rotation('two'));
    await kept.close();
    const strict = await inPostgres(url);
    await client.query('begin isolation level read committed');
    await client.query(`update ${change}`);
    const done = work(strict.store);
    const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while ((await client.query(waiting)).rowCount === 0) await new Promise((resolve) => setImmediate(resolve));
    await client.query('commit');
    await done;
    await client.end();
    await strict.close();
  });

  test('a schema has tables of its own, also where another one of the database has some', async () => {
    const url = await postgres.database();
    const client = new Client({ connectionString: url });
    await client.connect();
    for (const schema of ['one', 'two', 'three']) await client.query(`create schema ${schema}`);
    const pathed = (schema: string): string => `${url}?options=-c%20search_path%3D${schema}`;
    const first = await inPostgres(pathed('one'));
    await first.store.create(familyOf('a'), tokenOf('a', 'hash'), record());
    const seconds = await Promise.all([inPostgres(pathed('two')), inPostgres(pathed('two'))]);
    if (!first.kysely) throw new Error('There is no Kysely.');
    const third = sqlRefreshStore(first.kysely.withSchema('three'));
    await third.migrate();
    for (const store of [seconds[1].store, third]) {
      expect(await store.find('hash')).toBeUndefined();
      await store.create(familyOf('a'), tokenOf('a', 'hash'), record());
    }
    await Promise.all([first, ...seconds].map((kept) => kept.close()));
    await client.end();
  });

  test('a process that died while it made the tables of versions leaves a schema that can be brought up', async () => {
    const url = await postgres.database();
    const pathed = `${url}?options=-c%20search_path%3Dtwo`;
    const first = await inPostgres(url);
    if (!first.kysely) throw new Error('There is no Kysely.');
    await sql`create schema two`.execute(first.kysely);
    const dies = first.kysely.withSchema('two').withPlugin({
      transformQuery({ node }) {
        if (node.kind === 'CreateTableNode' && made++ === 1) throw new Error('killed');
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    let made = 0;
    await expect(makeVersionTables(dies)).rejects.toThrow('killed');
    const second = await inPostgres(pathed);
    await second.store.create(familyOf('a'), tokenOf('a', 'hash'), record());
    expect(await first.store.find('hash')).toBeUndefined();
    await Promise.all([first.close(), second.close()]);
  });

  test('several servers that start at once on an empty database make its tables once', async () => {
    const url = await postgres.database();
    const servers = await Promise.all([inPostgres(url), inPostgres(url), inPostgres(url)]);
    await servers[0].store.create(familyOf('a'), tokenOf('a', 'one'), record());
    expect(await servers[2].store.find('one')).toBeDefined();
    await Promise.all(servers.map((server) => server.close()));
  });
});
