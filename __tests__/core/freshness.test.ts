/** What a held token is good for at each moment of its life. */
import { describe, expect, test } from '@jest/globals';
import {
  cooldownMs,
  freshnessOf,
  hold,
  leftOf,
  patienceMs,
  refreshOf,
  spacingLeft,
  type Freshness,
  type Held,
  type HoldRules,
} from '../../src/core/freshness.js';
import { elapsed, type Instant } from '../../src/core/lifetime.js';
import { isTokenError } from '../../src/errors.js';
import type { TokenSet } from '../../src/types.js';
import { jwt } from '../support/jwt.js';

const anchor: Instant = { wall: Date.UTC(2026, 0, 1), monotonic: 1_000 };
const rules: HoldRules = {
  refreshWindow: { maxMs: 120_000, ttlFraction: 0.2 },
  refreshAhead: { maxMs: 300_000, ttlFraction: 0.4 },
  formatHeader: (token) => `Bearer ${token}`,
};
const after = (ms: number): Instant => ({ wall: anchor.wall + ms, monotonic: anchor.monotonic + ms });
const held = (tokens: Partial<TokenSet>, given: Partial<HoldRules> = {}): Held =>
  hold(
    { accessToken: 'opaque', ...tokens },
    { ...rules, ...given },
    { anchor, now: anchor, fresh: true, skewMs: undefined, previous: undefined },
  );
const living = (lifetimeMs: number, given: Partial<HoldRules> = {}): Held =>
  held({ expiresIn: lifetimeMs / 1000 }, given);

describe('freshnessOf, at the edges of the windows (G1, G2, G4)', () => {
  test.each<readonly [lifetimeMs: number, remainingMs: number, expected: Freshness]>([
    // An hour: the fixed limits of 120 s and 300 s are the lesser.
    [3_600_000, 3_600_000, 'fresh'],
    [3_600_000, 300_001, 'fresh'],
    [3_600_000, 300_000, 'ahead'],
    [3_600_000, 120_001, 'ahead'],
    [3_600_000, 120_000, 'due'],
    [3_600_000, 1, 'due'],
    [3_600_000, 0, 'expired'],
    [3_600_000, -1, 'expired'],
    // Five minutes: 20 % and 40 % are.
    [300_000, 120_001, 'fresh'],
    [300_000, 120_000, 'ahead'],
    [300_000, 60_001, 'ahead'],
    [300_000, 60_000, 'due'],
    [300_000, 0, 'expired'],
    // Ten minutes: 20 % is 120 s.
    [600_000, 120_001, 'ahead'],
    [600_000, 120_000, 'due'],
    // One second.
    [1_000, 401, 'fresh'],
    [1_000, 400, 'ahead'],
    [1_000, 201, 'ahead'],
    [1_000, 200, 'due'],
    [1_000, 0, 'expired'],
    // Ten years.
    [315_360_000_000, 300_001, 'fresh'],
    [315_360_000_000, 300_000, 'ahead'],
    [315_360_000_000, 120_000, 'due'],
    [315_360_000_000, 0, 'expired'],
  ])('a life of %p ms with %p ms left is %s', (lifetimeMs, remainingMs, expected) => {
    expect(freshnessOf(living(lifetimeMs), after(lifetimeMs - remainingMs))).toBe(expected);
  });

  test('an unknown expiry is fresh for ever (G5)', () => {
    for (const ms of [0, 1, 86_400_000, 315_360_000_000]) expect(freshnessOf(held({}), after(ms))).toBe('fresh');
    expect(leftOf(held({}), after(86_400_000))).toBe(Infinity);
  });

  test('no refresh-ahead window: fresh until the refresh window', () => {
    const token = living(3_600_000, { refreshAhead: false });
    expect(freshnessOf(token, after(3_600_000 - 120_001))).toBe('fresh');
    expect(freshnessOf(token, after(3_600_000 - 120_000))).toBe('due');
  });

  test('a refresh-ahead window inside the refresh window adds nothing', () => {
    const token = living(3_600_000, { refreshAhead: { maxMs: 10_000, ttlFraction: 1 } });
    expect(freshnessOf(token, after(3_600_000 - 120_001))).toBe('fresh');
    expect(freshnessOf(token, after(3_600_000 - 120_000))).toBe('due');
  });

  test('a window as long as the life: due from the first moment, expired only at its end', () => {
    const token = living(60_000, { refreshWindow: { maxMs: 60_000, ttlFraction: 1 } });
    expect(freshnessOf(token, after(0))).toBe('due');
    expect(freshnessOf(token, after(59_999))).toBe('due');
    expect(freshnessOf(token, after(60_000))).toBe('expired');
  });

  test('a token that arrives dead is expired at once, one that arrives inside its window is due (G6)', () => {
    const iat = anchor.wall / 1000;
    const restored = (left: number): Held =>
      hold({ accessToken: jwt({ iat: iat - 300 + left, exp: iat + left }) }, rules, {
        anchor,
        now: anchor,
        fresh: false,
        skewMs: undefined,
        previous: undefined,
      });
    expect(freshnessOf(restored(-1), anchor)).toBe('expired');
    expect(freshnessOf(restored(0), anchor)).toBe('expired');
    expect(freshnessOf(restored(60), anchor)).toBe('due');
    expect(freshnessOf(restored(120), anchor)).toBe('ahead');
    expect(freshnessOf(restored(121), anchor)).toBe('fresh');
  });

  test('a token that the API refused is due while it lives, and expired after', () => {
    const refused: Held = { ...living(3_600_000), refused: true };
    expect(freshnessOf(refused, after(0))).toBe('due');
    expect(freshnessOf(refused, after(3_600_000))).toBe('expired');
  });

  test('a wall clock set back does not give a token a second life (G21)', () => {
    expect(freshnessOf(living(1_000), { wall: anchor.wall - 3_600_000, monotonic: anchor.monotonic + 1_000 })).toBe(
      'expired',
    );
  });
});

