/** Reads JWTs. The only file that decodes. */
import { jwtDecode } from 'jwt-decode';
import { TokenError } from '../errors.js';
import type { TokenClaims } from '../types.js';
import { isNumber } from './checks.js';

/**
 * The claims of a JWT, without checking its signature.
 *
 * @throws {TokenError} `AUTH_TOKEN_MALFORMED` if it is no JWT, or if `exp`, `iat` or `nbf` is no finite number
 * (RFC 7519, section 2, NumericDate)
 * @example
 * const { sub, exp } = decodeToken(accessToken);
 */
export function decodeToken(token: string): TokenClaims {
  let claims: unknown;
  try {
    claims = jwtDecode(token);
  } catch {
    // The library's message may quote a part of the token.
  }
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    throw new TokenError(
      'AUTH_TOKEN_MALFORMED',
      'Not a JWT: expected three dot-separated parts with a JSON object in the second.',
    );
  }
  for (const name of ['exp', 'iat', 'nbf'] as const) {
    const value = (claims as TokenClaims)[name] as unknown;
    if (value !== undefined && !Number.isFinite(value)) {
      throw new TokenError('AUTH_TOKEN_MALFORMED', `The JWT's "${name}" claim is not a finite number.`);
    }
  }
  return claims as TokenClaims;
}

/** Claims, or none for an opaque token or a JWT whose dates are unusable: its expiry is then unknown. */
export function claimsOf(token: string): TokenClaims {
  try {
    return decodeToken(token);
  } catch {
    return {};
  }
}

/** Whether a JWT has at most `windowMs` left at `now`. One without `exp` never expires. */
export function expiresWithin(token: string, windowMs: number, now: number): boolean {
  const { exp } = decodeToken(token);
  return exp !== undefined && exp * 1000 - now <= windowMs;
}

/** Whose the token is. Some servers write their users' numbers as numbers, against RFC 7519, section 4.1.2. */
export function subjectOf(claims: TokenClaims): string | undefined {
  const sub: unknown = claims.sub;
  if (isNumber(sub)) return String(sub);
  return typeof sub === 'string' ? sub : undefined;
}
