/** Opens a storage class for the process that serves from it. */
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import Database from 'libsql';
import { Pool } from 'pg';

/** The same settings for every contender: every commit reaches the disk. */
export function openPlace(place: string): Kysely<unknown> {
  if (place.startsWith('postgres:'))
    return new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: place, max: 10 }) }) });
  const database = new Database(place);
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON']) database.pragma(pragma);
  return new Kysely({ dialect: new SqliteDialect({ database }) });
}
