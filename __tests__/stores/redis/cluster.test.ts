/** A cluster of one node: what is far from whole, but refuses keys of two slots in one command. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Cluster } from 'ioredis';
import { redisStore } from '../../../src/stores/redis/index.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { describeWithRedis } from '../../support/redis.js';

const first = { accessToken: 'access-first', refreshToken: 'refresh-first' };
const next = { accessToken: 'access-next', refreshToken: 'refresh-next' };
const { signal } = new AbortController();

describeWithRedis('redisStore over a cluster of ioredis', () => {
  let server: RedisServer;
  let client: Cluster;
  beforeAll(async () => {
    server = await startRedis({ isCluster: true });
    client = new Cluster([server.url]).on('error', () => {});
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  test.each(['session:42', 'app:{42}', 'a{b', 'a{', '{x}y{z}', 'Zoë'])(
    'the key %s: record, lease and claims are on one node',
    async (key) => {
      const hold = () => redisStore(client, { key, leaseMs: 100 });
      const [ada, bea] = [hold(), hold()];
      await ada.save(first);
      expect(await ada.exclusive(() => ada.replace(first, next), signal)).toBe(true);
      expect(await bea.load()).toMatchObject(next);
      expect([await ada.claim('escalation'), await bea.claim('escalation')]).toStrictEqual([true, false]);
      await client.del(key);
      expect(await ada.exclusive(() => Promise.resolve('turn'), signal)).toBe('turn');
      expect(await hold().load()).toMatchObject(next);
    },
  );

  test.each(['app:', '{app}:'])('a client with the prefix %s has them on one node, too', async (keyPrefix) => {
    const prefixed = new Cluster([server.url], { keyPrefix }).on('error', () => {});
    const hold = () => redisStore(prefixed, { key: 'session:42', leaseMs: 100 });
    const ada = hold();
    await ada.save(first);
    expect(await ada.exclusive(() => ada.replace(first, next), signal)).toBe(true);
    await prefixed.del('session:42');
    expect(await ada.exclusive(() => Promise.resolve('turn'), signal)).toBe('turn');
    expect(await hold().load()).toMatchObject(next);
    prefixed.disconnect();
  });

  test('changes are heard', async () => {
    const hold = () => redisStore(client, { key: 'changed' });
    const [ada, bea] = [hold(), hold()];
    let heard = 0;
    const stop = bea.subscribe(() => {
      heard += 1;
    });
    while (heard < 3) {
      await ada.save(first);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stop();
  });
});
