/** What a held token is good for right now: pure. */
import { TokenError } from '../errors.js';
import type { RefreshWindow, TokenClaims, TokenSet } from '../types.js';
import { claimsOf, subjectOf } from './claims.js';
import { skewOfIssue } from './skew.js';
import { after, elapsed, lifeOf, windowMs, type Instant, type Life } from './lifetime.js';

/** A token set with all that is worked out once, when it arrives. Ages are milliseconds since the anchor. */
export interface Held {
  readonly tokens: TokenSet;
  readonly headerValue: string;
  readonly subject: string | undefined;
  readonly anchor: Instant;
  /** Of its JWT; none of an opaque token. */
  readonly claims: TokenClaims;
  /** The server's clock minus ours, as its life was read. */
  readonly skewMs: number | undefined;
  readonly lifetimeMs: number;
  readonly aheadAge: number;
  readonly dueAge: number;
  readonly expiryAge: number;
  /** The API refused it before its time. */
  readonly refused: boolean;
}

/** - `fresh`: leave. `ahead`: refresh in the background, leave. `due`: refresh, wait. `expired`: never send. */
export type Freshness = 'fresh' | 'ahead' | 'due' | 'expired';

export interface Windows {
  readonly refreshWindow: RefreshWindow;
  readonly refreshAhead: RefreshWindow | false;
}

export interface HoldRules extends Windows {
  readonly formatHeader: (token: string) => string;
}

/** Where a token set comes from. */
export interface Arrival {
  /** The token is at least as old as this. */
  readonly anchor: Instant;
  /** When it arrived. */
  readonly now: Instant;
  /** A refresh brought it: it was issued between the two. */
  readonly fresh: boolean;
  /** The server's clock minus ours, where an answer has told it. */
  readonly skewMs: number | undefined;
  /** What it replaces. */
  readonly previous: Held | undefined;
}

/** Works out all that is to be known of a token set. Throws `AUTH_TOKEN_MALFORMED` if it makes no header. */
export function hold(
  tokens: TokenSet,
  rules: HoldRules,
  { anchor, now, fresh, skewMs, previous }: Arrival,
  claims = claimsOf(tokens.accessToken),
): Held {
  let headerValue: unknown;
  try {
    headerValue = rules.formatHeader(tokens.accessToken);
  } catch {
    // Reported below; what was thrown may quote the token.
  }
  if (typeof headerValue !== 'string' || !/^[\t\x20-\x7e]+$/.test(headerValue)) {
    throw new TokenError(
      'AUTH_TOKEN_MALFORMED',
      'Option "formatHeader" threw, or returned something that is no header value.',
    );
  }
  const { exp = 0, iat } = claims;
  const before = previous?.claims;
  // Some servers keep the `iat` of the sign-in in every token: it says nothing of this one.
  const isKept = iat === before?.iat && exp * 1000 > anchor.wall && exp !== before?.exp;
  // A refresh that brings no older token than the last has brought a new one: its `iat`, cut to the second, is the server's time.
  const isNew = fresh && iat !== undefined && iat >= (before?.iat ?? -Infinity);
  const issueSkew = isNew ? skewOfIssue(iat * 1000, anchor.wall, now.wall) : previous?.skewMs;
  // Where the issuer's clock agrees with ours, a gateway's date says nothing of the token's life.
  const skew = isKept ? skewMs : isNew && issueSkew === undefined ? undefined : (skewMs ?? issueSkew);
  const life = lifeOf(tokens, isKept ? { exp } : claims, anchor, fresh, skew);
  return Object.freeze({
    tokens,
    headerValue,
    subject: tokens.subject ?? subjectOf(claims) ?? (fresh ? previous?.subject : undefined),
    anchor,
    claims,
    skewMs: skew,
    lifetimeMs: life.lifetimeMs,
    ...agesOf(life, rules),
    refused: false,
  });
}

/** The ages at which a token enters each window. */
export function agesOf(
  { lifetimeMs, leftMs }: Life,
  windows: Windows,
): Pick<Held, 'aheadAge' | 'dueAge' | 'expiryAge'> {
  const dueAge = leftMs - windowMs(windows.refreshWindow, lifetimeMs);
  const ahead = windows.refreshAhead;
  return {
    aheadAge: ahead ? Math.min(dueAge, leftMs - windowMs(ahead, lifetimeMs)) : dueAge,
    dueAge,
    expiryAge: leftMs,
  };
}

export function freshnessOf(held: Held, now: Instant): Freshness {
  const age = elapsed(held.anchor, now);
  if (age >= held.expiryAge) return 'expired';
  if (held.refused || age >= held.dueAge) return 'due';
  return age >= held.aheadAge ? 'ahead' : 'fresh';
}

/** Whether a request would rather wait for the next token than leave with this one. */
export function isDue(held: Held, now: Instant): boolean {
  return ['due', 'expired'].includes(freshnessOf(held, now));
}

/** What a store is given: a lifetime means nothing to whoever loads it later, so it gets a moment of this machine's clock. */
export function storable({ tokens, anchor, expiryAge }: Held): TokenSet {
  const expiresAt = Number.isFinite(expiryAge) ? anchor.wall + expiryAge : undefined;
  return { ...tokens, expiresIn: undefined, expiresAt };
}

/** Milliseconds until the token dies; at most 0 once it has. */
export function leftOf(held: Held, now: Instant): number {
  return held.expiryAge - elapsed(held.anchor, now);
}

/** Milliseconds until a token may be refreshed again ahead of its death after the last success; at most 0 for now. */
export function spacingLeft(refreshedAt: Instant | undefined, { lifetimeMs, expiryAge }: Held, now: Instant): number {
  if (!refreshedAt) return 0;
  return Math.max(1_000, Math.min(lifetimeMs * 0.1, expiryAge)) - elapsed(refreshedAt, now);
}

/** When the refresh was that brought another holder's tokens: at their issue, as far as they tell, but not before our last. */
export function refreshOf(held: Held, now: Instant, last: Instant | undefined): Instant {
  const ageMs = held.lifetimeMs - leftOf(held, now);
  return after(now, -Math.min(ageMs > 0 ? ageMs : 0, last ? elapsed(last, now) : Infinity));
}

/**
 * The age at which a timer refreshes, `Infinity` for never: spread over the first half of the refresh-ahead window, or
 * over the time before the refresh window, so that a fleet does not refresh in step.
 */
export function plannedAge({ aheadAge, dueAge, lifetimeMs }: Held, random: number): number {
  if (!Number.isFinite(aheadAge)) return Infinity;
  return aheadAge + random * (dueAge > aheadAge ? (dueAge - aheadAge) / 2 : lifetimeMs * -0.1);
}

/**
 * How long a request in the refresh window may wait before it leaves with the token it has: it must still arrive while
 * the token lives, and keep half of its own time for itself.
 */
export function patienceMs(leftOfTokenMs: number, ownTimeMs: number): number {
  return Math.max(0, Math.min(leftOfTokenMs - Math.min(1_000, leftOfTokenMs / 4), ownTimeMs / 2));
}

/**
 * The pause after the n-th consecutive failed operation: grows, is jittered, and leaves room for several more
 * operations before a living token dies.
 */
export function cooldownMs(failures: number, leftOfTokenMs: number, random: number): number {
  const base = Math.min(30_000, 1_000 * 2 ** Math.min(failures - 1, 5));
  const roomy = leftOfTokenMs > 0 ? Math.min(base, Math.max(250, leftOfTokenMs / 5)) : base;
  return roomy * (0.5 + random / 2);
}
