/** Misuse is told at once, by the name of the option and what it expects. */
import { afterEach, describe, expect, test } from '@jest/globals';
import axios, { type AxiosInstance } from 'axios';
import { createTokenSession, installTokenRefresh, isTokenError, memoryStore } from '../src/index.js';
import type { TokenSession, TokenSessionOptions } from '../src/index.js';
import { fakeApi } from './support/api.fake.js';
import { settle } from './support/clock.js';
import { lone, rejection, thrown } from './support/stage.js';

const refresh = (): string => 'renewed';
const make = (options: object | undefined): TokenSession => createTokenSession(options as TokenSessionOptions);
const attach = (session: TokenSession, instance: unknown, options?: object): unknown =>
  session.attach(instance as AxiosInstance, options);

const misuse: readonly (readonly [option: string, values: readonly unknown[], expects: RegExp])[] = [
  ['refresh', [null, 'https://login.example.com', {}, 5, true], /function.*token set/],
  ['tokens', [null, 5, true, [], ['abc'], () => 'abc'], /token set or an access token/],
  [
    'store',
    [
      null,
      'memory',
      {},
      { load: () => undefined },
      memoryStore,
      { load: 1, save: 1, clear: 1 },
      [],
      { ...memoryStore(), exclusive: 1 },
      { ...memoryStore(), subscribe: 'x' },
      { ...memoryStore(), replace: null },
      { ...memoryStore(), claim: {} },
    ],
    /load, save and clear.*replace, exclusive, subscribe, claim/,
  ],
  [
    'refreshWindow',
    [
      null,
      0,
      120_000,
      false,
      {},
      { maxMs: 1_000 },
      { ttlFraction: 0.2 },
      { maxMs: 0, ttlFraction: 0.2 },
      { maxMs: -1, ttlFraction: 0.2 },
      { maxMs: NaN, ttlFraction: 0.2 },
      { maxMs: Infinity, ttlFraction: 0.2 },
      { maxMs: '120000', ttlFraction: 0.2 },
      { maxMs: 1_000, ttlFraction: 0 },
      { maxMs: 1_000, ttlFraction: -0.1 },
      { maxMs: 1_000, ttlFraction: 1.01 },
      { maxMs: 1_000, ttlFraction: NaN },
      { maxMs: 1_000, ttlFraction: 0.2, minMs: 1 },
    ],
    /maxMs.*ttlFraction/,
  ],
  [
    'refreshAhead',
    [null, true, 0, 300_000, {}, { maxMs: 0, ttlFraction: 0.4 }, { maxMs: 1, ttlFraction: 2 }],
    /maxMs.*ttlFraction.*false/,
  ],
  ['schedule', [null, 0, 1, 'true', {}], /true or false/],
  ['followRedirects', [null, 0, 1, 'false', {}], /true or false/],
  ['retry', [null, true, 0, 3, 'twice', [], () => 1], /object, or false/],
  ['retry.retries', [null, -1, 1.5, 101, NaN, Infinity, '2'], /whole number from 0 to 100/],
  ['retry.minDelayMs', [null, -1, NaN, Infinity, '250'], /milliseconds.*at least 0/],
  ['retry.maxDelayMs', [null, -1, NaN, Infinity, '5000'], /milliseconds.*at least 0/],
  ['retry.attemptTimeoutMs', [null, 0, -1, NaN, Infinity, '5000'], /milliseconds.*above 0/],
  ['refreshTimeoutMs', [null, 0, -1, NaN, Infinity, '15000', true], /milliseconds.*above 0/],
  ['maxWaitMs', [null, 0, -1, NaN, Infinity, '15000'], /milliseconds.*above 0/],
  ['maxWaiting', [null, 0, -1, 1.5, NaN, Infinity, '10'], /whole number of at least 1/],
  ['whenMissing', [null, '', 'ignore', 'SEND', true], /'send', 'refresh' or 'reject'/],
  [
    'origins',
    [null, 'https://api.example.com', [], [5], [undefined], {}, new Set(['https://api.example.com'])],
    /array of origins or a function/,
  ],
  ['header', [null, '', 5, 'X Auth', 'X-Auth:', 'X-Auth\r\n', 'Ünicode', {}], /header name/],
  ['formatHeader', [null, 'Bearer ', {}, true], /function/],
  ['shouldRefresh', [null, 401, [401], true], /function/],
  ['classifyFailure', [null, 'terminal', {}], /function/],
  ['escalateAfter', [null, 0, -1, 1.5, NaN, '3'], /whole number of at least 1/],
  [
    'clock',
    [null, {}, Date, { now: () => 0 }, { now: 1, monotonic: 1, setTimeout: 1, clearTimeout: 1 }],
    /now, monotonic, setTimeout, clearTimeout/,
  ],
];

