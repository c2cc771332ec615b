/** The contract of a store, held over a real Redis with each client. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, test } from '@jest/globals';
import { redisStore, type RedisStoreOptions } from '../../../src/stores/redis/index.js';
import { tokenStoreContract } from '../../../src/testing/index.js';
import { clients, type OpenClient } from '../../support/redis-clients.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { describeWithRedis } from '../../support/redis.js';

const encryptionKey = Buffer.alloc(32, 7).toString('base64');
const kinds: [string, Partial<RedisStoreOptions>][] = [
  ['in clear', {}],
  ['encrypted', { encryptionKey }],
];

describeWithRedis(
  'redisStore',
  () => {
    let redis: RedisServer;
    const open: OpenClient[] = [];
    beforeAll(async () => {
      redis = await startRedis({ canBeShared: true });
    });
    afterAll(() => redis.stop());
    afterEach(() => {
      for (const { close } of open.splice(0)) close();
    });

    describe.each(Object.entries(clients))('over %s', (_, connect) => {
      describe.each(kinds)('%s', (_kind, options) => {
        const cases = tokenStoreContract(async (count) => {
          const key = `test:${randomUUID()}`;
          const opened = await Promise.all(Array.from({ length: count }, () => connect(redis.url)));
          open.push(...opened);
          return opened.map(({ client }) => redisStore(client, { key, ttlMs: 60_000, ...options }));
        });
        for (const { name, run } of cases) test(name, run);
      });
    });
  },
  { canBeShared: true },
);
