/** The embedded default: one file, no server, the binary inside the package. */
import type { DatabaseConnection, Kysely } from 'kysely';
import { isText } from '../../core/checks.js';
import { loadKysely } from './kysely.js';
import { busyTimeoutMs, takeLockFirst } from './lock.js';
import { sqlRefreshStore, type SqlRefreshStore } from './store.js';

export interface SqliteRefreshStore extends SqlRefreshStore {
  /** The same file by Kysely: for tables of your own, and for backups. Its transactions begin with the write lock. */
  readonly kysely: Kysely<unknown>;
  close(): Promise<void>;
}

/**
 * Opens or makes a SQLite file and brings its tables up to date. Needs the packages `libsql` and `kysely`.
 *
 * Every commit reaches the disk (`synchronous = FULL`): a session that loses its last rotation to a power cut would be
 * signed out by the next one. Several processes of one machine may share the file; not over a network drive. Who writes
 * waits up to 5 seconds for another process to end its transaction; the event loop goes on meanwhile.
 *
 * @param path a file, or `':memory:'`
 * @throws {TypeError} without a path: SQLite would take a file that is gone when it is closed
 * @example
 * import { sqliteRefreshStore } from 'axios-token-refresh/server';
 *
 * const store = await sqliteRefreshStore('sessions.db');
 */
export async function sqliteRefreshStore(path: string): Promise<SqliteRefreshStore> {
  if (!isText(path)) throw new TypeError("sqliteRefreshStore expects the path of a file, or ':memory:'.");
  const [{ default: Database }, { Kysely, SqliteDialect }] = await Promise.all([import('libsql'), loadKysely()]);
  const file = new Database(path);
  for (const pragma of ['busy_timeout = 5000', 'journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON'])
    file.pragma(pragma);
  file.pragma(`busy_timeout = ${busyTimeoutMs}`);
  const onCreateConnection = (connection: DatabaseConnection): Promise<void> => {
    takeLockFirst(connection, file);
    return Promise.resolve();
  };
  const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database: file, onCreateConnection }) });
  const store = sqlRefreshStore(kysely);
  await store.migrate();
  return { ...store, kysely, close: () => kysely.destroy() };
}