const withOption = (name: string, value: unknown): object => {
  const [outer = '', inner] = name.split('.');
  return { refresh, [outer]: inner === undefined ? value : { [inner]: value } };
};

describe('an option that does not fit', () => {
  for (const [option, values, expects] of misuse) {
    test.each(values.map((value) => [value]))(`${option}: %p`, (value) => {
      const error = thrown(() => make(withOption(option, value)));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toContain(`"${option}"`);
      expect(String(error)).toMatch(expects);
    });
  }

  test('refresh is the one that must be there', () => {
    const error = thrown(() => make({}));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/"refresh".*missing.*function/);
  });

  test.each([[undefined], [null], [5], ['refresh'], [[]], [refresh]])('options that are %p', (options) => {
    const error = thrown(() => createTokenSession(options as unknown as TokenSessionOptions));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/options.*object/i);
  });

  test.each<readonly [given: object, names: string]>([
    [{ refresh, refreshWidnow: {} }, '"refreshWidnow"'],
    [{ refresh, timeout: 5 }, '"timeout"'],
    [{ refresh, __proto_: 1 }, '"__proto_"'],
    [{ refresh, constructor: 1 }, '"constructor"'],
    [{ refresh, toString: 1 }, '"toString"'],
    [{ refresh, unknown: undefined }, '"unknown"'],
    [{ refresh, retry: { retires: 2 } }, '"retry.retires"'],
  ])('an unknown one is told with those that there are: %#', (given, names) => {
    const error = thrown(() => make(given));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(names);
    expect(String(error)).toMatch(/Known: /);
  });

  test('no message quotes a value: it may be a secret', () => {
    const error = thrown(() => make({ refresh, formatHeader: 'canary-in-an-option' }));
    expect(String(error)).not.toContain('canary');
  });

  test.each<readonly [what: string, tokens: object | string]>([
    ['a line break', 'abc\r\nX-Evil: 1'],
    ['an empty string', ''],
    ['no access token', {}],
    ['a lifetime in words', { accessToken: 'abc', expiresIn: 'soon' }],
  ])('tokens with %s are malformed', (_what, tokens) => {
    const error = thrown(() => make({ refresh, tokens }));
    expect(isTokenError(error, 'AUTH_TOKEN_MALFORMED')).toBe(true);
    expect(String(error)).toContain('"tokens"');
  });
});

