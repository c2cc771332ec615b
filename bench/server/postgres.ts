/** A PostgreSQL that waits for its disk, as in production; none where there is none. */
import { hasPostgres, startOwnPostgres, type Postgres } from '../../__tests__/server/support/postgres.js';

export async function findPostgres(): Promise<Postgres | undefined> {
  return hasPostgres({ own: true }) ? startOwnPostgres({ durable: true }) : undefined;
}
