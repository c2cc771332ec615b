/** What may be told of other people's errors (G24). */
import { inspect } from 'node:util';
import { describe as group, expect, test } from '@jest/globals';
import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import {
  describe,
  field,
  headerOf,
  identifier,
  requestIdOf,
  secretsOf,
  statusOf,
  withoutSecrets,
} from '../../src/core/redact.js';
import { findIn } from '../support/canaries.js';

const canary = 'canaryQ7rT2mXp9LzVw4Ks8HbN';
const config = {
  headers: new AxiosHeaders({ Authorization: `Bearer ${canary}` }),
  data: JSON.stringify({ refreshToken: canary }),
  url: `https://login.example.com/token?refresh_token=${canary}`,
} as unknown as InternalAxiosRequestConfig;

const told = (error: unknown, secrets: readonly string[] = []): string => {
  const cause = describe(error, secrets);
  return [
    inspect(cause, { depth: Infinity, showHidden: true }),
    JSON.stringify(cause),
    String(cause),
    cause.stack,
  ].join('\n');
};

const throwingProxy = {
  get: (): never => {
    throw new Error('no');
  },
};

group('describe tells of an error without what it may carry', () => {
  const response = {
    status: 400,
    statusText: canary,
    data: { error: 'invalid_grant', error_description: canary, refresh_token: canary },
    headers: new AxiosHeaders({ 'x-request-id': 'req-7', 'set-cookie': `rt=${canary}` }),
    config,
    request: { path: `/token?refresh_token=${canary}` },
  };

  test.each<readonly [what: string, error: unknown]>([
    ['an error of Axios', new AxiosError(`bad token ${canary}`, 'ERR_BAD_REQUEST', config, response.request, response)],
    ['a plain error', new Error(`cannot refresh with ${canary}`)],
    ['an error with the token in a field', Object.assign(new Error('no'), { token: canary, config, response })],
    ['an error with the token in its cause', new Error('no', { cause: new Error(canary) })],
    ['several errors at once', new AggregateError([new Error(canary)], canary)],
    [
      'what JSON.parse says of a body',
      (() => {
        try {
          return JSON.parse(canary) as unknown;
        } catch (error) {
          return error;
        }
      })(),
    ],
    ['a TypeError that quotes a token', new TypeError(`Invalid character in header content ["Bearer ${canary}"]`)],
    ['a RangeError that quotes a token', new RangeError(canary)],
    [
      'a message of several lines that look like a stack',
      new Error(`refresh failed\n    at ${canary}\n    at token (${canary})`),
    ],
    ['a name that is a sentence', Object.assign(new Error('no'), { name: `Refused ${canary}` })],
    ['a code that is a sentence', Object.assign(new Error('no'), { code: `refused: ${canary}` })],
    ['a string', canary],
    ['an object', { message: canary, token: canary }],
    ['an object that turns itself into a string', { toString: () => canary, toJSON: () => canary }],
    ['a symbol', Symbol(canary)],
    ['a function', Object.assign(() => canary, { token: canary })],
  ])('%s', (_what, error) => {
    expect(findIn(told(error), [canary])).toStrictEqual([]);
  });

  test('a short token that it is told about is taken out of a TypeError too', () => {
    expect(told(new TypeError('Invalid value "pin-4711"'), ['pin-4711'])).not.toContain('pin-4711');
  });

  test.each<readonly [what: string, token: string]>([
    ['with bars and colons', 'canary:Aa1bB2cC3dD4|eE5fF6gG7hH8'],
    ['with exclamation marks', 'canaryAa1bB2!cC3dD4eE5fF6!gG7hH8iI9'],
    ['encoded for a URL', encodeURIComponent('canaryAa1bB2/cC3dD4eE5fF6+gG7hH8iI9==')],
  ])('a token %s is taken out of a TypeError whole', (_what, token) => {
    expect(findIn(told(new TypeError(`Invalid value ${token} given`)), [token])).toStrictEqual([]);
  });

  test('keeps name, code, status and request id', () => {
    const cause = describe(new AxiosError('no', 'ERR_BAD_REQUEST', config, {}, response));
    expect({ ...cause, name: cause.name, message: cause.message }).toEqual({
      name: 'AxiosError',
      message: 'AxiosError ERR_BAD_REQUEST 400',
      code: 'ERR_BAD_REQUEST',
      status: 400,
      requestId: 'req-7',
    });
    expect(cause).toBeInstanceOf(Error);
  });

  test('says in JSON what it says: a log of events is often that', () => {
    expect(JSON.parse(JSON.stringify({ error: describe(new TypeError('x is not a function')) }))).toStrictEqual({
      error: { name: 'TypeError', message: 'x is not a function' },
    });
    const cause = describe(new AxiosError('no', 'ERR_BAD_REQUEST', config, {}, response));
    cause.message = 'in words of our own';
    expect(JSON.parse(JSON.stringify(cause))).toStrictEqual({
      name: 'AxiosError',
      message: 'in words of our own',
      code: 'ERR_BAD_REQUEST',
      status: 400,
      requestId: 'req-7',
    });
  });

  test("keeps the engine's words and the place, which a developer needs", () => {
    const thrown = new TypeError("Cannot read properties of undefined (reading 'data')");
    const cause = describe(thrown);
    expect(cause.message).toBe("Cannot read properties of undefined (reading 'data')");
    expect(cause.stack).toMatch(/^TypeError: Cannot read.*\n\s+at .*redact\.test/);
  });

  test.each([
    [undefined],
    [null],
    [0],
    [''],
    [Object.create(null)],
    [
      new Proxy(
        {},
        {
          get() {
            throw new Error('no');
          },
        },
      ),
    ],
    [new Proxy(new Error('no'), throwingProxy)],
    [Object.defineProperty(new TypeError('no'), 'message', throwingProxy)],
    [Object.defineProperty(new Error('no'), 'stack', throwingProxy)],
    [Object.assign(new TypeError('no'), { message: 5, stack: 5 })],
    [{ headers: throwingProxy }],
    [{ response: { headers: new Proxy({}, { ...throwingProxy, ownKeys: throwingProxy.get }), data: throwingProxy } }],
  ])('survives %#', (error) => {
    expect(describe(error)).toBeInstanceOf(Error);
  });
});