describe('an option that fits', () => {
  test.each<readonly [what: string, options: object]>([
    ['nothing but refresh', {}],
    [
      'undefined means the default',
      Object.fromEntries(
        misuse.filter(([name]) => name !== 'refresh' && !name.includes('.')).map(([name]) => [name, undefined]),
      ),
    ],
    [
      'undefined inside retry too',
      { retry: { retries: undefined, minDelayMs: undefined, maxDelayMs: undefined, attemptTimeoutMs: undefined } },
    ],
    ['a part of retry', { retry: { retries: 0 } }],
    ['retry off', { retry: false }],
    ['refresh-ahead off', { refreshAhead: false }],
    [
      'windows at their limits',
      { refreshWindow: { maxMs: 1, ttlFraction: 1 }, refreshAhead: { maxMs: 1e12, ttlFraction: 1e-9 } },
    ],
    [
      'a store that is an instance of a class',
      {
        store: new (class {
          load(): undefined {
            return undefined;
          }
          save(): void {}
          clear(): void {}
        })(),
      },
    ],
    ['an async refresh', { refresh: async () => 'renewed' }],
    ['a header with every character that one may have', { header: "X!#$%&'*+-.^_`|~1" }],
    ['options without a prototype', Object.assign(Object.create(null) as object, { schedule: false })],
    ['options that are frozen', Object.freeze({ schedule: false })],
  ])('%s', (_what, options) => {
    const session = make({ refresh, ...options });
    expect(session.status).toBe('signed-out');
    session.dispose();
  });

  test('options are read once: changing the object later changes nothing', async () => {
    const options = { refresh, header: 'X-Auth', tokens: 'abc' };
    const api = fakeApi();
    installTokenRefresh(api.instance, options);
    options.header = 'X-Other';
    options.refresh = () => 'other';
    const { config } = await api.instance.get('/orders');
    expect(config.headers.get('X-Auth')).toBe('Bearer abc');
    expect(config.headers.has('X-Other')).toBe(false);
  });

  test('those that are inherited do not count', () => {
    const error = thrown(() => make(Object.create({ refresh }) as object));
    expect(String(error)).toMatch(/"refresh".*missing/);
    const session = make(Object.assign(Object.create({ schedule: 'nonsense', unknown: 1 }) as object, { refresh }));
    expect(session.status).toBe('signed-out');
  });
});

describe('a polluted Object.prototype changes no session', () => {
  const added: string[] = [];
  const pollute = (name: string, value: unknown): void => {
    added.push(name);
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true, enumerable: false });
  };
  afterEach(() => {
    for (const name of added.splice(0)) Reflect.deleteProperty(Object.prototype, name);
  });

  test('origins: the token still goes nowhere else', async () => {
    const api = fakeApi();
    pollute('origins', () => true);
    installTokenRefresh(api.instance, { refresh, tokens: 'abc' });
    await api.instance.get('https://evil.test/x');
    await api.instance.get('/orders');
    expect(api.seen.map(({ token }) => token)).toStrictEqual([undefined, 'abc']);
  });

  test.each<readonly [name: string, value: unknown]>([
    ['tokens', 'planted'],
    ['shouldRefresh', () => true],
    ['classifyFailure', () => 'terminal'],
    ['refreshTimeoutMs', 'nonsense'],
  ])('%s', async (name, value) => {
    pollute(name, value);
    const api = fakeApi();
    const session = installTokenRefresh(api.instance, {
      refresh: () => {
        throw new Error('no');
      },
      retry: false,
    });
    expect(session.status).toBe('signed-out');
    await api.instance.get('/orders');
    expect(api.seen).toHaveLength(1);
    expect(isTokenError(await rejection(session.refresh()), 'AUTH_TOKEN_REFRESH_FAILED')).toBe(true);
  });
});

