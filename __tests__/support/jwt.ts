/** Unsigned JWTs: the client never checks signatures. */
let serial = 0;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export function jwt(claims: Record<string, unknown>): string {
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ jti: String(++serial), ...claims })}.c2ln`;
}

/** A token issued now by `clock`, living `ttlSeconds`. */
export function tokenFor(clock: { now(): number }, ttlSeconds: number, claims: Record<string, unknown> = {}): string {
  const iat = Math.floor(clock.now() / 1000);
  return jwt({ sub: 'ada', iat, exp: iat + ttlSeconds, ...claims });
}
