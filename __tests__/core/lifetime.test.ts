/** How long tokens live, on two clocks. */
import { describe, expect, test } from '@jest/globals';
import { elapsed, lifeOf, windowMs, type Instant } from '../../src/core/lifetime.js';
import type { TokenClaims, TokenSet } from '../../src/types.js';

const wall = Date.UTC(2026, 0, 1);
const now: Instant = { wall, monotonic: 5_000 };
const second = wall / 1000;
const set = (fields: Partial<TokenSet> = {}): TokenSet => ({ accessToken: 'a', ...fields });

describe('elapsed (G21): the larger of what the two clocks say', () => {
  test.each<readonly [what: string, later: Instant, expected: number]>([
    ['both clocks went on', { wall: wall + 100, monotonic: 5_100 }, 100],
    ['the wall clock was set back an hour', { wall: wall - 3_600_000, monotonic: 5_100 }, 100],
    ['the machine slept: the monotonic clock stood', { wall: wall + 3_600_000, monotonic: 5_001 }, 3_600_000],
    ['no time has passed', now, 0],
  ])('%s', (_what, later, expected) => {
    expect(elapsed(now, later)).toBe(expected);
  });
});

interface Row {
  readonly what: string;
  readonly tokens?: Partial<TokenSet>;
  readonly claims?: TokenClaims;
  readonly fresh?: boolean;
  readonly skewMs?: number;
  readonly lifetimeMs: number;
  readonly leftMs: number;
}

const rows: readonly Row[] = [
  { what: 'nothing is known', lifetimeMs: Infinity, leftMs: Infinity },
  { what: 'expiresIn alone', tokens: { expiresIn: 3600 }, lifetimeMs: 3_600_000, leftMs: 3_600_000 },
  {
    what: 'expiresIn wins over exp and expiresAt',
    tokens: { expiresIn: 60, expiresAt: wall + 10_000 },
    claims: { iat: second, exp: second + 3600 },
    lifetimeMs: 60_000,
    leftMs: 60_000,
  },
  {
    what: 'expiresIn is not touched by skew',
    tokens: { expiresIn: 60 },
    skewMs: 3_600_000,
    lifetimeMs: 60_000,
    leftMs: 60_000,
  },
  {
    what: 'exp and iat of a token issued now',
    claims: { iat: second, exp: second + 300 },
    fresh: true,
    lifetimeMs: 300_000,
    leftMs: 300_000,
  },
  {
    what: 'exp and iat of a restored token, two thirds gone',
    claims: { iat: second - 200, exp: second + 100 },
    lifetimeMs: 300_000,
    leftMs: 100_000,
  },
  {
    what: 'a restored token that is dead',
    claims: { iat: second - 400, exp: second - 100 },
    lifetimeMs: 300_000,
    leftMs: -100_000,
  },
  {
    what: 'a fresh token, and our clock is slow by 1 h: its own lifetime counts',
    claims: { iat: second + 3600, exp: second + 3900 },
    fresh: true,
    lifetimeMs: 300_000,
    leftMs: 300_000,
  },
  {
    what: 'a restored token from the future: no more than its own lifetime',
    claims: { iat: second + 3600, exp: second + 3900 },
    lifetimeMs: 300_000,
    leftMs: 300_000,
  },
  {
    what: 'a fresh token, our clock fast by 100 s: its own lifetime counts',
    claims: { iat: second - 100, exp: second + 200 },
    fresh: true,
    lifetimeMs: 300_000,
    leftMs: 300_000,
  },
  {
    what: 'a known skew corrects the clock',
    claims: { iat: second - 100, exp: second + 200 },
    fresh: true,
    skewMs: -100_000,
    lifetimeMs: 300_000,
    leftMs: 300_000,
  },
  {
    what: 'a known skew shows that a token out of a cache is old',
    claims: { iat: second - 200, exp: second + 100 },
    fresh: true,
    skewMs: 0,
    lifetimeMs: 300_000,
    leftMs: 100_000,
  },
  { what: 'exp without iat', claims: { exp: second + 60 }, lifetimeMs: 60_000, leftMs: 60_000 },
  {
    what: 'exp without iat, with skew',
    claims: { exp: second + 60 },
    skewMs: 20_000,
    lifetimeMs: 40_000,
    leftMs: 40_000,
  },
  { what: 'expiresAt alone', tokens: { expiresAt: wall + 90_000 }, lifetimeMs: 90_000, leftMs: 90_000 },
  {
    what: 'expiresAt before exp, where iat is known: it limits what is left',
    tokens: { expiresAt: wall + 90_000 },
    claims: { iat: second, exp: second + 300 },
    lifetimeMs: 300_000,
    leftMs: 90_000,
  },
  {
    what: 'expiresAt before exp, of a token issued now: the same',
    tokens: { expiresAt: wall + 90_000 },
    claims: { iat: second, exp: second + 300 },
    fresh: true,
    lifetimeMs: 300_000,
    leftMs: 90_000,
  },
  {
    what: 'exp before iat is no lifetime',
    claims: { iat: second + 10, exp: second + 5 },
    lifetimeMs: 5_000,
    leftMs: 5_000,
  },
  { what: 'exp negative', claims: { exp: -5 }, lifetimeMs: -5_000 - wall, leftMs: -5_000 - wall },
  { what: 'a life of 1 s', tokens: { expiresIn: 1 }, lifetimeMs: 1_000, leftMs: 1_000 },
  {
    what: 'a life of 10 years',
    tokens: { expiresIn: 315_360_000 },
    lifetimeMs: 315_360_000_000,
    leftMs: 315_360_000_000,
  },
  { what: 'a life of nothing', tokens: { expiresIn: 0 }, lifetimeMs: 0, leftMs: 0 },
];

describe('lifeOf: expiresIn, else exp - iat, else expiry minus the corrected now', () => {
  test.each(rows)('$what', ({ tokens, claims = {}, fresh = false, skewMs, lifetimeMs, leftMs }) => {
    expect(lifeOf(set(tokens), claims, now, fresh, skewMs)).toEqual({ lifetimeMs, leftMs });
  });
});

describe('windowMs: the lesser of the two limits', () => {
  test.each<readonly [lifetimeMs: number, expected: number]>([
    [1_000, 200],
    [60_000, 12_000],
    [599_999, 119_999.8],
    [600_000, 120_000],
    [600_001, 120_000],
    [3_600_000, 120_000],
    [315_360_000_000, 120_000],
    [0, 0],
    [-5_000, 0],
  ])('refresh window of a life of %p ms is %p ms', (lifetimeMs, expected) => {
    expect(windowMs({ maxMs: 120_000, ttlFraction: 0.2 }, lifetimeMs)).toBeCloseTo(expected, 6);
  });

  test.each<readonly [lifetimeMs: number, expected: number]>([
    [1_000, 400],
    [749_999, 299_999.6],
    [750_000, 300_000],
    [3_600_000, 300_000],
  ])('refresh-ahead window of a life of %p ms is %p ms', (lifetimeMs, expected) => {
    expect(windowMs({ maxMs: 300_000, ttlFraction: 0.4 }, lifetimeMs)).toBeCloseTo(expected, 6);
  });
});
