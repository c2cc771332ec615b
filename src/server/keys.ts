/** Keys that sign access tokens, by their ids. */
import { isObject } from '../core/checks.js';
import { contained } from './contained.js';

/**
 * A private JWK (RFC 7517) with an id and an algorithm: an asymmetric key, so that others can verify without being able to sign.
 * `generateSigningKey()` makes one. Keep it where you keep secrets.
 */
export interface SigningKey {
  readonly kid: string;
  /** `ES256`, `ES384`, `EdDSA`, `Ed25519`, `RS256` or `PS256`. */
  readonly alg: string;
  readonly kty: string;
  readonly [member: string]: unknown;
}

/** What others may know of a key. */
export interface PublicKey {
  readonly kid: string;
  readonly alg: string;
  readonly kty: string;
  readonly use: 'sig';
  readonly [member: string]: unknown;
}

export interface KeySet {
  readonly keys: readonly PublicKey[];
}

/** The keys that each can sign with: "kty", and "crv" where there is one. */
const shapes = new Map<unknown, readonly [kty: string, crv?: string]>([
  ['ES256', ['EC', 'P-256']],
  ['ES384', ['EC', 'P-384']],
  ['EdDSA', ['OKP', 'Ed25519']],
  ['Ed25519', ['OKP', 'Ed25519']],
  ['RS256', ['RSA']],
  ['PS256', ['RSA']],
]);
export const algorithms: readonly string[] = [...shapes.keys()].map(String);
const publicMembers = ['kid', 'alg', 'kty', 'crv', 'x', 'y', 'n', 'e'];

/** @throws {TypeError} if the keys cannot sign, or cannot be told apart */
export function checkKeys(keys: unknown): asserts keys is readonly SigningKey[] {
  if (!Array.isArray(keys) || !keys.every(isObject)) {
    // A promise may reject, too.
    contained(() => keys);
    throw new TypeError(
      'Option "accessTokens.keys" must be an array of signing keys, or a function, not async, that returns one.',
    );
  }
  if (keys.length === 0)
    throw new TypeError('Option "accessTokens.keys" must hold one signing key at least: see generateSigningKey().');
  const ids = new Set<unknown>();
  for (const { kid, alg, kty, crv, d } of keys) {
    if (typeof kid !== 'string' || kid === '' || ids.has(kid))
      throw new TypeError('Option "accessTokens.keys": every key needs a "kid" of its own.');
    const shape = shapes.get(alg);
    if (!shape || kty !== shape[0] || crv !== shape[1])
      throw new TypeError(
        `Option "accessTokens.keys": "alg" must be one of ${algorithms.join(', ')}, and fit "kty" and "crv".`,
      );
    if (typeof d !== 'string' && ids.size === 0)
      throw new TypeError('Option "accessTokens.keys": the first key signs, and needs its private part.');
    ids.add(kid);
  }
}

/** The public parts, picked one by one: a member that is not known to be public stays here. */
export function publicKeys(keys: readonly SigningKey[]): KeySet {
  const parts = keys.map((key) => {
    const known = publicMembers.filter((name) => key[name] !== undefined).map((name) => [name, key[name]] as const);
    return { ...(Object.fromEntries(known) as unknown as PublicKey), use: 'sig' as const };
  });
  return { keys: parts };
}
