/** Every kind of store, fresh. */
import type { Kysely } from 'kysely';
import { Pool } from 'pg';
import {
  memoryRefreshStore,
  sqliteRefreshStore,
  postgresRefreshStore,
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
  const store = await postgresRefreshStore(new Pool({ connectionString: url, max: connections }));
  return { store, kysely: store.kysely, close: () => store.close() };
}
