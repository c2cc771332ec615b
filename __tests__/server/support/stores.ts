/** Every kind of store, fresh. */
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import {
  memoryRefreshStore,
  sqliteRefreshStore,
  sqlRefreshStore,
  type RefreshStore,
} from '../../../src/server/index.js';

export interface Kept {
  readonly store: RefreshStore;
  /** Of the stores that have one. */
  readonly kysely?: Kysely<unknown>;
  close(): Promise<void>;
}

export type MakeStore = () => Promise<Kept>;

export const inMemory: MakeStore = async () => ({ store: memoryRefreshStore(), close: async () => undefined });

export const inSqlite =
  (path = ':memory:'): MakeStore =>
  async () => {
    const store = await sqliteRefreshStore(path);
    return { store, kysely: store.kysely, close: () => store.close() };
  };

export async function inPostgres(url: string, connections = 5): Promise<Kept> {
  const pool = new Pool({ connectionString: url, max: connections });
  // An idle connection that breaks is the pool's own business.
  pool.on('error', () => undefined);
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const store = sqlRefreshStore(kysely);
  await store.migrate();
  return { store, kysely, close: () => kysely.destroy() };
}
