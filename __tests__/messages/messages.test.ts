/** `describeError`: what users are told of each error. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AxiosError } from 'axios';
import { isTokenError, TokenError, type TokenErrorCode } from '../../src/index.js';
import { describeError, english, type ErrorMessages } from '../../src/messages/index.js';
import { actions } from '../../src/messages/words.js';
import { world, refused, watch } from '../properties/world.js';
import { settle } from '../support/clock.js';

const root = join(__dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const codesIn = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, code = '']) => code).sort();

/** The members of the union `TokenErrorCode`, as they are written. */
const codes = codesIn(read('src/errors.ts'), /^ {2}\| '(AUTH_\w+)'/gm) as TokenErrorCode[];

const unknown = { code: 'UNKNOWN', message: english.UNKNOWN, action: 'retry' };
const expired = new TokenError('AUTH_SESSION_EXPIRED', 'The refresh was refused.', { requestId: 'request-7' });
const described = {
  code: 'AUTH_SESSION_EXPIRED',
  message: 'Your session has ended. Please sign in again.',
  action: 'sign-in',
  requestId: 'request-7',
};

describe('the words', () => {
  test('every code of a TokenError has a sentence and an action, and there are none for other codes', () => {
    expect(codes.length).toBeGreaterThanOrEqual(15);
    const all = [...codes, 'UNKNOWN'].sort();
    expect(Object.keys(english).sort()).toEqual(all);
    expect(Object.keys(actions).sort()).toEqual(all);
  });

  test('docs/messages.md lists them all, with the same sentences and actions', () => {
    const table = read('docs/messages.md');
    for (const code of [...codes, 'UNKNOWN'] as const) {
      expect(table).toContain(`| \`${code}\` | ${english[code]} | \`${actions[code]}\` |`);
    }
  });

  test.each(Object.entries(english))('%s: plain sentences without our own words', (_code, sentence) => {
    expect(sentence).toMatch(/^[A-Z][^.]*\.( [A-Z][^.]*\.)?$/);
    expect(sentence).not.toMatch(/token|refresh|401|JWT|AUTH_|replay/i);
  });

  test('what may be tried again says so, and so does what asks for a sign-in or for support', () => {
    const asks: Partial<Record<string, RegExp>> = {
      retry: /again/,
      wait: /again in a moment/,
      'sign-in': /sign in/,
      contact: /contact support/,
      reload: /reload/,
    };
    for (const code of codes) expect(english[code]).toMatch(asks[actions[code]] ?? /./);
  });

  test('cannot be changed by accident', () => {
    expect(Object.isFrozen(english)).toBe(true);
  });
});

describe('describeError', () => {
  test.each(codes)('%s', (code) => {
    const description = describeError(new TokenError(code, 'for developers'));
    expect(description).toEqual({ code, message: english[code], action: actions[code] });
  });

  test('a 401 of Axios is described by its cause', () => {
    const error = new AxiosError('Request failed with status code 401');
    error.cause = expired;
    expect(describeError(error)).toEqual(described);
  });

  test('a real one, and a request that never left, in a session that ends', async () => {
    const w = world({ tokens: ({ issue }) => issue(), retry: false, refresh: () => Promise.reject(refused()) });
    w.api.respond = () => ({ status: 401 });
    const answered = watch(w.instance.get('/orders'));
    await settle();
    expect(answered.error).toBeInstanceOf(AxiosError);
    expect(describeError(answered.error)).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', action: 'sign-in' });
    const never = watch(w.session.getAccessToken());
    await settle();
    expect(isTokenError(never.error)).toBe(true);
    expect(describeError(never.error)).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', action: 'sign-in' });
  });

  test('an error of the application around it is described by what caused it', () => {
    const axiosError = new AxiosError('Request failed with status code 401');
    axiosError.cause = expired;
    expect(describeError(new Error('The orders were not loaded.', { cause: axiosError }))).toEqual(described);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'AUTH_SESSION_EXPIRED'],
    ['a number', 401],
    ['an error of Axios without a cause', new AxiosError('Network Error', AxiosError.ERR_NETWORK)],
    ['another error', new TypeError('no')],
    ['an object that only has such a code', { code: 'AUTH_SESSION_EXPIRED' }],
    ['a function', () => expired],
  ])('%s is unknown', (_what, error) => {
    expect(describeError(error)).toEqual(unknown);
  });

  test('an error that is its own cause is unknown, and so is one that cannot be read', () => {
    const circle = new Error('a');
    circle.cause = new Error('b', { cause: circle });
    expect(describeError(circle)).toEqual(unknown);
    const hostile = new Proxy(new Error('no'), {
      get() {
        throw new Error('cannot be read');
      },
    });
    expect(describeError(hostile)).toEqual(unknown);
    expect(describeError(new Error('a', { cause: hostile }))).toEqual(unknown);
  });

  test('a code of a newer copy of the package is unknown, unless its cause is known', () => {
    const newer = new TokenError('AUTH_TO_COME' as TokenErrorCode, 'new');
    expect(describeError(newer)).toEqual(unknown);
    for (const name of ['toString', '__proto__', 'constructor']) {
      expect(describeError(new TokenError(name as TokenErrorCode, 'no'))).toEqual(unknown);
    }
    expect(describeError(Object.assign(newer, { cause: expired }))).toEqual(described);
  });

  test('nothing that the error carries is told, but for the request id (G24)', () => {
    const secret = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2ln';
    const error = new AxiosError(`Bearer ${secret}`);
    error.cause = new TokenError('AUTH_TOKEN_REJECTED', `the token ${secret}`, { requestId: 'request-7' });
    const description = describeError(error);
    expect(description).toEqual({
      code: 'AUTH_TOKEN_REJECTED',
      message: english.AUTH_TOKEN_REJECTED,
      action: 'contact',
      requestId: 'request-7',
    });
  });
});

describe('another language', () => {
  const german: Partial<ErrorMessages> = {
    AUTH_SESSION_EXPIRED: 'Ihre Sitzung ist beendet. Bitte melden Sie sich neu an.',
    UNKNOWN: 'Etwas ist schiefgegangen. Bitte versuchen Sie es noch einmal.',
  };

  test('its sentences are used, the actions stay', () => {
    expect(describeError(expired, german)).toEqual({ ...described, message: german.AUTH_SESSION_EXPIRED });
    expect(describeError(new Error('no'), german)).toEqual({ ...unknown, message: german.UNKNOWN });
  });

  test('what it does not say is said in English', () => {
    const { message } = describeError(new TokenError('AUTH_QUEUE_FULL', 'full'), german);
    expect(message).toBe(english.AUTH_QUEUE_FULL);
  });

  test.each([
    ['null', null],
    ['an empty sentence', { AUTH_SESSION_EXPIRED: '' }],
    ['a sentence that is none', { AUTH_SESSION_EXPIRED: 5 }],
  ])('%s is no reason to show nothing', (_what, messages) => {
    expect(describeError(expired, messages as unknown as ErrorMessages)).toEqual(described);
  });
});