describe('hold', () => {
  test('works the header out once', () => {
    expect(held({ accessToken: 'abc' }).headerValue).toBe('Bearer abc');
  });

  test.each<readonly [what: string, tokens: Partial<TokenSet>, expected: string | undefined]>([
    ['the subject of the token set', { accessToken: jwt({ sub: 'ada' }), subject: 'grace' }, 'grace'],
    ['the sub of the JWT', { accessToken: jwt({ sub: 'ada' }) }, 'ada'],
    ['a sub that is a number', { accessToken: jwt({ sub: 5 }) }, '5'],
    ['nobody, if sub is something else', { accessToken: jwt({ sub: { id: 5 } }) }, undefined],
    ['nobody, if the token is opaque', {}, undefined],
  ])('takes %s', (_what, tokens, expected) => {
    expect(held(tokens).subject).toBe(expected);
  });

  test.each<readonly [what: string, formatHeader: () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('secret-in-the-message');
      },
    ],
    ['returns undefined', () => undefined],
    ['returns a promise', () => Promise.resolve('Bearer x')],
    ['returns an empty string', () => ''],
    ['returns a line break', () => 'Bearer x\r\nX-Evil: 1'],
    ['returns a character outside ASCII', () => 'Bearer ✨'],
  ])('a formatHeader that %s makes no header: malformed, without a quotation', (_what, formatHeader) => {
    let thrown: unknown;
    try {
      held({}, { formatHeader: formatHeader as HoldRules['formatHeader'] });
    } catch (error) {
      thrown = error;
    }
    expect(isTokenError(thrown, 'AUTH_TOKEN_MALFORMED')).toBe(true);
    expect(String(thrown)).toContain('formatHeader');
    expect(String(thrown)).not.toMatch(/secret|Evil/);
  });
});

