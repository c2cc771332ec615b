/** The one error class, and the questions about a single token. */
import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import axios from 'axios';
import { decodeToken, isTokenError, isTokenExpiringSoon, TokenError } from '../src/index.js';
import { jwt } from './support/jwt.js';
import { thrown } from './support/stage.js';

describe('TokenError', () => {
  const error = new TokenError('AUTH_TOKEN_REFRESH_FAILED', 'It failed.', {
    kind: 'server',
    status: 503,
    requestId: 'req-7',
    attempts: 3,
    operationId: 'op7',
    retryable: true,
    cause: Object.assign(new Error('behind it'), { code: 'ECONNRESET' }),
  });

  test('is an Error with a name, a message, a code and a stack', () => {
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe('TokenError: It failed.');
    expect(error.stack).toContain('errors.test');
    expect(error).toMatchObject({
      code: 'AUTH_TOKEN_REFRESH_FAILED',
      kind: 'server',
      status: 503,
      requestId: 'req-7',
      attempts: 3,
      operationId: 'op7',
      retryable: true,
    });
    expect(error.cause).toMatchObject({ message: 'behind it' });
  });

  test('has no config and is no AxiosError: a retry plugin would send the request again', () => {
    expect('config' in error).toBe(false);
    expect(axios.isAxiosError(error)).toBe(false);
    expect(axios.isCancel(error)).toBe(false);
  });

  test('shows no field that was not given', () => {
    const bare = new TokenError('AUTH_TOKEN_MISSING', 'None.');
    expect(Object.keys(bare).sort()).toStrictEqual(['code', 'retryable']);
    expect(bare.retryable).toBe(false);
    expect('cause' in bare).toBe(false);
    expect(
      Object.keys(new TokenError('AUTH_TOKEN_MISSING', 'None.', { kind: undefined, cause: undefined })),
    ).not.toContain('kind');
  });

  test('turns into JSON that is safe to log and says what it is', () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'TokenError',
      message: 'It failed.',
      code: 'AUTH_TOKEN_REFRESH_FAILED',
      kind: 'server',
      status: 503,
      requestId: 'req-7',
      attempts: 3,
      operationId: 'op7',
      retryable: true,
    });
    expect(inspect(error)).toContain('AUTH_TOKEN_REFRESH_FAILED');
  });
});

describe('isTokenError', () => {
  const error = new TokenError('AUTH_SESSION_EXPIRED', 'Over.');

  test.each<readonly [what: string, given: unknown, expected: boolean]>([
    ['a TokenError', error, true],
    ['one made with it as a prototype', Object.create(error), true],
    ['an Error', new Error('no'), false],
    ['an Error with such a code', Object.assign(new Error('no'), { code: 'AUTH_SESSION_EXPIRED' }), false],
    ['an Error with such a name', Object.assign(new Error('no'), { name: 'TokenError' }), false],
    ['what JSON left of one', JSON.parse(JSON.stringify(error)), false],
    ['undefined', undefined, false],
    ['null', null, false],
    ['a string', 'AUTH_SESSION_EXPIRED', false],
    ['a function', () => error, false],
  ])('%s', (_what, given, expected) => {
    expect(isTokenError(given)).toBe(expected);
    expect(isTokenError(given, 'AUTH_SESSION_EXPIRED')).toBe(expected);
    expect(isTokenError(given, 'AUTH_TOKEN_MISSING')).toBe(false);
  });

  test('knows the errors of another copy of the package, and of another realm', () => {
    const foreign: unknown = runInContext(
      `const error = new Error('Over.');
       Object.defineProperty(error, Symbol.for('axios-token-refresh.TokenError'), { value: true });
       error.code = 'AUTH_SESSION_EXPIRED';
       error`,
      createContext({}),
    );
    expect(foreign).not.toBeInstanceOf(Error);
    expect(isTokenError(foreign, 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(isTokenError(foreign, 'AUTH_TOKEN_MISSING')).toBe(false);
  });
});

describe('decodeToken', () => {
  test('reads the claims of a JWT', () => {
    expect(decodeToken(jwt({ sub: 'ada', exp: 5 }))).toMatchObject({ sub: 'ada', exp: 5 });
  });

  test('throws AUTH_TOKEN_MALFORMED for what is none', () => {
    for (const token of ['opaque', '', 'a.b.c', undefined, null, 5]) {
      expect(
        isTokenError(
          thrown(() => decodeToken(token as string)),
          'AUTH_TOKEN_MALFORMED',
        ),
      ).toBe(true);
    }
  });
});

describe('isTokenExpiringSoon', () => {
  const now = Date.UTC(2026, 0, 1);
  const dying = (leftMs: number): string => jwt({ exp: (now + leftMs) / 1000 });

  test('soon is five minutes, if nothing else is said', () => {
    expect(isTokenExpiringSoon(dying(300_001), undefined, now)).toBe(false);
    expect(isTokenExpiringSoon(dying(300_000), undefined, now)).toBe(true);
    expect(isTokenExpiringSoon(dying(0), undefined, now)).toBe(true);
    expect(isTokenExpiringSoon(dying(-86_400_000), undefined, now)).toBe(true);
  });

  test('now is now, if nothing else is said', () => {
    const second = Math.floor(Date.now() / 1000);
    expect(isTokenExpiringSoon(jwt({ exp: second + 3_600 }))).toBe(false);
    expect(isTokenExpiringSoon(jwt({ exp: second + 60 }))).toBe(true);
    expect(isTokenExpiringSoon(jwt({ exp: second + 60 }), 1_000)).toBe(false);
  });

  test('a window of 0 asks whether it has expired', () => {
    expect(isTokenExpiringSoon(dying(1), 0, now)).toBe(false);
    expect(isTokenExpiringSoon(dying(0), 0, now)).toBe(true);
  });

  test('a token without exp never expires', () => {
    expect(isTokenExpiringSoon(jwt({ sub: 'ada' }))).toBe(false);
  });

  test.each([['opaque'], [''], [jwt({ exp: 'soon' })]])('%p is malformed', (token) => {
    expect(
      isTokenError(
        thrown(() => isTokenExpiringSoon(token)),
        'AUTH_TOKEN_MALFORMED',
      ),
    ).toBe(true);
  });

  test.each<readonly [windowMs: unknown, at: unknown]>([
    [NaN, now],
    [Infinity, now],
    ['300000', now],
    [null, now],
    [300_000, NaN],
    [300_000, Infinity],
    [300_000, '2026'],
    [300_000, new Date(now)],
  ])('a window of %p at %p is a TypeError that names both', (windowMs, at) => {
    const error = thrown(() => isTokenExpiringSoon(dying(0), windowMs as number, at as number));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/windowMs.*now.*milliseconds/);
  });
});
