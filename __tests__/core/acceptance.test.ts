/** Which results of a refresh are kept, and what is kept of them. */
import { describe, expect, test } from '@jest/globals';
import { accept, nextRefreshToken, type Offer } from '../../src/core/acceptance.js';
import { hold, type Held, type HoldRules } from '../../src/core/freshness.js';
import type { Instant } from '../../src/core/lifetime.js';
import { isTokenError, type TokenError } from '../../src/errors.js';
import type { TokenSet } from '../../src/types.js';
import { jwt } from '../support/jwt.js';

const askedAt: Instant = { wall: Date.UTC(2026, 0, 1), monotonic: 1_000 };
const after = (ms: number): Instant => ({ wall: askedAt.wall + ms, monotonic: askedAt.monotonic + ms });
const second = askedAt.wall / 1000;
const rules: HoldRules = {
  refreshWindow: { maxMs: 120_000, ttlFraction: 0.2 },
  refreshAhead: { maxMs: 300_000, ttlFraction: 0.4 },
  formatHeader: (token) => `Bearer ${token}`,
};

/** A token set that the session holds since an hour. */
const since = (tokens: TokenSet, fields: Partial<Held> = {}): Held => {
  const anchor = after(-3_600_000);
  const held = hold(tokens, rules, { anchor, now: anchor, fresh: true, skewMs: undefined, previous: undefined });
  return { ...held, ...fields };
};
const offer = (returned: unknown, fields: Partial<Offer> = {}): Held =>
  accept({ returned, askedAt, now: after(200), current: undefined, skewMs: undefined, ...fields }, rules);
const refusal = (returned: unknown, fields: Partial<Offer> = {}): TokenError => {
  try {
    offer(returned, fields);
  } catch (error) {
    if (isTokenError(error)) return error;
    throw error;
  }
  throw new Error('It was accepted.');
};
const issued = (ttlSeconds: number, claims: Record<string, unknown> = {}): string =>
  jwt({ iat: second, exp: second + ttlSeconds, ...claims });

describe('accept keeps (G12)', () => {
  const jwtOfAda = issued(300, { sub: 'ada' });

  test.each<readonly [what: string, returned: unknown, current: Held | undefined, expected: object]>([
    ['a bare token', 'new', undefined, { accessToken: 'new' }],
    ['a token set', { accessToken: 'new', refreshToken: 'r2' }, undefined, { accessToken: 'new', refreshToken: 'r2' }],
    [
      'the previous refresh token, where none comes',
      { accessToken: 'new' },
      since({ accessToken: 'old', refreshToken: 'r1' }),
      { accessToken: 'new', refreshToken: 'r1' },
    ],
    [
      'the new refresh token, where one comes',
      { accessToken: 'new', refreshToken: 'r2' },
      since({ accessToken: 'old', refreshToken: 'r1' }),
      { accessToken: 'new', refreshToken: 'r2' },
    ],
    [
      'the audience, where none comes: a token must not go further by itself',
      { accessToken: 'new' },
      since({ accessToken: 'old', audience: ['https://api.example.com'] }),
      { accessToken: 'new', audience: ['https://api.example.com'] },
    ],
    [
      'whose they are by the sign-in, where an opaque token comes',
      { accessToken: 'new' },
      since({ accessToken: 'old', subject: 'ada' }),
      { accessToken: 'new', subject: 'ada' },
    ],
    [
      'whose they are by the sign-in, where the JWTs say it in another way',
      { accessToken: issued(300, { sub: 'id|7' }) },
      since({ accessToken: issued(200, { sub: 'id|7' }), subject: 'ada' }),
      { subject: 'ada' },
    ],
    [
      'a rotated refresh token beside the same access token',
      { accessToken: 'old', refreshToken: 'r2' },
      since({ accessToken: 'old', refreshToken: 'r1' }),
      { accessToken: 'old', refreshToken: 'r2' },
    ],
    ['a token of the same user', jwtOfAda, since({ accessToken: 'old', subject: 'ada' }), { accessToken: jwtOfAda }],
    ['a token of nobody in particular', 'new', since({ accessToken: 'old', subject: 'ada' }), { accessToken: 'new' }],
    ["a user's token where nobody was known", jwtOfAda, since({ accessToken: 'old' }), { accessToken: jwtOfAda }],
    [
      'another token after one that the API refused',
      'new',
      since({ accessToken: 'old' }, { refused: true }),
      { accessToken: 'new' },
    ],
  ])('%s', (_what, returned, current, expected) => {
    const held = offer(returned, { current });
    expect(held.tokens).toMatchObject(expected);
    expect(held).toMatchObject({ refused: false, headerValue: `Bearer ${held.tokens.accessToken}` });
  });
});

describe('how long an accepted token lives, from the moment it was asked for (G21)', () => {
  const same = issued(7_200, { iat: second - 3_600, exp: second + 3_600 });
  const opaque = since({ accessToken: 'opaque', expiresIn: 7_200 });

  test.each<readonly [what: string, returned: unknown, fields: Partial<Offer>, anchor: Instant, expiryAge: number]>([
    ['expiresIn', { accessToken: 'new', expiresIn: 60 }, {}, askedAt, 60_000],
    ['a JWT: its own lifetime', issued(300), {}, askedAt, 300_000],
    ['a JWT of the past: our clock is fast', issued(0, { iat: second - 400, exp: second - 100 }), {}, askedAt, 300_000],
    ['nothing known', 'new', {}, askedAt, Infinity],
    [
      'a JWT, where the server is known to be 100 s ahead',
      issued(0, { iat: second + 50, exp: second + 350 }),
      { skewMs: 100_000 },
      askedAt,
      250_000,
    ],
    [
      'a JWT issued just now by our clock, whatever a gateway’s says',
      issued(300),
      { skewMs: 900_000 },
      askedAt,
      300_000,
    ],
    [
      'the same JWT again has not become younger',
      { accessToken: same, expiresIn: 7_200 },
      { current: since({ accessToken: same }) },
      after(-3_600_000),
      7_200_000,
    ],
    ['the same opaque token again, unchanged', 'opaque', { current: opaque }, after(-3_600_000), 7_200_000],
    [
      'the same opaque token with more time',
      { accessToken: 'opaque', expiresIn: 7_200 },
      { current: opaque },
      askedAt,
      7_200_000,
    ],
  ])('%s', (_what, returned, fields, anchor, expiryAge) => {
    expect(offer(returned, fields)).toMatchObject({ anchor, expiryAge });
  });
});