describe('spacingLeft (G6): refreshes of living tokens are at least max(1 s, 10 % of the life) apart', () => {
  test.each<readonly [lifetimeMs: number, spacingMs: number]>([
    [1_000, 1_000],
    [9_999, 1_000],
    [10_000, 1_000],
    [10_010, 1_001],
    [60_000, 6_000],
    [3_600_000, 360_000],
    [315_360_000_000, 31_536_000_000],
  ])('a life of %p ms: %p ms', (lifetimeMs, spacingMs) => {
    const token = living(lifetimeMs);
    expect(spacingLeft(anchor, token, after(spacingMs - 1))).toBeGreaterThan(0);
    expect(spacingLeft(anchor, token, after(spacingMs))).toBeLessThanOrEqual(0);
  });

  test('an unknown life is never ahead of its death', () => {
    expect(spacingLeft(anchor, held({}), after(3_600_000))).toBe(Infinity);
  });

  test('a life that is all but over when the token comes: until its death', () => {
    const token = { ...living(3_600_000), expiryAge: 5_000 };
    expect(spacingLeft(anchor, token, after(4_999))).toBeGreaterThan(0);
    expect(spacingLeft(anchor, token, after(5_000))).toBeLessThanOrEqual(0);
  });

  test('nothing to keep away from before the first refresh', () => {
    expect(spacingLeft(undefined, living(3_600_000), after(0))).toBeLessThanOrEqual(0);
  });
});

describe('refreshOf (G6): what another holder refreshed counts from its issue', () => {
  test.each<readonly [why: string, ageMs: number, lastAgoMs: number | undefined, agoMs: number]>([
    ['just issued', 0, undefined, 0],
    ['issued a while ago', 3_000_000, undefined, 3_000_000],
    ['issued before our own last refresh', 3_000_000, 60_000, 60_000],
    ['issued after our own last refresh', 60_000, 3_000_000, 60_000],
  ])('%s', (_why, ageMs, lastAgoMs, agoMs) => {
    const now = after(ageMs);
    const last =
      lastAgoMs === undefined ? undefined : { wall: now.wall - lastAgoMs, monotonic: now.monotonic - lastAgoMs };
    expect(elapsed(refreshOf(living(3_600_000), now, last), now)).toBe(agoMs);
  });

  test('an unknown life: now', () => {
    expect(refreshOf(held({}), after(5_000), undefined)).toEqual(after(5_000));
  });
});

describe('patienceMs (G3): a request that waits still leaves while its token lives', () => {
  test.each<readonly [leftMs: number, ownMs: number, expected: number]>([
    [120_000, Infinity, 119_000],
    [4_000, Infinity, 3_000],
    [2_000, Infinity, 1_500],
    [400, Infinity, 300],
    [0, Infinity, 0],
    [-5_000, Infinity, 0],
    [120_000, 10_000, 5_000],
    [120_000, 1, 0.5],
    [2_000, 2_000, 1_000],
    [Infinity, 10_000, 5_000],
  ])('%p ms left of the token and %p ms of its own: waits at most %p ms', (leftMs, ownMs, expected) => {
    expect(patienceMs(leftMs, ownMs)).toBe(expected);
  });

  test('never outlives the token, never uses up the request', () => {
    for (const left of [1, 10, 999, 1_000, 4_001, 60_000]) {
      for (const own of [1, 50, 5_000, Infinity]) {
        expect(patienceMs(left, own)).toBeLessThan(left);
        expect(patienceMs(left, own)).toBeLessThan(own);
      }
    }
  });
});

describe('cooldownMs (G18)', () => {
  test('grows, and stays between its bounds without a living token', () => {
    const ceilings = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
    ceilings.forEach((ceiling, index) => {
      expect(cooldownMs(index + 1, 0, 0)).toBe(ceiling / 2);
      expect(cooldownMs(index + 1, 0, 1)).toBe(ceiling);
      expect(cooldownMs(index + 1, -5_000, 1)).toBe(ceiling);
    });
  });

  test('several more operations fit before a living token dies', () => {
    for (const leftMs of [2_000, 10_000, 60_000, 120_000, 3_600_000]) {
      for (const failures of [1, 3, 6, 50, 1_000]) {
        expect(cooldownMs(failures, leftMs, 1)).toBeLessThanOrEqual(leftMs / 5);
      }
    }
  });

  test('never so short that it is none, even for a dying token', () => {
    for (const leftMs of [1, 100, 1_000]) expect(cooldownMs(1, leftMs, 0)).toBeGreaterThanOrEqual(125);
  });

  test('a token of unknown expiry is paused for like none', () => {
    expect(cooldownMs(3, Infinity, 1)).toBe(4_000);
  });
});
