/** Refresh tokens, their hashes, and what is sealed under them. */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const tokenShape = /^[\w-]{43}$/;
const cipher = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;
const purpose = 'axios-token-refresh/server/successor/1';

/** 256 random bits, base64url. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/** Whether a string can be one of our tokens at all: what cannot never reaches the store. */
export const hasTokenShape = (value: string): boolean => tokenShape.test(value);

/** What is stored of a token. A fast hash is right for 256 random bits: there is nothing to guess. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Compares in constant time; a store whose collation finds "A" for "a" finds nothing. */
export function sameHash(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * Encrypts `text` under a key that only `token` yields (HKDF-SHA-256, AES-256-GCM). The store has the hash of the token,
 * so it cannot read what it keeps. `place` is bound in: moved to another row the text does not open.
 */
export function seal(text: string, token: string, place: string): string {
  const iv = randomBytes(ivBytes);
  const sealing = createCipheriv(cipher, keyOf(token), iv).setAAD(Buffer.from(place));
  const sealed = Buffer.concat([iv, sealing.update(text, 'utf8'), sealing.final()]);
  return Buffer.concat([sealed, sealing.getAuthTag()]).toString('base64url');
}

/** @throws if `sealed` was not made by `seal` with this token and place */
export function open(sealed: string, token: string, place: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const opening = createDecipheriv(cipher, keyOf(token), bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
    .setAAD(Buffer.from(place))
    .setAuthTag(bytes.subarray(-tagBytes));
  return opening.update(bytes.subarray(ivBytes, -tagBytes), undefined, 'utf8') + opening.final('utf8');
}

const keyOf = (token: string): Buffer => Buffer.from(hkdfSync('sha256', token, '', purpose, 32));
