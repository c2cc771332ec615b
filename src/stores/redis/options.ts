/** Checks the options and fills in the defaults. */
import { checked, clockWithNow, isWhole, text, type Rules } from '../../core/checks.js';
import type { Clock } from '../../types.js';

/** A `CryptoKey` for AES-GCM, of 256 bits, that may encrypt and decrypt. */
export interface AesKey {
  readonly type: string;
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/** 32 bytes, the same in base64, or a `CryptoKey`. */
export type EncryptionKey = Uint8Array | string | AesKey;

export interface RedisStoreOptions {
  /** Where the token set is kept, one per session: `session:42`. The lease is kept beside it, under `{session:42}:lease`. */
  readonly key: string;
  /**
   * Encrypts the token set with AES-256-GCM. Of several keys the first one encrypts and each of them decrypts: put a new
   * one in front to change it. @default none
   */
  readonly encryptionKey?: EncryptionKey | readonly EncryptionKey[];
  /**
   * How long a holder that has died keeps the others waiting, in milliseconds: while it works its lease is extended
   * every third of this. A whole number from 100 to 60_000; below 6_000, or the others refresh without it. @default 3_000
   */
  readonly leaseMs?: number;
  /**
   * How long the record outlives its last writing, in milliseconds: longer than the refresh token lives. A whole number
   * of at least 1_000. @default for ever
   */
  readonly ttlMs?: number;
  /** Pub/sub channel for word of changes. @default the key with `:changes` behind it */
  readonly channel?: string;
  /** For tests: the clock that the session has. @default the system's */
  readonly clock?: Pick<Clock, 'now'>;
}

export interface ResolvedOptions {
  readonly key: string;
  readonly leaseKey: string;
  /** Where claims on a record are kept, each under its order. */
  readonly claimKey: string;
  readonly channel: string;
  readonly leaseMs: number;
  /** 0 for none. */
  readonly ttlMs: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly encryptionKeys: readonly (Uint8Array<ArrayBuffer> | CryptoKey)[];
}

const rules: Rules<RedisStoreOptions> = {
  key: text,
  encryptionKey: [
    '32 bytes, the same in base64, or an AES-GCM key of 256 bits that may encrypt and decrypt; or an array of these',
    (value) => [value].flat().length > 0 && [value].flat().every((key) => bytesOf(key) !== undefined),
  ],
  leaseMs: ['milliseconds, a whole number from 100 to 60000', isWhole(100, 60_000)],
  ttlMs: ['milliseconds, a whole number of at least 1000', isWhole(1_000)],
  channel: text,
  clock: clockWithNow,
};

/** @param keyPrefix what the client puts in front of each key */
export function resolve(given: RedisStoreOptions, keyPrefix: string): ResolvedOptions {
  const options = checked<RedisStoreOptions>(given, rules, { required: ['key'], of: 'redisStore' });
  const { key, channel = `${key}:changes`, leaseMs = 3_000, ttlMs = 0, clock = Date, encryptionKey } = options;
  const keys = encryptionKey === undefined ? [] : [encryptionKey].flat();
  // In a cluster all must be on one node: the first part in braces decides, unless it is empty.
  const whole = keyPrefix + key;
  const slot = /^[^{]*\{[^}]+\}/.test(whole) ? key : `{${whole}}`;
  return {
    key,
    leaseKey: `${slot}:lease`,
    claimKey: `${slot}:claim`,
    channel,
    leaseMs,
    ttlMs,
    clock,
    encryptionKeys: keys.map(bytesOf).filter((one) => one !== undefined),
  };
}

/** The key as it can be used, or `undefined` if it cannot. */
function bytesOf(key: unknown): Uint8Array<ArrayBuffer> | CryptoKey | undefined {
  if (key instanceof Uint8Array) return key.length === 32 ? Uint8Array.from(key) : undefined;
  if (typeof key === 'string') {
    const isBase64 = /^[\w+/-]{43}=?$/.test(key);
    return isBase64 ? Uint8Array.from(Buffer.from(key, 'base64')) : undefined;
  }
  return isAesKey(key) ? key : undefined;
}

function isAesKey(key: unknown): key is CryptoKey {
  const { algorithm, usages } = (key ?? {}) as Partial<CryptoKey>;
  const { name, length } = (algorithm ?? {}) as Partial<AesKeyAlgorithm>;
  return (
    name === 'AES-GCM' && length === 256 && ['encrypt', 'decrypt'].every((use) => usages?.includes(use as KeyUsage))
  );
}
