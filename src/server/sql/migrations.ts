/**
 * The schema, version by version. A released migration is never changed: a later one follows it. Each can be repeated:
 * in SQLite it runs outside of a transaction, and a process may die, or another one be faster, in the middle of it.
 */
import type { CreateIndexBuilder, Kysely, Migration } from 'kysely';

const indexOn = (database: Kysely<unknown>, name: string): ReturnType<typeof database.schema.createIndex> =>
  database.schema.createIndex(name).ifNotExists();

const families = async (database: Kysely<unknown>): Promise<void> => {
  await database.schema
    .createTable('refresh_families')
    .ifNotExists()
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('context', 'text', (column) => column.notNull())
    .addColumn('claims', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('last_presented_at', 'bigint', (column) => column.notNull())
    .addColumn('revoked_at', 'bigint')
    .addColumn('revoke_reason', 'text')
    .execute();
  await indexOn(database, 'refresh_families_subject').on('refresh_families').columns(['subject']).execute();
  await indexOn(database, 'refresh_families_expires_at').on('refresh_families').columns(['expires_at']).execute();
};

const tokens = async (database: Kysely<unknown>): Promise<void> => {
  await database.schema
    .createTable('refresh_tokens')
    .ifNotExists()
    .addColumn('family_id', 'text', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull())
    .addColumn('issued_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .addColumn('sealed_successor', 'text')
    // A token of generation n has its child in n + 1, of which there can be one only.
    .addPrimaryKeyConstraint('refresh_tokens_one_child', ['family_id', 'generation'])
    .addUniqueConstraint('refresh_tokens_hash', ['token_hash'])
    .addForeignKeyConstraint('refresh_tokens_family', ['family_id'], 'refresh_families', ['id'], (key) =>
      key.onDelete('cascade'),
    )
    .execute();
  const sealed: CreateIndexBuilder<string> = database.schema
    .createIndex('refresh_tokens_sealed')
    .ifNotExists()
    .on('refresh_tokens')
    .columns(['used_at']);
  await sealed.where('sealed_successor', 'is not', null).execute();
};

const audit = async (database: Kysely<unknown>): Promise<void> => {
  // No foreign key: the trail outlives the families that it tells of.
  await database.schema
    .createTable('refresh_audit')
    .ifNotExists()
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('code', 'text')
    .addColumn('subject', 'text')
    .addColumn('family_id', 'text')
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('ip', 'text')
    .addColumn('user_agent', 'text')
    .execute();
  await indexOn(database, 'refresh_audit_at').on('refresh_audit').columns(['at']).execute();
  await indexOn(database, 'refresh_audit_subject').on('refresh_audit').columns(['subject', 'at']).execute();
  await indexOn(database, 'refresh_audit_family').on('refresh_audit').columns(['family_id', 'at']).execute();
};

export const migrations: Readonly<Record<string, Migration>> = {
  '001-families-tokens-audit': {
    async up(database: Kysely<unknown>) {
      await families(database);
      await tokens(database);
      await audit(database);
    },
    async down(database: Kysely<unknown>) {
      for (const table of ['refresh_audit', 'refresh_tokens', 'refresh_families'])
        await database.schema.dropTable(table).execute();
    },
  },
};
