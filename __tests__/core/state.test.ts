/** What a session becomes when something happens to it. */
import { describe, expect, test } from '@jest/globals';
import { hold, type Held } from '../../src/core/freshness.js';
import type { Instant } from '../../src/core/lifetime.js';
import {
  adopted,
  expired,
  failed,
  initialState,
  nextLookMs,
  pictureOf,
  refused,
  rotated,
  sameHolder,
  signedOut,
  troubleOf,
  unpaused,
  type Holder,
  type State,
} from '../../src/core/state.js';
import { TokenError } from '../../src/errors.js';

type Operation = string;

const now: Instant = { wall: Date.UTC(2026, 0, 1), monotonic: 10_000 };
const after = (ms: number): Instant => ({ wall: now.wall + ms, monotonic: now.monotonic + ms });
const rules = {
  refreshWindow: { maxMs: 120_000, ttlFraction: 0.2 },
  refreshAhead: { maxMs: 300_000, ttlFraction: 0.4 },
  formatHeader: (token: string) => `Bearer ${token}`,
};
const held = (subject?: string, expiresIn?: number): Held =>
  hold({ accessToken: 'opaque', subject, expiresIn }, rules, {
    anchor: now,
    now,
    fresh: true,
    skewMs: undefined,
    previous: undefined,
  });
const down = new TokenError('AUTH_TOKEN_REFRESH_FAILED', 'The server is down.');
const gone = new TokenError('AUTH_SESSION_EXPIRED', 'Refused.');

const nobody: State<Operation> = initialState;
const given = (state: State<Operation>, fields: Partial<State<Operation>>): State<Operation> => ({
  ...state,
  ...fields,
});
const holding = (token: Held, fields: Partial<State<Operation>> = {}): State<Operation> => {
  const signedIn = given(nobody, adopted(nobody, token));
  return given(signedIn, fields);
};
/** Signed in as Ada for an hour, after a bad time. */
const troubled = holding(held('ada', 3_600), {
  operation: 'op2',
  late: ['op1'],
  dormant: true,
  ending: gone,
  error: down,
  failures: 3,
  escalated: 'here',
  pausedUntil: after(10_000),
  refreshedAt: after(-5_000),
  forcedAt: after(-9_000),
  skewMs: 7_000,
});

describe('sameHolder (G11)', () => {
  test.each<readonly [what: string, a: Holder, b: Holder, expected: boolean]>([
    ['one who stayed', { id: 1, subject: 'ada' }, { id: 1, subject: 'ada' }, true],
    ['one whose name came later', { id: 1, subject: undefined }, { id: 1, subject: 'ada' }, true],
    ['one who signed out and in again', { id: 1, subject: 'ada' }, { id: 3, subject: 'ada' }, true],
    ['another user', { id: 1, subject: 'ada' }, { id: 2, subject: 'eve' }, false],
    [
      'two without a name, with a sign-out between',
      { id: 1, subject: undefined },
      { id: 2, subject: undefined },
      false,
    ],
    ['somebody after nobody in particular', { id: 1, subject: undefined }, { id: 2, subject: 'ada' }, false],
  ])('%s', (_what, a, b, expected) => {
    expect([sameHolder(a, b), sameHolder(b, a)]).toStrictEqual([expected, expected]);
  });
});

