/** Whether what a refresh returned may be kept: pure. */
import { TokenError } from '../errors.js';
import type { TokenClaims, TokenSet } from '../types.js';
import { claimsOf, subjectOf } from './claims.js';
import { freshnessOf, hold, type Held, type HoldRules } from './freshness.js';
import type { Instant } from './lifetime.js';
import { readTokens } from './tokens.js';

export interface Offer {
  readonly returned: unknown;
  /** When it was asked for: the token is at least as old as this. */
  readonly askedAt: Instant;
  readonly now: Instant;
  readonly current: Held | undefined;
  readonly skewMs: number | undefined;
}

/** The token set to hold from now on. Throws `AUTH_REFRESH_RESPONSE_INVALID` if it is no use. */
export function accept({ returned, askedAt, now, current, skewMs }: Offer, rules: HoldRules): Held {
  const reading = readTokens(returned);
  if ('problem' in reading) throw invalid(reading.problem);
  const before = current?.tokens;
  const { accessToken, refreshToken = before?.refreshToken, audience = before?.audience, expiresIn } = reading.tokens;
  const same = current?.tokens.accessToken === accessToken;
  const claims = same ? current.claims : claimsOf(accessToken);
  const tokens = { ...reading.tokens, refreshToken, audience, subject: givenSubject(reading.tokens, claims, current) };
  if (same && current.refused) throw invalid('it is the very token that the API refused');
  // The same token again has not become younger; an opaque one may have been given more time.
  const unchanged = same && (expiresIn === undefined || claims.exp !== undefined);
  const arrival = { anchor: askedAt, now, fresh: true, skewMs, previous: current };
  const held = unchanged ? { ...current, tokens } : hold(tokens, rules, arrival, claims);
  if (freshnessOf(held, now) === 'expired') throw invalid('it has expired already ("expiresAt" is in milliseconds)');
  if (current?.subject !== undefined && held.subject !== undefined && held.subject !== current.subject) {
    throw invalid("it is another user's");
  }
  return held;
}

/** The refresh token of an answer that may not be kept, if it is another one and this user's. */
export function nextRefreshToken(returned: unknown, current: Held | undefined): string | undefined {
  const reading = readTokens(returned);
  if (!current || 'problem' in reading) return undefined;
  const { refreshToken, accessToken } = reading.tokens;
  const claims = claimsOf(accessToken);
  const subject = givenSubject(reading.tokens, claims, current) ?? subjectOf(claims);
  const isOthers = subject !== undefined && current.subject !== undefined && subject !== current.subject;
  return isOthers || refreshToken === current.tokens.refreshToken ? undefined : refreshToken;
}

/** Whose it is by what the callback says, or the sign-in said, unless the JWT itself has become another user's. */
function givenSubject({ subject }: TokenSet, claims: TokenClaims, before: Held | undefined): string | undefined {
  const own = subjectOf(claims);
  const stays = own === undefined || (before && own === subjectOf(before.claims));
  return subject ?? (stays ? before?.tokens.subject : undefined);
}

function invalid(problem: string): TokenError {
  const message = `The refresh callback returned no usable token: ${problem}.`;
  return new TokenError('AUTH_REFRESH_RESPONSE_INVALID', message, { kind: 'protocol' });
}