describe('accept refuses (G12)', () => {
  test.each<readonly [what: string, returned: unknown, fields: Partial<Offer>, named: string]>([
    ['nothing', undefined, {}, 'got undefined'],
    ['null', null, {}, 'got null'],
    ['an empty string', '', {}, '"accessToken"'],
    ['a token that makes no header', 'a b', {}, '"accessToken"'],
    ['a lifetime that is none', { accessToken: 'new', expiresIn: -1 }, {}, '"expiresIn"'],
    ['a token that was dead on arrival', { accessToken: 'new', expiresIn: 0 }, {}, 'expired already'],
    ['a token that died on the way', { accessToken: 'new', expiresIn: 1 }, { now: after(1_000) }, 'expired already'],
    [
      'a JWT of the past, by the clock of the server',
      issued(300, { iat: second - 400, exp: second - 100 }),
      { skewMs: 0 },
      'expired already',
    ],
    ['expiresAt in seconds', { accessToken: 'new', expiresAt: second + 300 }, {}, 'milliseconds'],
    [
      'the same expired token again',
      'old',
      { current: since({ accessToken: 'old', expiresIn: 3_600 }) },
      'expired already',
    ],
    [
      'the very token that the API refused',
      'old',
      { current: since({ accessToken: 'old' }, { refused: true }) },
      'the API refused',
    ],
    [
      'the very token that the API refused, with more time',
      { accessToken: 'old', expiresIn: 60 },
      { current: since({ accessToken: 'old' }, { refused: true }) },
      'the API refused',
    ],
    [
      "another user's token",
      issued(300, { sub: 'eve' }),
      { current: since({ accessToken: 'old', subject: 'ada' }) },
      "another user's",
    ],
    [
      "another user's token by its token set",
      { accessToken: 'new', subject: 'eve' },
      { current: since({ accessToken: jwt({ sub: 'ada' }) }) },
      "another user's",
    ],
  ])('%s', (_what, returned, fields, named) => {
    const error = refusal(returned, fields);
    expect(error).toMatchObject({ code: 'AUTH_REFRESH_RESPONSE_INVALID', kind: 'protocol' });
    expect(error.message).toContain(named);
  });

  test('a token that still has a moment is kept', () => {
    expect(offer({ accessToken: 'new', expiresIn: 1 }, { now: after(999) }).expiryAge).toBe(1_000);
  });

  test('and quotes no token', () => {
    const current = since({ accessToken: 'secret-access', refreshToken: 'secret-refresh' }, { refused: true });
    expect(String(refusal('secret-access', { current }))).not.toMatch(/secret/);
    expect(String(refusal({ accessToken: 'secret access', refreshToken: 'secret-refresh' }))).not.toMatch(/secret/);
  });

  test('a header that cannot be made is a matter of its own', () => {
    const formatHeader = (): string => '';
    const given = { returned: 'new', askedAt, now: askedAt, current: undefined, skewMs: undefined };
    expect(() => accept(given, { ...rules, formatHeader })).toThrow(
      expect.objectContaining({ code: 'AUTH_TOKEN_MALFORMED' }),
    );
  });
});

describe('nextRefreshToken of an answer that may not be kept (G13)', () => {
  const current = since({ accessToken: issued(300, { sub: 'ada' }), refreshToken: 'r1' });

  test.each<readonly [what: string, returned: unknown, current: Held | undefined, expected: string | undefined]>([
    ['another one', { accessToken: 'a', refreshToken: 'r2' }, current, 'r2'],
    ['another one, of the same user', { accessToken: issued(-1, { sub: 'ada' }), refreshToken: 'r2' }, current, 'r2'],
    ['the same one', { accessToken: 'a', refreshToken: 'r1' }, current, undefined],
    ['none', { accessToken: 'a' }, current, undefined],
    ['another user’s, by the JWT', { accessToken: issued(-1, { sub: 'bob' }), refreshToken: 'r2' }, current, undefined],
    [
      'another user’s, by the number of the JWT',
      { accessToken: issued(-1, { sub: 8 }), refreshToken: 'r2' },
      current,
      undefined,
    ],
    ['another user’s, by its word', { accessToken: 'a', refreshToken: 'r2', subject: 'bob' }, current, undefined],
    [
      'the same user’s, whom the sign-in called otherwise',
      { accessToken: issued(-1, { sub: 'id|7' }), refreshToken: 'r2' },
      since({ accessToken: issued(300, { sub: 'id|7' }), subject: 'ada', refreshToken: 'r1' }),
      'r2',
    ],
    ['of a session that holds nothing', { accessToken: 'a', refreshToken: 'r2' }, undefined, undefined],
    ['beside something that is no token', { accessToken: 5, refreshToken: 'r2' }, current, undefined],
  ])('%s', (_what, returned, held, expected) => {
    expect(nextRefreshToken(returned, held)).toBe(expected);
  });
});
