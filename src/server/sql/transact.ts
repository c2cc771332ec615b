/** How the store's transactions run. */
import type { Kysely, Transaction } from 'kysely';
import type { Schema } from './schema.js';

/** Read committed whatever the database's default: the row locks decide, and nothing has to be repeated. */
export function transact<T>(
  database: Kysely<Schema>,
  work: (transaction: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return database.transaction().setIsolationLevel('read committed').execute(work);
}
