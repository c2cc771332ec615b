import { format, inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import createDebug from 'debug';
import { isTokenError, memoryStore, TokenError } from '../../src/index.js';
import type { TokenSet } from '../../src/index.js';
import { findIn } from '../support/canaries.js';
import { settle } from '../support/clock.js';
import { jwt } from '../support/jwt.js';
import { follow, rejection, stage, thrown, type Refresh, type Stage } from '../support/stage.js';

const hour = 3_600_000;
/** As real tokens are: a JWT, opaque ones, and what some servers put into them. */
const access = jwt({ sub: 'ada', exp: Date.UTC(2026, 0, 1, 1) / 1000, iat: Date.UTC(2026, 0, 1) / 1000 });
const refreshToken = 'RfQ7mZ2xK9vL4tRb8WnPdSyE';
const renewed = '17|Nw5hJ8cV1bG6yT3kX0sDqLzU9a';
const rotated = 'Ro:4eW!7uI%0oP+3aS=6dF/9gH~2jK';
const quoted = 'Qt6nB3vC9xZ1lK8jH5gF2dS7aP';
const canaries = [access, refreshToken, renewed, rotated, quoted];
const signedIn: TokenSet = { accessToken: access, refreshToken };

let output: string[] = [];
const original = { log: createDebug.log, names: '' };
beforeEach(() => {
  output = [];
  original.names = createDebug.disable();
  createDebug.enable('*');
  createDebug.log = (...args: unknown[]) => void output.push(format(...args));
  // As deep as a reader could ask for by DEBUG_DEPTH and DEBUG_SHOW_HIDDEN.
  Object.assign((createDebug as unknown as { inspectOpts: object }).inspectOpts, { depth: null, showHidden: true });
});
afterEach(() => {
  createDebug.log = original.log;
  createDebug.enable(original.names);
});

/** Everything that a console, a logger or a crash report could make of a value. */
function shown(value: unknown): string {
  const texts = [
    inspect(value, {
      depth: Infinity,
      showHidden: true,
      maxArrayLength: null,
      maxStringLength: null,
      breakLength: Infinity,
    }),
    inspect(value),
    // A symbol or undefined has no JSON.
    (JSON.stringify(value) as string | undefined) ?? '',
  ];
  if (value instanceof Error) {
    texts.push(
      String(value),
      value.stack ?? '',
      JSON.stringify(value, Object.getOwnPropertyNames(value)),
      shown(value.cause),
    );
  }
  return texts.join('\n');
}

/** What of a stage is ours to keep clean: all but the caller's own AxiosError and config. */
function leaks(s: Stage, ours: readonly unknown[] = []): string[] {
  // A promise shows, hidden in it, the asynchronous context that it was made in: the test runner's.
  const { ready, ...session } = s.session;
  const texts = [session, s.session.getSnapshot(), s.api.instance, ...s.events, ...ours].map(shown);
  texts.push(inspect(ready, { depth: Infinity }));
  return findIn([...texts, ...output].join('\n'), canaries);
}

const stateOf = (config: object | undefined): unknown =>
  (config as Record<string, unknown> | undefined)?.['axios-token-refresh'];
const renewing: Refresh = ({ tokens }) => ({
  accessToken: tokens?.accessToken === renewed ? quoted : renewed,
  refreshToken: rotated,
  expiresIn: 3_600,
});
const signedInStage = (refresh: Refresh = renewing, options: object = {}): Stage =>
  stage(() => ({ tokens: signedIn, retry: false, ...options }), refresh);

describe('G24 the secrets of a session that works are told nowhere', () => {
  test('a request, a refresh, a replay, a sign-out: nor by what hangs on the config', async () => {
    const s = signedInStage();
    const states: unknown[] = [];
    const request = async (): Promise<void> => {
      const { config } = await s.api.instance.post('/orders', { id: 1 });
      states.push(stateOf(config));
    };
    await request();
    await s.clock.advance(hour - 60_000);
    await request();
    s.api.respond = () => ({ status: s.api.seen.length === 3 ? 401 : 200 });
    await request();
    expect(states.map((state) => typeof state)).toStrictEqual(['function', 'function', 'function']);
    expect(leaks(s, states)).toStrictEqual([]);
    await s.session.signOut();
    expect(leaks(s, states)).toStrictEqual([]);
    expect(output.join('\n')).toContain('refresh.succeeded');
    expect(s.types()).toEqual(
      expect.arrayContaining(['refresh.started', 'refresh.succeeded', 'tokens.changed', 'session.cleared']),
    );
  });

  test('while requests wait, and while the store is read', async () => {
    const s = signedInStage(() => new Promise(() => undefined));
    await s.clock.advance(hour);
    let config: object | undefined;
    s.api.instance.interceptors.request.use((own) => {
      config = own;
      return own;
    });
    const waiting = [follow(s.api.instance.get('/orders')), follow(s.session.getAccessToken())];
    await settle();
    expect(s.session.getSnapshot().waiting).toBe(2);
    expect(stateOf(config)).toBeInstanceOf(Object);
    expect(leaks(s, [stateOf(config)])).toStrictEqual([]);
    s.session.dispose();
    await settle();
    expect(
      leaks(
        s,
        waiting.map(({ error }) => error),
      ),
    ).toStrictEqual([]);

    const loading = stage(() => ({ store: { ...memoryStore(), load: async () => signedIn } }));
    expect(leaks(loading)).toStrictEqual([]);
    await loading.session.ready;
    expect(leaks(loading)).toStrictEqual([]);
  });
});

describe('G24 what hangs on a config is not for loggers', () => {
  test('an AxiosError as JSON has nothing of ours, so not whose request it was', async () => {
    const s = signedInStage(renewing, { tokens: { ...signedIn, subject: 'ada@example.com' } });
    s.api.respond = () => ({ status: 500 });
    const error = await rejection(s.api.instance.get('/orders'));
    expect(JSON.stringify(error)).not.toMatch(/ada@example\.com|axios-token-refresh/);
  });
});

describe('G24 what a refresh callback throws is not repeated', () => {
  const config = {
    url: `https://login.example.com/token?refresh_token=${refreshToken}`,
    data: JSON.stringify({ refresh_token: refreshToken, quoted }),
    headers: new AxiosHeaders({ Authorization: `Bearer ${access}`, 'X-Quoted': quoted }),
  } as unknown as InternalAxiosRequestConfig;
  const response = (status: number): unknown => ({
    status,
    statusText: quoted,
    data: { error: 'invalid_grant', error_description: `${refreshToken} ${quoted}`, access_token: renewed },
    headers: new AxiosHeaders({ 'set-cookie': `rt=${rotated}`, 'x-quoted': quoted, 'x-request-id': 'req-7' }),
    config,
    request: { path: config.url, _header: `Authorization: Bearer ${access}` },
  });
  const axiosError = (status?: number): AxiosError =>
    new AxiosError(
      `cannot use ${quoted}`,
      'ERR_BAD_REQUEST',
      config,
      {},
      status === undefined ? undefined : (response(status) as AxiosError['response']),
    );

  test.each<readonly [what: string, error: unknown]>([
    ['an error of Axios without an answer', axiosError()],
    ['an error of Axios with a refusal', axiosError(401)],
    ['an error of Axios with a server fault', axiosError(503)],
    ['an Error whose message quotes everything', new Error([...canaries].join(' and '))],
    [
      'an Error whose message has lines like a stack',
      new Error(`no\n    at ${quoted}\n    at f (https://x.test/?t=${renewed}:1:1)`),
    ],
    [
      'a TypeError that quotes tokens',
      new TypeError(`Invalid value "Bearer ${renewed}" for ${rotated}, ${access} (${quoted})`),
    ],
    ['a RangeError that quotes a token in a URL', new RangeError(`https://x.test/?rt=${encodeURIComponent(rotated)}`)],
    ['what JSON.parse says', thrown(() => JSON.parse(`${quoted}{`) as unknown)],
    ['what new URL says', thrown(() => new URL(`//${quoted}`))],
    ['what Headers say', thrown(() => new Headers({ Authorization: `Bearer ${quoted}\n${quoted}\0` }))],
    ['an Error with a cause', new Error('no', { cause: new Error(quoted, { cause: axiosError(500) }) })],
    ['an AggregateError', new AggregateError([axiosError(), new Error(quoted)], quoted)],
    [
      'an Error with fields',
      Object.assign(new Error('no'), { token: access, request: config, toString: () => quoted, toJSON: () => quoted }),
    ],
    [
      'an Error whose name and code are sentences',
      Object.assign(new Error('no'), { name: `Failed: ${quoted}`, code: `because ${quoted}` }),
    ],
    [
      'an Error whose request id is a sentence',
      Object.assign(new Error('no'), { headers: { 'x-request-id': `see ${quoted}, please` } }),
    ],
    [
      'an Error whose request id is the refresh token',
      Object.assign(new Error('no'), { headers: { 'x-request-id': refreshToken } }),
    ],
    [
      'an Error whose request id has the refresh token in it, in the body',
      Object.assign(new Error('no'), { response: { status: 401, data: { request_id: `req-${refreshToken}` } } }),
    ],
    [
      'a TokenError whose request id is the refresh token',
      new TokenError('AUTH_TOKEN_REFRESH_FAILED', 'no', { kind: 'server', status: 503, requestId: refreshToken }),
    ],
    ['a string', `failed with ${quoted}`],
    ['an object', { message: quoted, tokens: signedIn }],
    ['an array', [quoted]],
    ['a symbol', Symbol(quoted)],
    ['a fetch Response', new Response(quoted, { status: 401, headers: { 'x-quoted': quoted } })],
  ])('%s', async (_what, error) => {
    const s = signedInStage(
      () => {
        throw error;
      },
      { escalateAfter: 1 },
    );
    const forced = follow(s.session.refresh());
    await s.clock.advance(hour);
    const request = follow(s.session.getAccessToken());
    await settle();
    expect(isTokenError(forced.error)).toBe(true);
    expect(isTokenError(request.error)).toBe(true);
    expect(leaks(s, [forced.error, request.error])).toStrictEqual([]);
    expect(s.types()).toEqual(expect.arrayContaining(['refresh.failed', 'refresh.escalated']));
    expect(output.join('\n')).toContain('refresh.failed');
    s.session.dispose();
  });

  test('a request id that is the access token gives way to the next one that the server tells', async () => {
    const opaque = 'At9kV4nC7xW2mJ5pB8qZ3rTy';
    const s = stage(
      () => ({ tokens: { accessToken: opaque, refreshToken }, retry: false }),
      () => {
        throw Object.assign(new Error('no'), { headers: { 'x-request-id': opaque, 'x-correlation-id': 'req-7' } });
      },
    );
    const forced = follow(s.session.refresh());
    await settle();
    const { error } = forced;
    expect(error).toMatchObject({ requestId: 'req-7', cause: { requestId: 'req-7' } });
    expect(findIn([error, s.events].map(shown).join('\n'), [opaque])).toStrictEqual([]);
  });

  test('also when it is tried again', async () => {
    const s = signedInStage(
      () => {
        throw axiosError(503);
      },
      { retry: { minDelayMs: 10 } },
    );
    follow(s.session.refresh());
    await s.clock.advance(60_000);
    expect(s.types()).toContain('refresh.retried');
    expect(leaks(s)).toStrictEqual([]);
  });

  test('the TokenError that a 401 has as its cause', async () => {
    const s = signedInStage(() => {
      throw axiosError(401);
    });
    s.api.respond = () => ({ status: 401 });
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    expect(isTokenError((request.error as AxiosError).cause)).toBe(true);
    expect(
      leaks(s, [(request.error as AxiosError).cause, stateOf((request.error as AxiosError).config)]),
    ).toStrictEqual([]);
  });
});

describe('G24 nor is what a refresh callback returns', () => {
  test.each<readonly [what: string, result: unknown]>([
    ['a token with a line break', `${renewed}\r\n${quoted}`],
    ['a token with a space', `Bearer ${renewed}`],
    ['an object with another name', { access_token: renewed, refresh_token: rotated }],
    ['an expired token', { accessToken: renewed, refreshToken: rotated, expiresAt: 5 }],
    ['a refresh token in an object', { accessToken: renewed, refreshToken: { value: rotated } }],
    ['a lifetime that is a token', { accessToken: renewed, expiresIn: quoted }],
    ['a subject that is a list', { accessToken: renewed, subject: [quoted] }],
    ['an audience that is a token', { accessToken: renewed, audience: [quoted] }],
    ["another user's token", { accessToken: renewed, subject: 'grace' }],
    ['the response of Axios', { data: { accessToken: renewed }, headers: { 'set-cookie': rotated } }],
    ['a Map', new Map([['accessToken', renewed]])],
  ])('%s', async (_what, result) => {
    const s = signedInStage(() => result);
    const forced = follow(s.session.refresh());
    await settle();
    expect(isTokenError(forced.error, 'AUTH_REFRESH_RESPONSE_INVALID')).toBe(true);
    expect(leaks(s, [forced.error])).toStrictEqual([]);
  });
});

describe('G24 what other code of the user throws is not repeated either', () => {
  const throwing = (): never => {
    throw new TypeError(`cannot handle ${quoted} with ${access} and ${rotated}`);
  };

  test.each<readonly [what: string, options: object]>([
    ['origins', { origins: throwing }],
    ['shouldRefresh', { shouldRefresh: throwing }],
    ['classifyFailure', { classifyFailure: throwing }],
    ['the store', { store: { load: () => undefined, save: throwing, clear: throwing } }],
    ['a store that cannot load', { store: { ...memoryStore(), load: async () => throwing() } }],
    [
      'a store that holds nonsense',
      { store: { ...memoryStore(), load: async () => ({ accessToken: `${quoted}\n${quoted}` }) } },
    ],
  ])('%s', async (_what, options) => {
    const s = stage(() => ({ retry: false, ...options }), throwing);
    s.api.respond = () => ({ status: 401 });
    await s.session.ready;
    const set = follow(s.session.setTokens(signedIn));
    await settle();
    const request = follow(s.api.instance.get('/orders'));
    const forced = follow(s.session.refresh());
    await settle();
    const out = follow(s.session.signOut());
    await settle();
    expect(s.types().some((type) => type.endsWith('.failed'))).toBe(true);
    expect(
      leaks(s, [set.error, forced.error, out.error, (request.error as AxiosError | undefined)?.cause]),
    ).toStrictEqual([]);
  });

  test('a store that quotes tokens too short to look like such', async () => {
    const tokens = { accessToken: 'opaque-1', refreshToken: 'refresh-1' };
    const quote = ({ accessToken, refreshToken: beside = 'none' }: TokenSet): string => `${accessToken} ${beside}`;
    const quoting = (...given: unknown[]): never => {
      const quoted = [tokens, ...given].map((one) => (typeof one === 'object' ? quote(one as TokenSet) : 'nothing'));
      throw new TypeError(`cannot store ${quoted.join(' ')}`);
    };
    const s = stage(
      () => ({
        retry: false,
        store: {
          load: () => Promise.resolve(tokens),
          save: quoting,
          clear: quoting,
          replace: quoting,
          exclusive: () => quoting(),
          claim: quoting,
          subscribe: () => quoting,
        },
      }),
      () => ({ accessToken: 'opaque-2', refreshToken: 'refresh-2' }),
    );
    await s.session.ready;
    await s.session.refresh();
    await s.session.setTokens({ accessToken: 'opaque-3', refreshToken: 'refresh-3' });
    await s.session.signOut();
    const told = s.events.filter(({ type }) => type === 'store.failed');
    expect(told.map((event) => 'action' in event && event.action)).toStrictEqual([
      'exclusive',
      'save',
      'save',
      'clear',
    ]);
    expect(shown(told)).toContain('cannot store [redacted]');
    expect(shown(told)).not.toMatch(/opaque-|refresh-\d/);
  });

  test('formatHeader', async () => {
    for (const formatHeader of [throwing, (token: string): string => `Bearer ${token}\r\n${quoted}`]) {
      const error = thrown(() => stage(() => ({ tokens: signedIn, formatHeader })));
      expect(findIn(shown(error), canaries)).toStrictEqual([]);
      const s = stage(() => ({ formatHeader, retry: false }), renewing);
      const set = follow(s.session.setTokens(signedIn));
      const forced = follow(s.session.refresh());
      await settle();
      expect([set.state, forced.state]).toStrictEqual(['rejected', 'rejected']);
      expect(leaks(s, [set.error, forced.error])).toStrictEqual([]);
    }
  });

  test('listeners and subscribers', async () => {
    const s = signedInStage();
    s.session.on('event', throwing).on('tokens.changed', (): unknown => Promise.reject(thrown(throwing) as Error));
    s.session.subscribe(throwing);
    await s.session.refresh();
    await settle();
    expect(s.types()).toContain('listener.failed');
    expect(leaks(s)).toStrictEqual([]);
  });
});

describe('G24 misuse is told without the value', () => {
  test.each<readonly [what: string, options: object]>([
    ['tokens with a line break', { tokens: `${quoted}\n${quoted}` }],
    ['tokens of the wrong kind', { tokens: [quoted] }],
    ['a header that is a token', { header: `Bearer ${quoted}` }],
    ['a store that is a token', { store: quoted }],
    ['a whenMissing that is a token', { whenMissing: quoted }],
  ])('%s', (_what, options) => {
    expect(findIn(shown(thrown(() => stage(() => options))), canaries)).toStrictEqual([]);
  });

  test('setTokens, and an audience that does not cover the request', async () => {
    const s = signedInStage();
    const set = follow(s.session.setTokens({ accessToken: `${quoted}\n`.repeat(2), refreshToken: rotated }));
    await s.session.setTokens({ ...signedIn, audience: ['https://other.example.com'] });
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    expect(isTokenError(set.error, 'AUTH_TOKEN_MALFORMED')).toBe(true);
    expect(isTokenError(request.error, 'AUTH_SCOPE_MISMATCH')).toBe(true);
    expect(leaks(s, [set.error, request.error])).toStrictEqual([]);
  });
});

describe('G24 the search itself', () => {
  test('finds a canary, and a piece of one of 12 characters', () => {
    for (const canary of canaries) {
      expect(findIn(`x${canary}x`, canaries)).toHaveLength(1);
      expect(findIn(canary.slice(3, 15), [canary])).toHaveLength(1);
      expect(findIn(canary.slice(3, 14), [canary])).toHaveLength(0);
    }
  });

  test('sees into what is frozen, hidden or behind a cause', () => {
    const error = new Error('no', {
      cause: Object.defineProperty(new Error('x'), 'hidden', { value: { deep: [{ er: quoted }] } }),
    });
    expect(findIn(shown(error), canaries)).toHaveLength(1);
  });
});