describe('attach', () => {
  test.each<readonly [what: string, given: unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a config', { baseURL: 'https://api.example.com' }],
    ['a function', () => undefined],
    ['a class', class extends Map {}],
    ['a string', 'https://api.example.com'],
  ])('%s is no Axios instance', (_what, given) => {
    const error = thrown(() => attach(lone(), given));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/Axios instance/);
    expect(thrown(() => installTokenRefresh(given as AxiosInstance, { refresh }))).toBeInstanceOf(TypeError);
  });

  test('twice on one instance, by the same session or by another', () => {
    const api = fakeApi();
    const session = installTokenRefresh(api.instance, { refresh });
    for (const again of [session, lone()]) {
      const error = thrown(() => attach(again, api.instance));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(/already/);
    }
  });

  test('once more after the first was taken off, or disposed of', () => {
    const api = fakeApi();
    const session = lone();
    const detach = session.attach(api.instance);
    detach();
    detach();
    session.attach(api.instance);
    session.dispose();
    expect(() => lone().attach(api.instance)).not.toThrow();
  });

  test.each(['*', 'nope', '', 'http://api.example.com', 'ftp://api.example.com'])(
    'a session that is on no instance yet refuses the origin %p at once',
    (origin) => {
      const error = thrown(() => lone({ origins: ['https://api.example.com', origin] }));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(/Option "origins".*is no https: origin/);
    },
  );

  test('taking the first off a second time leaves the second where it is', async () => {
    const api = fakeApi();
    const first = lone({ tokens: 'first' }).attach(api.instance);
    first();
    lone({ tokens: 'second' }).attach(api.instance);
    first();
    await api.instance.get('/orders');
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['second']);
  });

  test('an install that fails leaves the instance as it was', async () => {
    const api = fakeApi({ baseURL: 'http://api.example.com' });
    expect(thrown(() => installTokenRefresh(api.instance, { refresh, tokens: 'abc' }))).toBeInstanceOf(TypeError);
    await api.instance.get('/orders');
    expect(api.seen.map(({ token }) => token)).toStrictEqual([undefined]);
    installTokenRefresh(api.instance, { refresh, tokens: 'abc', origins: () => true });
    await api.instance.get('/orders');
    expect(api.seen.map(({ token }) => token)).toStrictEqual([undefined, 'abc']);
  });

  test('an instance without an absolute baseURL: a TypeError that says what to pass', () => {
    const error = thrown(() => installTokenRefresh(axios.create(), { refresh }));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/"origins".*baseURL.*https:\/\//s);
  });

  test.each<readonly [options: unknown, names: RegExp]>([
    [{ origin: ['https://api.example.com'] }, /"origin"/],
    [{ origins: 'https://api.example.com' }, /"origins".*array of origins/],
    [{ origins: [] }, /"origins".*array of origins/],
    [null, /options of attach must be an object/],
    [['https://api.example.com'], /options of attach must be an object/],
  ])('its own options are checked the same way: %p', (options, names) => {
    const error = thrown(() => attach(lone(), fakeApi().instance, options as object));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(names);
  });

  test('its origins are its own: they win over those of the session', async () => {
    const api = fakeApi();
    const session = lone({ tokens: 'abc', origins: ['https://api.example.com'] });
    session.attach(api.instance, { origins: ['https://other.example.com'] });
    await api.instance.get('/orders');
    await api.instance.get('https://other.example.com/x');
    expect(api.seen.map(({ token }) => token)).toStrictEqual([undefined, 'abc']);
  });
});

describe('arguments of the session', () => {
  test.each([[undefined], [null], [5], [true]])('setTokens(%p) rejects with a TypeError', async (given) => {
    const session = lone({ tokens: 'abc' });
    const error = await rejection(session.setTokens(given as unknown as string));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/setTokens.*token set/);
    expect(await session.getAccessToken()).toBe('abc');
  });

  test.each<readonly [what: string, given: unknown]>([
    ['a line break', 'abc\r\nX-Evil: 1'],
    ['nothing in it', ''],
    ['a space', 'Bearer abc'],
    ['no access token', { refreshToken: 'def' }],
    ['an array', []],
  ])('setTokens with %s is malformed, and changes nothing', async (_what, given) => {
    const session = lone({ tokens: 'abc' });
    const before = session.getSnapshot();
    expect(isTokenError(await rejection(session.setTokens(given as string)), 'AUTH_TOKEN_MALFORMED')).toBe(true);
    await settle();
    expect(session.getSnapshot()).toBe(before);
    expect(await session.getAccessToken()).toBe('abc');
  });

  test.each([[undefined], [null], ['listener'], [{}], [5]])('a listener that is %p is a TypeError', (listener) => {
    const session = lone();
    const given = listener as unknown as () => void;
    expect(thrown(() => session.on('event', given))).toBeInstanceOf(TypeError);
    expect(thrown(() => session.once('event', given))).toBeInstanceOf(TypeError);
    expect(thrown(() => session.subscribe(given))).toBeInstanceOf(TypeError);
  });

  test('taking off a listener that was never there is nothing', () => {
    const session = lone();
    expect(session.off('event', () => undefined)).toBe(session);
  });
});
