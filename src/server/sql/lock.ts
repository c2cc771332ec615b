/** Waits for the write lock of a SQLite file, which one process has at a time, without keeping the thread. */
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import { codeOf } from '../../core/redact.js';

/** A `Database` of libsql, as far as it is needed. */
export interface LockableFile {
  readonly inTransaction: boolean;
  exec(statement: string): unknown;
}

/** How long SQLite itself waits, with the thread, in milliseconds: longer than most transactions last. */
export const busyTimeoutMs = 10;
const pauseMs = 40;
/** Five seconds in all. */
const tries = 100;

/**
 * Lets every transaction, and every statement that changes something on its own, begin with the lock. libsql does not
 * reset a statement that found the file locked, after which nothing can be committed: so no statement may find it so.
 */
export function takeLockFirst(connection: DatabaseConnection, file: LockableFile): void {
  const execute = connection.executeQuery.bind<DatabaseConnection['executeQuery']>(connection);

  connection.executeQuery = async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => {
    if (query.sql === 'begin') {
      await begin(file);
      return { rows: [] };
    }
    if (query.sql === 'rollback') {
      rollBack(file);
      return { rows: [] };
    }
    const isPlain = query.query.kind === 'SelectQueryNode' || query.query.kind === 'RawNode';
    if (isPlain || file.inTransaction) return execute<Row>(query);
    await begin(file);
    try {
      const result = await execute<Row>(query);
      file.exec('commit');
      return result;
    } catch (error) {
      rollBack(file);
      throw error;
    }
  };
}

/** Some faults, such as a full disk, have rolled back themselves: an error here would be told in their place. */
function rollBack(file: LockableFile): void {
  if (file.inTransaction) file.exec('rollback');
}

async function begin(file: LockableFile): Promise<void> {
  for (let left = tries; ; left -= 1) {
    try {
      file.exec('begin immediate');
      return;
    } catch (error) {
      if (left === 1 || codeOf(error) !== 'SQLITE_BUSY') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