describe('adopted: new tokens', () => {
  test.each<readonly [what: string, before: State<Operation>, subject: string | undefined, expected: Holder]>([
    ['the first, of nobody in particular', nobody, undefined, { id: 0, subject: undefined }],
    ['the first, of Ada', nobody, 'ada', { id: 0, subject: 'ada' }],
    ["Ada's again", holding(held('ada')), 'ada', { id: 0, subject: 'ada' }],
    ["after Ada's, of nobody in particular", holding(held('ada')), undefined, { id: 0, subject: 'ada' }],
    ["Ada's, after those of nobody in particular", holding(held()), 'ada', { id: 0, subject: 'ada' }],
    ["Eve's after Ada's", holding(held('ada')), 'eve', { id: 1, subject: 'eve' }],
  ])('%s: whose they are (G11)', (_what, before, subject, expected) => {
    const change = adopted(before, held(subject));
    expect(change.holder).toEqual(expected);
    expect(change.credential).toMatchObject({ holder: expected, generation: before.generation + 1 });
  });

  test('end every trouble, and the refresh with it', () => {
    expect(given(troubled, adopted(troubled, held('ada')))).toMatchObject({
      status: 'active',
      generation: 2,
      operation: undefined,
      dormant: false,
      ending: undefined,
      error: undefined,
      failures: 0,
      escalated: undefined,
      pausedUntil: unpaused,
      skewMs: 7_000,
    });
  });

  const times = ({ refreshedAt, forcedAt, late }: State<Operation>): object => ({ refreshedAt, forcedAt, late });

  test.each<readonly [what: string, refreshedAt: Instant | undefined, forced: boolean, expected: object]>([
    ['from a sign-in: no refresh is remembered', undefined, false, { refreshedAt: undefined, forcedAt: undefined }],
    ['from a refresh (G6)', now, false, { refreshedAt: now, forcedAt: after(-9_000) }],
    ['from a refresh that a 401 forced (G9)', now, true, { refreshedAt: now, forcedAt: now }],
  ])('%s', (_what, refreshedAt, forced, expected) => {
    const state = given(troubled, adopted(troubled, held('ada'), refreshedAt, forced));
    expect(times(state)).toEqual({ ...expected, late: [] });
  });
});

describe('refused: the API did not want the token', () => {
  test('it is marked, and stays the current one', () => {
    const before = holding(held('ada', 3_600));
    const state = given(before, refused(before));
    expect(state.credential).toEqual({ ...before.credential, held: { ...before.credential?.held, refused: true } });
    expect(state).toMatchObject({ generation: 1, status: 'active' });
    expect(before.credential?.held.refused).toBe(false);
  });

  test('where there is none, nothing changes', () => {
    expect(refused(nobody)).toEqual({});
  });
});

describe('rotated: another refresh token beside the same access token (G13)', () => {
  test('changes that token alone', () => {
    const before = holding(held('ada', 3_600));
    const after = given(before, rotated(before, 'next'));
    expect(after.credential?.held.tokens.refreshToken).toBe('next');
    expect(after).toEqual({
      ...before,
      credential: {
        ...before.credential,
        held: { ...before.credential?.held, tokens: { ...before.credential?.held.tokens, refreshToken: 'next' } },
      },
    });
  });

  test('where nobody is signed in, nothing changes', () => {
    expect(rotated(nobody, 'next')).toEqual({});
  });
});

describe('failed: a refresh has failed (G18)', () => {
  test.each<readonly [what: string, before: State<Operation>, random: number, failures: number, pauseMs: number]>([
    ['the first, no token', given(nobody, { operation: 'op1' }), 1, 1, 1_000],
    ['the first, no token, at the short end', given(nobody, { operation: 'op1' }), 0, 1, 500],
    ['the third, no token', given(nobody, { operation: 'op1', failures: 2 }), 1, 3, 4_000],
    ['the third, a token with two seconds left', holding(held('ada', 2), { operation: 'op1', failures: 2 }), 1, 3, 400],
    ['the third, a token for ever', holding(held(), { operation: 'op1', failures: 2 }), 1, 3, 4_000],
  ])('%s', (_what, before, random, failures, pauseMs) => {
    expect(failed(before, down, now, random, 0)).toEqual({
      operation: undefined,
      late: ['op1'],
      error: down,
      failures,
      streak: { kinds: { callback: 1 }, firstAt: now.wall, lastAt: now.wall },
      pausedUntil: after(pauseMs),
    });
  });
});

