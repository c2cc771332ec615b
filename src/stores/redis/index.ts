/** Everything public of `axios-token-refresh/redis`. */
export { redisStore } from './store.js';
export type { AesKey, EncryptionKey, RedisStoreOptions } from './options.js';
export type { IoRedisClient, NodeRedisClient, RedisClient } from './clients.js';
