/** The clients that `redisStore` is for, at both ends of what is supported. */
import { Redis } from 'ioredis';
import lowestIoRedis from 'ioredis-lowest';
import { createClient as createLatest } from 'redis';
import { createClient as createLowest } from 'redis-lowest';
import type { RedisClient } from '../../src/stores/redis/index.js';

export interface OpenClient {
  readonly client: RedisClient;
  readonly close: () => void;
}

type Open = (url: string) => Promise<OpenClient>;

const ignore = (): void => undefined;
// Quick to come back, so that a test need not wait.
const soonMs = 20;

export const clients: Readonly<Record<string, Open>> = {
  async 'ioredis 6.0.0'(url) {
    const client = new Redis(url, { retryStrategy: () => soonMs });
    client.on('error', ignore);
    return { client, close: () => client.disconnect() };
  },
  async 'ioredis 5.0.6'(url) {
    const client = new lowestIoRedis.default(url, { retryStrategy: () => soonMs });
    client.on('error', ignore);
    return { client, close: () => client.disconnect() };
  },
  async 'node-redis 6.3.1'(url) {
    const client = createLatest({ url, socket: { reconnectStrategy: soonMs } });
    client.on('error', ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async 'node-redis 5.0.1'(url) {
    const client = createLowest({ url, socket: { reconnectStrategy: soonMs } });
    client.on('error', ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
};
