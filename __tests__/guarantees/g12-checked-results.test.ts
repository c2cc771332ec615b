import { describe, expect, test } from '@jest/globals';
import { isTokenError } from '../../src/index.js';
import { settle } from '../support/clock.js';
import { follow, rejection, stage, type Refresh, type Stage } from '../support/stage.js';

const hour = 3_600_000;
type Basis = Parameters<Refresh>[1];
type Row = readonly [what: string, result: (basis: Basis) => unknown];

/** What a callback may return by mistake, and never as a usable token. */
const nonsense: readonly Row[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a number', () => 42],
  ['false', () => false],
  ['an empty string', () => ''],
  ['a blank string', () => '   '],
  ['an empty object', () => ({})],
  ['an array', () => ['abc']],
  ['a function', () => () => 'abc'],
  ['the whole response of Axios', () => ({ status: 200, data: { accessToken: 'abc' } })],
  ['the OAuth answer as it came', () => ({ access_token: 'abc', token_type: 'Bearer' })],
  ['a page of HTML', () => '<!doctype html><html></html>'],
  ['a promise of nothing', () => Promise.resolve(undefined)],
  ['a token with CR and LF', ({ issue }) => `${issue()}\r\nX-Evil: 1`],
  ['a token with a space', ({ issue }) => `Bearer ${issue()}`],
  ['a token outside ASCII', () => 'tökën'],
  ['an access token that is a promise', ({ issue }) => ({ accessToken: Promise.resolve(issue()) })],
  ['a refresh token that is a number', ({ issue }) => ({ accessToken: issue(), refreshToken: 5 })],
  ['a lifetime in words', ({ issue }) => ({ accessToken: issue(), expiresIn: 'soon' })],
  ['a lifetime below zero', ({ issue }) => ({ accessToken: issue(), expiresIn: -1 })],
  ['a lifetime of nothing', ({ issue }) => ({ accessToken: issue(), expiresIn: 0 })],
  ['an expired JWT', ({ issue }) => issue(-60)],
  ['a JWT that expires this very moment', ({ issue }) => issue(0)],
  ['an expiry in the past', ({ clock }) => ({ accessToken: 'abc', expiresAt: clock.now() - 1 })],
  [
    'an expiry in seconds, where milliseconds are meant',
    ({ clock }) => ({
      accessToken: 'abc',
      expiresAt: Math.floor(clock.now() / 1000) + 3_600,
    }),
  ],
  ["another user's token", ({ issue }) => issue(3_600, { sub: 'grace' })],
  ['a token set of another user', ({ issue }) => ({ accessToken: issue(), subject: 'grace' })],
];

/** The callback answers with the row's result first, and well from then on. */
const faulty = (result: Row[1], options: object = {}): Stage => {
  let calls = 0;
  return stage(
    ({ issue }) => ({ tokens: { accessToken: issue(), refreshToken: 'kept' }, retry: false, ...options }),
    (_context, basis) => (++calls === 1 ? result(basis) : basis.issue()),
  );
};

describe('G12 a result is checked before it is kept', () => {
  test.each(nonsense)('%s: refresh() says so, nothing changes, and the next one works', async (_what, result) => {
    const s = faulty(result);
    const before = await s.session.getAccessToken();
    const error = await rejection(s.session.refresh());
    expect(error).toMatchObject({
      code: 'AUTH_REFRESH_RESPONSE_INVALID',
      kind: 'protocol',
      attempts: 1,
      operationId: s.calls[0]?.operationId,
      retryable: true,
    });
    expect(await s.session.getAccessToken()).toBe(before);
    expect(s.session.getSnapshot()).toMatchObject({ status: 'active', generation: 1, error, isRefreshing: false });
    const after = await s.session.refresh();
    expect(after).not.toBe(before);
    expect(s.calls[1]?.tokens).toEqual(expect.objectContaining({ accessToken: before, refreshToken: 'kept' }));
    expect(s.session.getSnapshot()).toMatchObject({ status: 'active', generation: 2, error: undefined });
  });

  test.each(nonsense)(
    '%s, and no living token: every request that waits is told, none is sent',
    async (_what, result) => {
      const s = faulty(result);
      await s.clock.advance(hour);
      const waiting = ['/a', '/b', '/c'].map((url) => follow(s.api.instance.get(url)));
      await settle();
      expect(waiting.map(({ state }) => state)).toStrictEqual(['rejected', 'rejected', 'rejected']);
      for (const { error } of waiting) expect(isTokenError(error, 'AUTH_REFRESH_RESPONSE_INVALID')).toBe(true);
      expect(s.api.seen).toHaveLength(0);
      expect(s.calls).toHaveLength(1);
      // After the cooldown the next request asks again, and gets a good answer.
      await s.clock.advance(2_000);
      await s.api.instance.get('/d');
      expect(s.api.seen.map(({ url }) => url)).toStrictEqual(['/d']);
    },
  );

  test.each(nonsense)('%s, while the current token lives: requests leave with that one (G3)', async (_what, result) => {
    const s = faulty(result);
    const current = await s.session.getAccessToken();
    await s.clock.advance(hour - 60_000);
    await Promise.all([s.api.instance.get('/a'), s.api.instance.get('/b')]);
    expect(s.api.seen.map(({ token }) => token)).toStrictEqual([current, current]);
    expect(s.events.find(({ type }) => type === 'refresh.failed')).toMatchObject({ servedCurrent: true });
  });

  test('with retries, a second attempt may save the operation, a third is not made', async () => {
    const saved = faulty(() => undefined, { retry: { minDelayMs: 0 } });
    follow(saved.session.refresh());
    await saved.clock.advance(10_000);
    expect(saved.types()).toContain('refresh.succeeded');
    const lost = stage(
      ({ issue }) => ({ tokens: issue() }),
      () => undefined,
    );
    const forced = follow(lost.session.refresh());
    await lost.clock.advance(10_000);
    expect(isTokenError(forced.error, 'AUTH_REFRESH_RESPONSE_INVALID')).toBe(true);
    expect(lost.calls.length).toBeLessThanOrEqual(3);
  });
});