group('secretsOf', () => {
  test('names the tokens of each set', () => {
    const sets = [{ accessToken: 'pin', refreshToken: 'r-1' }, undefined, { accessToken: 'a-2' }];
    expect(secretsOf(sets)).toStrictEqual(['pin', 'r-1', 'a-2']);
  });

  test('leaves out what is in every sentence', () => {
    expect(secretsOf([{ accessToken: 'a', refreshToken: 'r2' }])).toStrictEqual([]);
  });
});

group('withoutSecrets', () => {
  test('removes what it is told about, every time, and whatever is long enough to be a token', () => {
    expect(withoutSecrets('a pin, a pin and 0123456789abcdef', ['pin'])).toBe(
      'a [redacted], a [redacted] and [redacted]',
    );
  });

  test('a secret is no pattern, and an empty one is none', () => {
    expect(withoutSecrets('a.c abc', ['a.c'])).toBe('[redacted] abc');
    expect(withoutSecrets('plain words', [])).toBe('plain words');
  });
});

group('identifier: a short word, or nothing', () => {
  test.each<readonly [value: unknown, expected: string | undefined]>([
    ['req-7f:1/2@x', 'req-7f:1/2@x'],
    ['', undefined],
    ['two words', undefined],
    ['a\nb', undefined],
    ['x'.repeat(128), 'x'.repeat(128)],
    ['x'.repeat(129), undefined],
    [5, undefined],
    [{}, undefined],
  ])('%p', (value, expected) => {
    expect(identifier(value)).toBe(expected);
  });
});

group('field never throws', () => {
  test('reads own and inherited properties of objects and functions', () => {
    expect(field({ a: 1 }, 'a')).toBe(1);
    expect(field(Object.create({ a: 1 }), 'a')).toBe(1);
    expect(field(() => 1, 'length')).toBe(0);
  });

  test.each([[undefined], [null], [5], ['text'], [Symbol('x')]])('has nothing to read in %p', (value) => {
    expect(field(value, 'length')).toBeUndefined();
  });

  test('a getter that throws has no value', () => {
    const trap = {
      get a(): never {
        throw new Error('no');
      },
    };
    expect(field(trap, 'a')).toBeUndefined();
  });
});

group('the status, the headers and the id of an answer, whichever client made it', () => {
  test.each<readonly [what: string, error: unknown, expected: number | undefined]>([
    ['Axios', { response: { status: 401 } }, 401],
    ['got', { response: { statusCode: 401 } }, 401],
    ['ky and others', { status: 401 }, 401],
    ['superagent', { statusCode: 401 }, 401],
    ['a cloud SDK', { $metadata: { httpStatusCode: 401 } }, 401],
    ['the answer before the error', { status: 500, response: { status: 401 } }, 401],
    ['no number', { status: '401' }, undefined],
    ['no status', { status: 42 }, undefined],
    ['nothing', undefined, undefined],
  ])('status: %s', (_what, error, expected) => {
    expect(statusOf(error)).toBe(expected);
  });

  test.each<readonly [what: string, error: unknown]>([
    ['headers of Axios', { response: { headers: new AxiosHeaders({ 'X-Request-Id': 'req-7' }) } }],
    ['headers of fetch', { response: { headers: new Headers({ 'X-Request-Id': 'req-7' }) } }],
    ['a plain object', { response: { headers: { 'x-request-id': 'req-7' } } }],
    ['headers on the error', { headers: { 'request-id': 'req-7' } }],
    ['the body', { response: { data: { request_id: 'req-7' } } }],
    ['an error inside the body', { response: { data: { error: { requestId: 'req-7' } } } }],
  ])('request id: %s', (_what, error) => {
    expect(requestIdOf(error)).toBe('req-7');
  });

  test('a request id with a secret in it is none', () => {
    const error = { headers: { 'x-request-id': `req-${canary}` }, response: { data: { request_id: 'req-8' } } };
    expect(requestIdOf(error, [canary])).toBe('req-8');
    expect(requestIdOf(error)).toBe(`req-${canary}`);
  });

  test('a request id that is a sentence is none', () => {
    expect(requestIdOf({ headers: { 'x-request-id': 'see the log, please' } })).toBeUndefined();
  });

  test('a header that is a list is none', () => {
    expect(headerOf({ headers: { 'retry-after': ['1', '2'] } }, 'retry-after')).toBeUndefined();
  });
});
