/** A record in Web Storage, as JSON. */
import { faultOf } from './fault.js';
import { settled, type Access } from './lock.js';
import type { Place, StoredRecord } from './record.js';

type Area = 'localStorage' | 'sessionStorage';

export class StoragePlace implements Place {
  readonly #area: Area;
  readonly #key: string;

  constructor(area: Area, key: string) {
    this.#area = area;
    this.#key = key;
  }

  read(): Promise<unknown> {
    return this.#access((storage) => ({ result: parse(storage.getItem(this.#key)), hasWritten: false }));
  }

  update(next: (found: unknown) => StoredRecord | undefined): Promise<void> {
    return this.#access((storage) => {
      const record = next(parse(storage.getItem(this.#key)));
      if (record) storage.setItem(this.#key, JSON.stringify(record));
      return { result: undefined, hasWritten: record !== undefined };
    });
  }

  release(): void {
    // Nothing is held open.
  }

  async #access<T>(access: (storage: Storage) => Access<T>): Promise<T> {
    const storage = areaOf(this.#area);
    // Nobody else has a tab's own storage.
    if (this.#area === 'sessionStorage') return access(storage).result;
    return settled(`axios-token-refresh:storage:${this.#key}`, () => access(storage));
  }
}

function areaOf(area: Area): Storage {
  try {
    // A server's storage would be everybody's.
    const storage = typeof window === 'undefined' ? undefined : window[area];
    if (storage) return storage;
  } catch (error) {
    throw faultOf('WEB_STORAGE_UNAVAILABLE', error);
  }
  throw faultOf('WEB_STORAGE_UNAVAILABLE');
}

/** Text that is no JSON stays text, to be found fault with. */
function parse(text: string | null): unknown {
  try {
    return text === null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}
