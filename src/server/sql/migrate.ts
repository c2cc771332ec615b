/** Brings the tables to this version of the package, however many servers start at once. */
import type { Kysely, Migrator } from 'kysely';
import { field } from '../../core/redact.js';
import { loadKysely } from './kysely.js';
import { migrations } from './migrations.js';
import type { Schema } from './schema.js';

type Database = Kysely<Schema>;

const attempts = 5;
const versions = 'refresh_migrations';
const lock = 'refresh_migrations_lock';
/** In PostgreSQL. */
const noSuchTable = '42P01';

export async function migrate(database: Database): Promise<void> {
  const { Migrator, sql } = await loadKysely();
  const { rows } = await sql<{ readonly two_words: string }>`select '{}' as two_words`.execute(database);
  if (rows[0]?.two_words !== '{}')
    throw new TypeError('sqlRefreshStore: a plugin changes rows on their way. Hand over kysely.withoutPlugins().');
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableName: versions,
    migrationLockTableName: lock,
  });
  for (let left = attempts; ; left -= 1) {
    try {
      await update(migrator, database);
      return;
    } catch (error) {
      if (left === 1) throw error;
      // Another server was faster: PostgreSQL has a lock for that, though not for all of it, SQLite has not.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function update(migrator: Migrator, database: Database): Promise<void> {
  const known = await migrator.getMigrations().catch(async (error: unknown) => {
    if (field(error, 'code') !== noSuchTable) throw error;
    await makeVersionTables(database);
    return migrator.getMigrations();
  });
  // Kysely refuses migrations that it does not know: those of a later version, beside which this one goes on.
  if (known.every(({ executedAt }) => executedAt !== undefined)) return;
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined)
    throw error instanceof Error ? error : new Error('The tables could not be made.', { cause: error });
}

/**
 * Kysely's own two tables, as it makes them. It looks for them in every schema of the database, and makes none where an
 * application in another one has some.
 */
export async function makeVersionTables({ schema }: Pick<Database, 'schema'>): Promise<void> {
  // The versions come last: where they are, nobody asks for the lock again, though a process may have died between the two.
  await schema
    .createTable(lock)
    .ifNotExists()
    .addColumn('id', 'varchar(255)', (column) => column.notNull().primaryKey())
    .addColumn('is_locked', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema
    .createTable(versions)
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (column) => column.notNull().primaryKey())
    .addColumn('timestamp', 'varchar(255)', (column) => column.notNull())
    .execute();
}
