/** Questions about a single JWT, for code that holds no session. */
import { expiresWithin } from './core/claims.js';

/**
 * Whether a JWT expires within `windowMs`, or has expired.
 *
 * @param windowMs milliseconds, 0 for "has expired". @default 300_000 (5 minutes)
 * @param now milliseconds since the epoch. @default Date.now()
 * @returns `false` for a JWT without `exp`
 * @throws {TokenError} `AUTH_TOKEN_MALFORMED` if the token is no JWT
 * @throws {TypeError} if `windowMs` or `now` is no finite number
 * @example
 * if (isTokenExpiringSoon(accessToken)) await session.refresh();
 */
export function isTokenExpiringSoon(token: string, windowMs = 300_000, now: number = Date.now()): boolean {
  if (!Number.isFinite(windowMs) || !Number.isFinite(now)) {
    throw new TypeError('isTokenExpiringSoon: "windowMs" and "now" must be finite numbers of milliseconds.');
  }
  return expiresWithin(token, windowMs, now);
}
