/** PostgreSQL for production: a pool of yours that survives a restart of its server. */
import type { Kysely, PostgresPool } from 'kysely';
import { hasMethods } from '../../core/checks.js';
import { loadKysely } from './kysely.js';
import { sqlRefreshStore, type SqlRefreshStore } from './store.js';

/** A `Pool` of the package `pg`, as far as it is needed. */
export interface ListenablePool extends PostgresPool {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'acquire', listener: (client: ListenableClient) => void): unknown;
}

export interface ListenableClient {
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface PostgresRefreshStore extends SqlRefreshStore {
  /** The same database by Kysely. */
  readonly kysely: Kysely<unknown>;
  /** Ends the pool. */
  close(): Promise<void>;
}

/**
 * Uses a pool of `pg`, and brings the tables up to date. Needs the packages `pg` and `kysely`.
 *
 * A connection that breaks while no query runs on it, as all do when the server is restarted, is an `error` event
 * without a listener in `pg`, and ends the process. Here it has one: the next query reports the fault, and that is a 503.
 *
 * @throws {TypeError} if it is no pool
 * @example
 * import { Pool } from 'pg';
 * import { postgresRefreshStore } from 'axios-token-refresh/server';
 *
 * const store = await postgresRefreshStore(new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 }));
 */
export async function postgresRefreshStore(pool: ListenablePool): Promise<PostgresRefreshStore> {
  if (!hasMethods(pool, ['on', 'connect']))
    throw new TypeError('postgresRefreshStore expects a Pool of the package pg.');
  const { Kysely, PostgresDialect } = await loadKysely();
  const known = new WeakSet<ListenableClient>();
  const ignore = (): void => undefined;
  pool.on('error', ignore);
  pool.on('acquire', (client) => {
    if (known.has(client)) return;
    known.add(client);
    client.on('error', ignore);
  });
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const store = sqlRefreshStore(kysely);
  await store.migrate();
  return { ...store, kysely, close: () => kysely.destroy() };
}
