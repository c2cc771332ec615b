/** How long a token lives, and how old it is: pure, on two clocks. */
import type { RefreshWindow, TokenClaims, TokenSet } from '../types.js';

/** One moment on both clocks, in milliseconds. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * Time since `then`: the larger of what the two clocks say. The monotonic clock sees through a wall clock that was set
 * back; the wall clock sees a sleep that stopped the monotonic one.
 */
export function elapsed(then: Instant, now: Instant): number {
  return Math.max(now.wall - then.wall, now.monotonic - then.monotonic);
}

/** The moment `ms` after `then`. */
export function after({ wall, monotonic }: Instant, ms: number): Instant {
  return { wall: wall + ms, monotonic: monotonic + ms };
}

export interface Life {
  /** From issue to expiry; `Infinity` if unknown. */
  readonly lifetimeMs: number;
  /** What was left of it at the anchor. */
  readonly leftMs: number;
}

/**
 * Reads a token's life as of `anchor`.
 *
 * `fresh` means that it was issued at the anchor (a refresh): unless the server's clock is known, or `expiresAt` was told,
 * its own lifetime counts, not this machine's clock. Otherwise it may be of any age (a restored session): its expiry is
 * held against the corrected clock, and only a token from the future, which a slow clock explains, is taken at its own word.
 */
export function lifeOf(tokens: TokenSet, claims: TokenClaims, anchor: Instant, fresh: boolean, skewMs?: number): Life {
  if (tokens.expiresIn !== undefined) {
    const lifetimeMs = tokens.expiresIn * 1000;
    return { lifetimeMs, leftMs: lifetimeMs };
  }
  const { exp, iat } = claims;
  const expiresAt = tokens.expiresAt ?? (exp === undefined ? Infinity : exp * 1000);
  const byOurs = expiresAt - anchor.wall;
  const byTheirs = byOurs - (skewMs ?? 0);
  // What was issued now is not dead already: a callback may have reckoned with our clock, and an `iat` may be wrong.
  const byClock = fresh && byTheirs <= 0 ? byOurs : byTheirs;
  if (exp === undefined || iat === undefined || exp <= iat) return { lifetimeMs: byClock, leftMs: byClock };
  const lifetimeMs = (exp - iat) * 1000;
  const isWhole = fresh && skewMs === undefined && tokens.expiresAt === undefined && byClock > 0;
  const leftMs = isWhole ? lifetimeMs : Math.min(lifetimeMs, byClock);
  return { lifetimeMs, leftMs };
}

/** The length of a window at the end of a lifetime. An unknown lifetime has none. */
export function windowMs(window: RefreshWindow, lifetimeMs: number): number {
  return Math.max(0, Math.min(window.maxMs, lifetimeMs * window.ttlFraction));
}
