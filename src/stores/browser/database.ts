/** A record in IndexedDB: one database per origin, in which each key has its own. */
import { faultOf } from './fault.js';
import type { Place, StoredRecord } from './record.js';

const databaseName = 'axios-token-refresh';
const storeName = 'sessions';
// Safari may leave an `open` without an answer; so does one that waits for somebody else's deletion.
const openMs = 1_500;

export class DatabasePlace implements Place {
  readonly #key: string;
  #connection: Promise<IDBDatabase> | undefined;
  /** The browser has not answered in time, and still does not. */
  #isStuck = false;

  constructor(key: string) {
    this.#key = key;
  }

  async read(): Promise<unknown> {
    let found: unknown;
    await this.#transact('readonly', (store) => {
      const request = store.get(this.#key);
      request.onsuccess = () => {
        found = request.result;
      };
    });
    return found;
  }

  async update(next: (found: unknown) => StoredRecord | undefined): Promise<void> {
    await this.#transact('readwrite', (store, fail) => {
      const request = store.get(this.#key);
      request.onsuccess = () => {
        try {
          const record = next(request.result);
          if (record) store.put(record, this.#key);
        } catch (error) {
          fail(error);
        }
      };
    });
  }

  release(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.then((database) => database.close()).catch(() => undefined);
  }

  /** Resolves when what `act` has asked for is done for good. */
  async #transact(
    mode: IDBTransactionMode,
    act: (store: IDBObjectStore, fail: (error: unknown) => void) => void,
  ): Promise<void> {
    const transaction = await this.#begin(mode);
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => {
        reject(error);
        transaction.abort();
      };
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(errorOf(transaction));
      act(transaction.objectStore(storeName), fail);
    });
  }

  async #begin(mode: IDBTransactionMode): Promise<IDBTransaction> {
    // Tokens that the server has already rotated must not be found again after a power cut.
    const begin = async (): Promise<IDBTransaction> =>
      (await this.#connect()).transaction(storeName, mode, { durability: 'strict' });
    try {
      return await begin();
    } catch (error) {
      if ((error as Error).name !== 'InvalidStateError') throw error;
      // The browser has closed the connection since.
      this.release();
      return begin();
    }
  }

  #connect(): Promise<IDBDatabase> {
    if (this.#connection) return this.#connection;
    const connection = this.#open();
    this.#connection = connection;
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    connection.then((database) => {
      database.onclose = forget;
      database.onversionchange = () => {
        forget();
        database.close();
      };
    }, forget);
    return connection;
  }

  async #open(): Promise<IDBDatabase> {
    // One wait is enough: until the browser answers there is no use in asking again.
    if (this.#isStuck) throw faultOf('INDEXED_DB_UNAVAILABLE');
    try {
      return await new Promise<IDBDatabase>((resolve, reject) => {
        // Without a version: whichever there is, as long as it has our store.
        const request = indexedDB.open(databaseName);
        const timer = setTimeout(() => {
          this.#isStuck = true;
          reject(new DOMException('The database did not open in time.', 'TimeoutError'));
        }, openMs);
        const answered = (): void => {
          clearTimeout(timer);
          if (this.#isStuck && !request.error) request.result.close();
          this.#isStuck = false;
        };
        request.onupgradeneeded = () => {
          request.result.createObjectStore(storeName);
        };
        request.onerror = () => {
          answered();
          reject(errorOf(request));
        };
        request.onsuccess = () => {
          answered();
          resolve(request.result);
        };
      });
    } catch (error) {
      throw faultOf('INDEXED_DB_UNAVAILABLE', error);
    }
  }
}

function errorOf({ error }: IDBTransaction | IDBRequest): DOMException {
  return error ?? new DOMException('The browser gave no reason.', 'AbortError');
}
