/** Clients of node-redis as users set them up, at both ends of what is supported. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { createClient as createLatest, RESP_TYPES } from 'redis';
import { createClient as createLowest } from 'redis-lowest';
import { createTokenSession, type TokenSession } from '../../../src/index.js';
import { redisStore, type NodeRedisClient } from '../../../src/stores/redis/index.js';
import { useRedisPlace } from '../../support/redis-place.js';
import { describeWithRedis } from '../../support/redis.js';
import { rejection } from '../../support/stage.js';

const first = { accessToken: 'access-first', refreshToken: 'refresh-first' };
const next = { accessToken: 'access-next', refreshToken: 'refresh-next' };
interface Setup {
  readonly commandOptions?: { readonly typeMapping: { readonly [RESP_TYPES.BLOB_STRING]: typeof Buffer } };
  readonly socket?: { readonly reconnectStrategy: false };
}
const asBuffers = { commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } };
const socket = { reconnectStrategy: 20 };
type Create = (url: string, options?: Setup) => NodeRedisClient;
const versions: readonly (readonly [string, Create])[] = [
  ['6.3.1', (url, options) => createLatest({ url, socket, ...options })],
  ['5.0.1', (url, options) => createLowest({ url, socket, ...options })],
];

describeWithRedis('redisStore over node-redis', () => {
  const place = useRedisPlace();
  const connect = async (create: Create, options?: Setup): Promise<NodeRedisClient> => {
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
      expect(await ada.exclusive(() => ada.replace(first, next), AbortSignal.timeout(20_000))).toBe(true);
      expect(await place.plain.get(place.leaseKey)).toBeNull();
      expect([await ada.claim('escalation'), await ada.claim('escalation')]).toStrictEqual([true, false]);
      await place.plain.del(place.key);
      expect(await ada.load()).toMatchObject(next);
      expect(heard).toBe(1);
      await place.holder().clear();
      while (heard < 2) await pause(5);
      expect(await ada.load()).toBeUndefined();
      // Its own changes are no news.
      expect(heard).toBe(2);
      stop();
      client.destroy();
    },
  );

  describe.each(versions)('G20 node-redis %s leaves no connection of a session that is disposed of', (_, create) => {
    /** The client of an app, and the duplicate of it that will listen. */
    async function pair(options?: Setup): Promise<readonly [NodeRedisClient, NodeRedisClient]> {
      const client = await connect(create, options);
      const subscriber = client.duplicate();
      Object.assign(client, { duplicate: () => subscriber });
      return [client, subscriber];
    }
    const told = (client: NodeRedisClient, event: string): Promise<void> =>
      new Promise((resolve) => client.on(event, () => resolve()));
    const listening = (client: NodeRedisClient): TokenSession =>
      createTokenSession({ refresh: () => next, store: redisStore(client, { key: place.key }) });
    const connections = async (): Promise<number> =>
      (String(await place.plain.client('LIST')).match(/^id=/gm) ?? []).length;
    const accepted = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await place.plain.info('stats'))?.[1]);

    test('at once', async () => {
      const client = await connect(create);
      const [before, all] = [await connections(), await accepted()];
      for (let sessions = 0; sessions < 5; sessions += 1) listening(client).dispose();
      while ((await accepted()) < all + 5 || (await connections()) > before) await pause(5);
      client.destroy();
    });

    test('when its connection has come up, before Redis has answered it', async () => {
      const [client, subscriber] = await pair();
      const before = await connections();
      const connected = told(subscriber, 'connect');
      const session = listening(client);
      place.server.freeze();
      await connected;
      session.dispose();
      expect(subscriber.isOpen).toBe(false);
      place.server.thaw();
      while ((await connections()) > before) await pause(5);
      client.destroy();
    });

    test('at once while Redis takes connections and answers none', async () => {
      const [client, subscriber] = await pair();
      const [before, all] = [await connections(), await accepted()];
      const ended = told(subscriber, 'end');
      place.server.freeze();
      listening(client).dispose();
      await ended;
      place.server.thaw();
      while ((await accepted()) < all + 1 || (await connections()) > before) await pause(5);
      client.destroy();
    });

    test('while Redis is away', async () => {
      const [client, subscriber] = await pair();
      await place.server.stop();
      const session = listening(client);
      await told(subscriber, 'reconnecting');
      const ended = told(subscriber, 'end');
      session.dispose();
      await ended;
      expect(subscriber.isOpen).toBe(false);
      client.destroy();
    });

    test('between two attempts to connect', async () => {
      const [client, subscriber] = await pair();
      await place.server.stop();
      const session = listening(client);
      await told(subscriber, 'error');
      session.dispose();
      expect(subscriber.isOpen).toBe(false);
      client.destroy();
    });

    test('when the client does not try again', async () => {
      const [client, subscriber] = await pair({ socket: { reconnectStrategy: false } });
      await place.server.stop();
      const stop = redisStore(client, { key: place.key }).subscribe(() => undefined);
      await told(subscriber, 'error');
      stop();
      expect(subscriber.isOpen).toBe(false);
    });

    test('when its connection was lost', async () => {
      const [client, subscriber] = await pair();
      const session = listening(client);
      await told(subscriber, 'ready');
      const [before, all] = [await connections(), await accepted()];
      const again = told(subscriber, 'reconnecting');
      await place.plain.call('client', 'kill', 'type', 'pubsub');
      await again;
      session.dispose();
      while ((await accepted()) < all + 1 || (await connections()) >= before) await pause(5);
      client.destroy();
    });
  });
});
