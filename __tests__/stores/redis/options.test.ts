import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import * as latest from 'redis';
import * as lowest from 'redis-lowest';
import { redisStore, type RedisClient, type RedisStoreOptions } from '../../../src/stores/redis/index.js';
import { thrown } from '../../support/stage.js';

const client = new Redis({ lazyConnect: true });
const make = (options: unknown, given: unknown): unknown =>
  thrown(() => redisStore(given as RedisClient, options as RedisStoreOptions));
const refusal = new TypeError(
  'redisStore expects a client of ioredis 5 or later, or of node-redis 5 or later by createClient().',
);
const node = { host: '127.0.0.1', port: 1 };
const secret = 'a-secret-that-is-no-key';

describe('redisStore refuses', () => {
  test.each<[string, unknown, RegExp]>([
    ['no key', {}, /"key" of redisStore is missing: it must be a non-empty string/],
    ['an empty key', { key: '' }, /"key"/],
    ['a key that is no string', { key: 42 }, /"key"/],
    ['an unknown option', { key: 'k', lease: 5 }, /nknown option "lease"/],
    ['an inherited name', { key: 'k', toString: 5 }, /nknown option "toString"/],
    ['a lease of 0', { key: 'k', leaseMs: 0 }, /"leaseMs" of redisStore must be milliseconds/],
    ['a lease of half a millisecond more', { key: 'k', leaseMs: 100.5 }, /"leaseMs"/],
    ['a lease of more than a minute', { key: 'k', leaseMs: 60_001 }, /"leaseMs" .*from 100 to 60000/],
    ['a time to live of no length', { key: 'k', ttlMs: 0 }, /"ttlMs"/],
    ['an endless time to live', { key: 'k', ttlMs: Infinity }, /"ttlMs"/],
    ['an empty channel', { key: 'k', channel: '' }, /"channel"/],
    ['a clock without now', { key: 'k', clock: {} }, /"clock" of redisStore must be an object with the method now/],
    [
      'an encryption key of another length',
      { key: 'k', encryptionKey: new Uint8Array(16) },
      /"encryptionKey" of redisStore must be 32/,
    ],
    ['a password as encryption key', { key: 'k', encryptionKey: secret }, /"encryptionKey"/],
    ['no encryption key at all', { key: 'k', encryptionKey: [] }, /"encryptionKey"/],
    ['one wrong key among others', { key: 'k', encryptionKey: [new Uint8Array(32), secret] }, /"encryptionKey"/],
    ['null as options', null, /options of redisStore must be an object/],
    ['no options', undefined, /options of redisStore must be an object/],
  ])('%s', (_, options, message) => {
    const error = make(options, client);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain(secret);
  });

  test('a CryptoKey that is for something else', async () => {
    const short = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt', 'decrypt']);
    const halved = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
    const other = await crypto.subtle.generateKey({ name: 'AES-CBC', length: 256 }, true, ['encrypt', 'decrypt']);
    for (const encryptionKey of [short, halved, other]) {
      expect(String(make({ key: 'k', encryptionKey }, client))).toMatch(/"encryptionKey"/);
    }
  });

  test.each([undefined, null, 'redis://localhost', {}, { call: () => 0, on: () => 0 }, { sendCommand: () => 0 }])(
    '%p as client',
    (given) => {
      expect(make({ key: 'k' }, given)).toEqual(refusal);
    },
  );

  test.each<[string, () => unknown]>([
    ['a cluster of node-redis 6.3.1', () => latest.createCluster({ rootNodes: [{ socket: node }] })],
    ['a sentinel of node-redis 6.3.1', () => latest.createSentinel({ name: 'main', sentinelRootNodes: [node] })],
    ['a pool of node-redis 6.3.1', () => latest.createClientPool()],
    ['a cluster of node-redis 5.0.1', () => lowest.createCluster({ rootNodes: [{ socket: node }] })],
    ['a sentinel of node-redis 5.0.1', () => lowest.createSentinel({ name: 'main', sentinelRootNodes: [node] })],
    ['a pool of node-redis 5.0.1', () => lowest.createClientPool()],
  ])('%s, which takes commands in another form', (_, create) => {
    expect(make({ key: 'k' }, create())).toEqual(refusal);
  });
});

test('redisStore takes both clients before they are connected, and options that are undefined', () => {
  for (const given of [client, latest.createClient(), lowest.createClient()]) {
    expect(() => redisStore(given, { key: 'k', leaseMs: undefined as unknown as number })).not.toThrow();
  }
  expect(client.status).toBe('wait');
});