describe('troubleOf: what operators are told of a streak (G19)', () => {
  const late = new TokenError('AUTH_TOKEN_REFRESH_FAILED', 'Down.', { kind: 'server' });
  const failing = (state: State<Operation>): State<Operation> => given(state, failed(state, down, now, 0, 0));

  test('its failures by kind, its first and its last', () => {
    const once = failing(holding(held('ada', 3_600)));
    const twice = given(once, failed(once, late, after(60_000), 0, 0));
    expect(troubleOf(twice, after(60_000))).toEqual({
      consecutiveFailures: 2,
      kinds: { callback: 1, server: 1 },
      firstFailureAt: now.wall,
      lastFailureAt: after(60_000).wall,
      leftMs: 3_540_000,
    });
  });

  test.each<readonly [what: string, state: State<Operation>, at: Instant, leftMs: number | undefined]>([
    ['no token', nobody, now, 0],
    ['a dead one', holding(held('ada', 3_600)), after(4_000_000), 0],
    ['one for ever', holding(held()), now, undefined],
  ])('what is left of %s', (_what, state, at, leftMs) => {
    expect(troubleOf(failing(state), at).leftMs).toBe(leftMs);
  });
});

describe('expired: refused for good', () => {
  test.each<
    readonly [what: string, before: State<Operation>, fromNothing: boolean, status: string, generation: number]
  >([
    ['who was signed in has expired', holding(held('ada')), false, 'expired', 2],
    ['who never was is still signed out', nobody, false, 'signed-out', 0],
    ['a service that starts from nothing has expired', nobody, true, 'expired', 0],
    ['who had expired has', given(nobody, { status: 'expired', generation: 4 }), false, 'expired', 4],
  ])('%s (G17)', (_what, before, fromNothing, status, generation) => {
    const state = given(before, expired(before, gone, fromNothing));
    expect(state).toMatchObject({
      status,
      generation,
      credential: undefined,
      operation: undefined,
      ending: undefined,
      dormant: true,
      error: gone,
      holder: before.holder,
    });
  });

  test('the pause and the count of failures stay: the next refresh is no sooner', () => {
    expect(given(troubled, expired(troubled, gone, false))).toMatchObject({ failures: 3, pausedUntil: after(10_000) });
  });
});

describe('signedOut (G11)', () => {
  test('nothing is left of the session but its count of changes, and what it knows of the clock', () => {
    expect(given(troubled, signedOut(troubled))).toEqual({
      ...initialState,
      dormant: true,
      generation: 2,
      holder: { id: 1, subject: undefined },
      skewMs: 7_000,
    });
  });

  test('without a token the generation stays, and yet whoever comes is another', () => {
    expect(signedOut(nobody)).toMatchObject({ generation: 0, holder: { id: 1, subject: undefined } });
  });
});

