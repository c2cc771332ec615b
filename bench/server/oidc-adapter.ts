/** The least that oidc-provider's token endpoint needs of an adapter: one row for each model and id. */
import type { Kysely } from 'kysely';
import type { Storage } from './contender.js';
import { openPlace } from './place.js';

interface Row {
  readonly key: string;
  readonly grant_id: string | null;
  readonly payload: string;
  readonly consumed: number | null;
}

interface Tables {
  oidc: Row;
}

/** What a model's record is put into. */
interface Shelf {
  put(row: Row): Promise<void>;
  get(key: string): Promise<Row | undefined>;
  consume(key: string, now: number): Promise<void>;
  remove(by: { readonly key: string } | { readonly grantId: string }): Promise<void>;
}

function inMemory(): Shelf {
  const rows = new Map<string, Row>();
  return {
    put: async (row) => void rows.set(row.key, row),
    get: async (key) => rows.get(key),
    consume: async (key, now) => {
      const row = rows.get(key);
      if (row) rows.set(key, { ...row, consumed: now });
    },
    remove: async (by) => {
      if ('key' in by) rows.delete(by.key);
      else for (const [key, row] of rows) if (row.grant_id === by.grantId) rows.delete(key);
    },
  };
}

async function inTable(database: Kysely<Tables>): Promise<Shelf> {
  await database.schema
    .createTable('oidc')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('grant_id', 'text')
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('consumed', 'integer')
    .execute();
  await database.schema.createIndex('oidc_grant').on('oidc').column('grant_id').execute();
  return {
    put: async (row) => {
      const { grant_id, payload } = row;
      const insert = database.insertInto('oidc').values(row);
      await insert.onConflict((conflict) => conflict.column('key').doUpdateSet({ grant_id, payload })).execute();
    },
    get: (key) => database.selectFrom('oidc').selectAll().where('key', '=', key).executeTakeFirst(),
    consume: async (key, now) => {
      await database.updateTable('oidc').set({ consumed: now }).where('key', '=', key).execute();
    },
    remove: async (by) => {
      const remove = database.deleteFrom('oidc');
      await ('key' in by ? remove.where('key', '=', by.key) : remove.where('grant_id', '=', by.grantId)).execute();
    },
  };
}

export async function adapterOf(storage: Storage, place: string): Promise<(model: string) => object> {
  const shelf = storage === 'memory' ? inMemory() : await inTable(openPlace(place));
  return (model) => ({
    upsert: (id: string, payload: { grantId?: string }) =>
      shelf.put({
        key: `${model}:${id}`,
        grant_id: payload.grantId ?? null,
        payload: JSON.stringify(payload),
        consumed: null,
      }),
    find: async (id: string) => {
      const row = await shelf.get(`${model}:${id}`);
      if (!row) return undefined;
      return { ...(JSON.parse(row.payload) as object), ...(row.consumed !== null && { consumed: row.consumed }) };
    },
    consume: (id: string) => shelf.consume(`${model}:${id}`, Math.floor(Date.now() / 1000)),
    destroy: (id: string) => shelf.remove({ key: `${model}:${id}` }),
    revokeByGrantId: (grantId: string) => shelf.remove({ grantId }),
  });
}
