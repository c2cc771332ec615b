/** Signs the JWT of Snowflake's key-pair authentication (RS256). */
import { createHash, createPublicKey, createSign, type KeyObject } from 'node:crypto';

export interface KeyPairUser {
  /** Account identifier without region or domain. */
  readonly account: string;
  readonly user: string;
  readonly privateKey: KeyObject;
}

/** `SHA256:` and the digest of the public key, as `DESC USER` shows it. */
export function fingerprintOf(key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(spki).digest('base64')}`;
}

/** A JWT that is issued at `now` (milliseconds since the epoch) and lives for `lifetimeSeconds`. */
export function keyPairJwt({ account, user, privateKey }: KeyPairUser, now: number, lifetimeSeconds = 60): string {
  const iat = Math.floor(now / 1_000);
  const subject = `${account}.${user}`.toUpperCase();
  const claims = { iss: `${subject}.${fingerprintOf(privateKey)}`, sub: subject, iat, exp: iat + lifetimeSeconds };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  return `${unsigned}.${createSign('RSA-SHA256').update(unsigned).sign(privateKey, 'base64url')}`;
}