describe('G12 the same token again', () => {
  test.each<readonly [what: string, again: (token: string) => unknown]>([
    ['alone', (token) => token],
    ['in a token set', (token) => ({ accessToken: token, refreshToken: 'new' })],
    ['with space around it', (token) => ` ${token}\n`],
    ['with a lifetime that its own exp denies', (token) => ({ accessToken: token, expiresIn: 3_600 })],
  ])('that has expired, %s, is refused', async (_what, again) => {
    const s: Stage = stage(
      ({ issue }) => ({ tokens: issue(), retry: false }),
      ({ tokens }) => again(tokens?.accessToken ?? ''),
    );
    await s.clock.advance(hour);
    const error = await rejection(s.api.instance.get('/orders'));
    expect(isTokenError(error, 'AUTH_REFRESH_RESPONSE_INVALID')).toBe(true);
    expect(s.api.seen).toHaveLength(0);
  });

  test('that the API has refused is refused', async () => {
    const s: Stage = stage(
      ({ issue }) => ({ tokens: issue(), retry: false }),
      ({ tokens }) => tokens?.accessToken,
    );
    s.api.respond = () => ({ status: 401 });
    const error = await rejection(s.api.instance.get('/orders'));
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_REFRESH_RESPONSE_INVALID' } });
    expect(s.api.seen).toHaveLength(1);
  });

  test('that still lives is fine, and no younger for it', async () => {
    const s: Stage = stage(
      ({ issue }) => ({ tokens: issue(), retry: false }),
      ({ tokens }) => tokens?.accessToken,
    );
    const { expiresAt } = s.session.getSnapshot();
    await s.clock.advance(60_000);
    await expect(s.session.refresh()).resolves.toBe(await s.session.getAccessToken());
    expect(s.session.getSnapshot()).toMatchObject({ expiresAt, error: undefined });
  });

  test('an opaque one whose server gives it more time is as young as the server says', async () => {
    const s: Stage = stage(
      () => ({ tokens: { accessToken: 'opaque', expiresIn: 3_600 }, retry: false }),
      () => ({ accessToken: 'opaque', expiresIn: 3_600 }),
    );
    await s.clock.advance(hour);
    await s.api.instance.get('/orders');
    expect(s.api.seen.map(({ token }) => token)).toStrictEqual(['opaque']);
    expect(s.session.getSnapshot().expiresAt).toBe(s.clock.now() + hour);
  });
});

describe("G12 another user's token", () => {
  test('is refused, though an answer in between did not say whose it was', async () => {
    const answers = ['opaque'];
    const s: Stage = stage(
      ({ issue }) => ({ tokens: issue(), retry: false }),
      (_context, { issue }) => answers.shift() ?? issue(3_600, { sub: 'bob' }),
    );
    await s.session.refresh();
    const error = await rejection(s.session.refresh());
    expect(isTokenError(error, 'AUTH_REFRESH_RESPONSE_INVALID')).toBe(true);
    expect(await s.session.getAccessToken()).toBe('opaque');
  });
});

describe('G12 what is kept', () => {
  test('is not what the callback can still change', async () => {
    const given = { accessToken: 'first', expiresIn: 60 };
    const s: Stage = stage(undefined, () => given);
    await s.session.refresh();
    given.accessToken = 'changed\r\n';
    await s.api.instance.get('/orders');
    expect(s.api.seen.map(({ token }) => token)).toStrictEqual(['first']);
  });

  test.each<readonly [what: string, result: unknown, expected: string]>([
    ['space around the token', ' \tabc\r\n', 'abc'],
    ['null for what the server has not', { accessToken: 'abc', refreshToken: null, expiresIn: null }, 'abc'],
    ['a lifetime as a string', { accessToken: 'abc', expiresIn: '60' }, 'abc'],
    [
      'what only a prototype has',
      Object.create({
        get accessToken(): string {
          return 'abc';
        },
      }),
      'abc',
    ],
  ])('%s does no harm', async (_what, result, expected) => {
    const s: Stage = stage(undefined, () => result);
    expect(await s.session.refresh()).toBe(expected);
  });
});
