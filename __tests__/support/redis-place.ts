/** One place in a real Redis, with a plain client to look at it and to spoil it. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { Redis } from 'ioredis';
import type { TokenStore } from '../../src/index.js';
import { redisStore, type RedisStoreOptions } from '../../src/stores/redis/index.js';
import { startRedis, type RedisServer } from './redis-server.js';

export interface RedisPlace {
  readonly server: RedisServer;
  readonly plain: Redis;
  readonly key: string;
  readonly leaseKey: string;
  /** A store on a connection of its own. */
  holder(options?: Partial<RedisStoreOptions>): Required<TokenStore>;
  /** A connection that is closed after the test. */
  connect(url?: string): Redis;
}

/** A Redis for the tests of the block, and a new place for each of them. */
export function useRedisPlace(): RedisPlace {
  let server: RedisServer | undefined;
  let plain: Redis | undefined;
  let key = '';
  const open: Redis[] = [];
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('Redis has not been started.');
    return value;
  };
  const connect = (url = there(server).url): Redis => {
    const client = new Redis(url, { retryStrategy: () => 20 }).on('error', () => {});
    open.push(client);
    return client;
  };
  beforeAll(async () => {
    server = await startRedis();
    plain = new Redis(server.url, { retryStrategy: () => 20 }).on('error', () => {});
  });
  beforeEach(() => {
    key = `place:${randomUUID()}`;
  });
  afterEach(async () => {
    await server?.start();
    for (const client of open.splice(0)) client.disconnect();
  });
  afterAll(async () => {
    plain?.disconnect();
    await server?.stop();
  });
  return {
    get server() {
      return there(server);
    },
    get plain() {
      return there(plain);
    },
    get key() {
      return key;
    },
    get leaseKey() {
      return `{${key}}:lease`;
    },
    holder: (options) => redisStore(connect(), { key, ...options }),
    connect,
  };
}