describe('nextLookMs (G22)', () => {
  const hour = held('ada', 3_600);
  const never = Infinity;

  test.each<
    readonly [what: string, state: State<Operation>, scheduled: boolean, random: number, at: Instant, expected: number]
  >([
    ['signed out', nobody, true, 0, now, never],
    ['signed out, in a cooldown', given(nobody, { pausedUntil: after(2_000) }), false, 0, now, 2_000],
    [
      'signed out, after a cooldown that a sleep has ended',
      given(nobody, { pausedUntil: after(20_000) }),
      false,
      0,
      { wall: now.wall + 60_000, monotonic: now.monotonic },
      never,
    ],
    [
      'signed out, in a cooldown, the clock set back',
      given(nobody, { pausedUntil: after(20_000) }),
      false,
      0,
      { wall: now.wall - 60_000, monotonic: now.monotonic + 15_000 },
      5_000,
    ],
    ['signed out, after a cooldown', given(nobody, { pausedUntil: after(-1_000) }), false, 0, now, never],
    ['active, without a schedule', holding(hour), false, 0, now, never],
    ['active, without a schedule, in a cooldown', holding(hour, { pausedUntil: after(2_000) }), false, 0, now, 2_000],
    ['scheduled: where the refresh-ahead window begins', holding(hour), true, 0, now, 3_300_000],
    ['scheduled: in the middle of it at the latest', holding(hour), true, 1, now, 3_390_000],
    ['scheduled: half an hour later', holding(hour), true, 0, after(1_800_000), 1_500_000],
    ['scheduled: overdue', holding(hour), true, 0, after(3_301_000), 0],
    [
      'scheduled: overdue, in a cooldown',
      holding(hour, { pausedUntil: after(3_302_000) }),
      true,
      0,
      after(3_301_000),
      1_000,
    ],
    [
      'scheduled: overdue, but refreshed just now (G6)',
      holding(hour, { refreshedAt: after(3_300_000) }),
      true,
      0,
      after(3_301_000),
      359_000,
    ],
    ['scheduled: an unknown expiry', holding(held()), true, 0, now, never],
    ['ending: when the token dies', holding(hour, { ending: gone }), false, 0, after(600_000), 3_000_000],
    [
      'ending: neither a schedule nor a cooldown changes that',
      holding(hour, { ending: gone, pausedUntil: after(2_000) }),
      true,
      0,
      now,
      3_600_000,
    ],
    ['ending: a token that has died', holding(hour, { ending: gone }), false, 0, after(3_600_000), 0],
  ])('%s', (_what, state, scheduled, random, at, expected) => {
    expect(nextLookMs(state, at, scheduled, random)).toBe(expected);
  });
});

describe('pictureOf', () => {
  const seconds = (ms: number | undefined): number | undefined => ms && (ms - now.wall) / 1_000;

  test('of nobody', () => {
    expect(pictureOf(nobody, 0)).toEqual({
      status: 'signed-out',
      isRefreshing: false,
      generation: 0,
      expiresAt: undefined,
      endsAt: undefined,
      refreshAt: undefined,
      waiting: 0,
      consecutiveFailures: 0,
      clockSkewMs: undefined,
      error: undefined,
    });
  });

  test('of a session in trouble', () => {
    const { expiresAt, endsAt, refreshAt, ...rest } = pictureOf(troubled, 5);
    expect([expiresAt, endsAt, refreshAt].map(seconds)).toStrictEqual([3_600, 3_600, 3_300]);
    expect(rest).toEqual({
      status: 'active',
      isRefreshing: true,
      generation: 1,
      waiting: 5,
      consecutiveFailures: 3,
      clockSkewMs: 7_000,
      error: down,
    });
  });

  test('an expiry that is not known is not told', () => {
    expect(pictureOf(holding(held()), 0)).toMatchObject({ expiresAt: undefined, refreshAt: undefined });
  });

  test.each<readonly [what: string, state: State<Operation>, expected: number | undefined]>([
    ['what answers have told wins', holding({ ...held(), skewMs: 3_000 }, { skewMs: 7_000 }), 7_000],
    ['even that there is none', holding({ ...held(), skewMs: 3_000 }, { skewMs: 0 }), 0],
    ['else what the token tells', holding({ ...held(), skewMs: 3_000 }), 3_000],
    ['else nothing', holding(held()), undefined],
  ])('of the skew: %s (G21)', (_what, state, expected) => {
    expect(pictureOf(state, 0).clockSkewMs).toBe(expected);
  });

  test('is frozen, and holds no token (G24)', () => {
    const picture = pictureOf(troubled, 0);
    expect(Object.isFrozen(picture)).toBe(true);
    expect(JSON.stringify(picture)).not.toContain('opaque');
  });
});

test('no change touches the state that it starts from', () => {
  const before = structuredClone({ ...troubled, error: undefined, ending: undefined });
  adopted(troubled, held('eve'), now, true);
  refused(troubled);
  failed(troubled, down, now, 0.5, 0);
  expired(troubled, gone, true);
  signedOut(troubled);
  expect({ ...troubled, error: undefined, ending: undefined }).toEqual(before);
});
