/** Clients of node-redis as users set them up, at both ends of what is supported. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createClient as createLatest, RESP_TYPES } from 'redis';
import { createClient as createLowest } from 'redis-lowest';
import { redisStore, type NodeRedisClient } from '../../../src/stores/redis/index.js';
import { useRedisPlace } from '../../support/redis-place.js';
import { describeWithRedis } from '../../support/redis.js';
import { rejection } from '../../support/stage.js';

const first = { accessToken: 'access-first', refreshToken: 'refresh-first' };
const next = { accessToken: 'access-next', refreshToken: 'refresh-next' };
const asBuffers = { commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } };
const socket = { reconnectStrategy: 20 };
type Create = (url: string, options?: typeof asBuffers) => NodeRedisClient;
const versions: readonly (readonly [string, Create])[] = [
  ['6.3.1', (url, options) => createLatest({ url, socket, ...options })],
  ['5.0.1', (url, options) => createLowest({ url, socket, ...options })],
];

describeWithRedis('redisStore over node-redis', () => {
  const place = useRedisPlace();
  const connect = async (create: Create, options?: typeof asBuffers): Promise<NodeRedisClient> => {
    const client = create(place.server.url, options);
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  test.each(versions)(
    'node-redis %s hears each message once, also when its connection was lost, and queues nothing without one',
    async (_, create) => {
      const client = await connect(create);
      let heard = 0;
      const stop = redisStore(client, { key: place.key }).subscribe(() => {
        heard += 1;
      });
      const until = async (count: number): Promise<void> => {
        while (heard < count) await pause(5);
      };
      await until(1);
      await place.plain.call('client', 'kill', 'type', 'pubsub');
      await until(2);
      await place.plain.publish(`${place.key}:changes`, 'somebody');
      await until(3);
      await pause(50);
      expect(heard).toBe(3);
      await place.server.stop();
      await rejection(Promise.resolve(redisStore(client, { key: place.key }).load()));
      const error = await rejection(Promise.resolve(redisStore(client, { key: place.key }).load()));
      expect(error).toMatchObject({ code: 'ENOTCONN' });
      stop();
      client.destroy();
    },
  );

  test.each(versions)(
    'node-redis %s that gives strings as Buffers: tokens, turns, claims and changes are as ever',
    async (_, create) => {
      const client = await connect(create, asBuffers);
      const ada = redisStore(client, { key: place.key });
      let heard = 0;
      const stop = ada.subscribe(() => {
        heard += 1;
      });
      while (heard < 1) await pause(5);
      await ada.save(first);
      expect(await ada.load()).toMatchObject(first);
      expect(await ada.exclusive(() => ada.replace(first, next), AbortSignal.timeout(2_000))).toBe(true);
      expect(await place.plain.get(place.leaseKey)).toBeNull();
      expect([await ada.claim('escalation'), await ada.claim('escalation')]).toEqual([true, false]);
      await place.plain.del(place.key);
      expect(await ada.load()).toMatchObject(next);
      expect(heard).toBe(1);
      await place.holder().clear();
      while (heard < 2) await pause(5);
      expect(await ada.load()).toBeUndefined();
      stop();
      client.destroy();
    },
  );
});
