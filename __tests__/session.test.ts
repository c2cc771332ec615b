/** The session as its users see it. */
import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import axios, { type AxiosResponse, type CancelToken, type InternalAxiosRequestConfig } from 'axios';
import { createTokenSession, isTokenError, memoryStore } from '../src/index.js';
import type { TokenSessionOptions, TokenSet, TokenStore } from '../src/index.js';
import { fakeApi } from './support/api.fake.js';
import { fakeClock, settle } from './support/clock.js';
import { deferred, follow, lone, rejection, stage, thrown, type Refresh, type Stage } from './support/stage.js';

const start = Date.UTC(2026, 0, 1);
const hour = 3_600_000;
const signedIn = (refresh?: Refresh, options: object = {}): Stage =>
  stage(({ issue }) => ({ tokens: issue(), retry: false, ...options }), refresh);
const sent = ({ api }: Pick<Stage, 'api'>): unknown[] => api.seen.map(({ token }) => token);
const forever = (): Promise<never> => new Promise(() => undefined);
const refused = (): never => {
  throw Object.assign(new Error('no'), { response: { status: 401, data: {} } });
};

describe('the status', () => {
  test('without tokens: signed out', () => {
    expect(lone().status).toBe('signed-out');
  });

  test('with tokens: active, dead ones too, for they can be refreshed', async () => {
    expect(lone({ tokens: 'abc' }).status).toBe('active');
    const s = stage(({ issue }) => ({ tokens: { accessToken: issue(-60), refreshToken: 'def' } }));
    expect(s.session.status).toBe('active');
    await s.api.instance.get('/orders');
    expect(s.calls).toHaveLength(1);
    expect(s.calls[0]?.tokens).toMatchObject({ refreshToken: 'def' });
  });

  test('a sign-in, a sign-out, a sign-in again', async () => {
    const session = lone();
    await session.setTokens('abc');
    expect(session.status).toBe('active');
    await session.signOut();
    expect(session.status).toBe('signed-out');
    await session.setTokens({ accessToken: 'def' });
    expect(session.status).toBe('active');
  });

  test('a refused refresh of a dead token: expired, until the next sign-in', async () => {
    const s = signedIn(refused);
    await s.clock.advance(hour);
    expect(isTokenError(await rejection(s.api.instance.get('/orders')), 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(s.session.status).toBe('expired');
    await s.session.setTokens(s.issue());
    expect(s.session.status).toBe('active');
    await s.api.instance.get('/orders');
    expect(s.api.seen).toHaveLength(1);
  });

  test('a refused refresh of a living token: active, until it dies (G3)', async () => {
    const s = signedIn(refused);
    expect(isTokenError(await rejection(s.session.refresh()), 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(s.session.status).toBe('active');
    await s.api.instance.get('/orders');
    await s.clock.advance(hour - 1);
    expect(s.session.status).toBe('active');
    await s.clock.advance(1);
    expect(s.session.status).toBe('expired');
    expect(s.api.seen).toHaveLength(1);
  });

  test('a refused refresh of nobody: still signed out', async () => {
    const s = stage(undefined, refused);
    expect(isTokenError(await rejection(s.session.refresh()), 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(s.session.status).toBe('signed-out');
  });

  test('an expired session can be signed out', async () => {
    const s = signedIn(refused);
    await s.clock.advance(hour);
    await rejection(s.api.instance.get('/orders'));
    await s.session.signOut();
    expect(s.session.status).toBe('signed-out');
    expect(s.session.getSnapshot().error).toBeUndefined();
  });

  test('it cannot be written to', () => {
    const session = lone();
    expect(Object.isFrozen(session)).toBe(true);
    expect(Reflect.set(session, 'status', 'active')).toBe(false);
  });
});

describe('setTokens', () => {
  test.each<readonly [what: string, given: TokenSet | string]>([
    ['a string', 'abc'],
    ['a token set', { accessToken: 'abc' }],
  ])('takes %s', async (_what, given) => {
    const session = lone();
    await session.setTokens(given);
    expect(await session.getAccessToken()).toBe('abc');
  });

  test('what the caller does to the object later changes nothing', async () => {
    const session = lone();
    const given = { accessToken: 'abc' };
    await session.setTokens(given);
    given.accessToken = 'changed';
    expect(await session.getAccessToken()).toBe('abc');
  });

  test('each raises the generation by one, a sign-out too', async () => {
    const session = lone();
    const generations = [session.getSnapshot().generation];
    for (const change of [
      () => session.setTokens('a'),
      () => session.setTokens('b'),
      () => session.refresh(),
      () => session.signOut(),
    ]) {
      await change();
      generations.push(session.getSnapshot().generation);
    }
    expect(generations).toStrictEqual([0, 1, 2, 3, 4]);
  });

  test('resolves when the store has them', async () => {
    const saving = deferred<undefined>();
    const saved: TokenSet[] = [];
    const session = lone({
      store: { load: () => undefined, clear: () => undefined, save: (tokens) => (saved.push(tokens), saving.promise) },
    });
    const set = follow(session.setTokens('abc'));
    await settle();
    expect(saved).toStrictEqual([expect.objectContaining({ accessToken: 'abc' })]);
    expect(session.status).toBe('active');
    expect(set.state).toBe('pending');
    saving.resolve(undefined);
    await settle();
    expect(set.state).toBe('resolved');
  });

  test('ends a wait: the request leaves with these tokens, and the refresh in flight counts no more', async () => {
    const late = deferred<string>();
    const s = signedIn(() => late.promise);
    await s.clock.advance(hour);
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    const mine = s.issue();
    await s.session.setTokens(mine);
    await settle();
    expect(request.state).toBe('resolved');
    expect(s.calls[0]?.signal.aborted).toBe(true);
    late.resolve(s.issue());
    await settle();
    expect(sent(s)).toStrictEqual([mine]);
    expect(await s.session.getAccessToken()).toBe(mine);
  });

  test('a refresh token that a refresh omits is kept, one that a sign-in omits is not', async () => {
    const s = stage(({ issue }) => ({ tokens: { accessToken: issue(), refreshToken: 'def' } }));
    await s.session.refresh();
    await s.session.refresh();
    expect(s.calls[1]?.tokens?.refreshToken).toBe('def');
    await s.session.setTokens(s.issue());
    await s.session.refresh();
    expect(s.calls[2]?.tokens?.refreshToken).toBeUndefined();
  });

  test('a token alone forgets all that came with the one before: the refresh token, the audience, the subject', async () => {
    const s = stage(() => ({}));
    await s.session.setTokens({
      accessToken: 'abc',
      refreshToken: 'def',
      audience: ['https://api.test'],
      subject: 'ada',
    });
    await s.session.setTokens('ghi');
    await s.session.refresh();
    expect(s.calls[0]?.tokens).toEqual({ accessToken: 'ghi' });
  });
});

describe('getAccessToken', () => {
  test('a fresh one at once', async () => {
    const s = signedIn();
    const token = await s.session.getAccessToken();
    await s.api.instance.get('/orders');
    expect(sent(s)).toStrictEqual([token]);
    expect(s.calls).toHaveLength(0);
  });

  test('waits like a request in the refresh window, and with those that wait', async () => {
    const answer = deferred<string>();
    const s = signedIn(() => answer.promise);
    await s.clock.advance(hour - 60_000);
    const both = [follow(s.session.getAccessToken()), follow(s.session.getAccessToken())];
    await settle();
    expect(both.map(({ state }) => state)).toStrictEqual(['pending', 'pending']);
    const renewed = s.issue();
    answer.resolve(renewed);
    await settle();
    expect(both.map(({ value }) => value)).toStrictEqual([renewed, renewed]);
    expect(s.calls).toHaveLength(1);
  });

  test.each<readonly [whenMissing: 'send' | 'reject']>([['send'], ['reject']])(
    'signed out, whenMissing %p: AUTH_TOKEN_MISSING, and nobody is asked',
    async (whenMissing) => {
      const s = stage(() => ({ whenMissing }));
      expect(isTokenError(await rejection(s.session.getAccessToken()), 'AUTH_TOKEN_MISSING')).toBe(true);
      await s.session.setTokens(s.issue());
      await s.session.signOut();
      expect(isTokenError(await rejection(s.session.getAccessToken()), 'AUTH_TOKEN_MISSING')).toBe(true);
      expect(s.calls).toHaveLength(0);
    },
  );

  test("signed out, whenMissing 'refresh': refreshes", async () => {
    const s = stage(
      () => ({ whenMissing: 'refresh' }),
      () => 'renewed',
    );
    expect(await s.session.getAccessToken()).toBe('renewed');
    expect(s.calls[0]).toMatchObject({ tokens: undefined, trigger: 'request' });
  });

  test('expired: says so', async () => {
    const s = signedIn(refused);
    await s.clock.advance(hour);
    expect(isTokenError(await rejection(s.session.getAccessToken()), 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(isTokenError(await rejection(s.session.getAccessToken()), 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(s.calls).toHaveLength(1);
  });

  test.each<readonly [what: string, reason: unknown]>([
    ['an error', new Error('changed my mind')],
    ['a string', 'changed my mind'],
    ['a number', 0],
  ])("rejects with the signal's reason: %s", async (_what, reason) => {
    const s = signedIn(forever);
    expect(await rejection(s.session.getAccessToken({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    await s.clock.advance(hour);
    const controller = new AbortController();
    const waiting = follow(s.session.getAccessToken({ signal: controller.signal }));
    const other = follow(s.session.getAccessToken());
    await settle();
    controller.abort(reason);
    await settle();
    expect(waiting).toMatchObject({ state: 'rejected' });
    expect(waiting.error).toBe(reason);
    expect(other.state).toBe('pending');
    expect(s.calls[0]?.signal.aborted).toBe(false);
    s.session.dispose();
  });

  test.each<readonly [what: string, given: unknown, named: RegExp]>([
    ['no object', null, /options of getAccessToken must be an object/],
    ['a signal that is none', { signal: {} }, /"signal" of getAccessToken must be an AbortSignal/],
    ['an option that there is not', { singal: 5 }, /Unknown option "singal" of getAccessToken/],
  ])('rejects %s with a TypeError, and nobody waits for ever', async (_what, given, named) => {
    const s = signedIn(() => forever());
    await s.clock.advance(hour);
    const error = await rejection(s.session.getAccessToken(given as object));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(named);
    expect(s.session.getSnapshot()).toMatchObject({ waiting: 0, isRefreshing: false });
  });

  test('G10: a request whose cancel token is none takes nobody’s place', async () => {
    const s = signedIn(() => forever(), { maxWaiting: 1 });
    await s.clock.advance(hour);
    expect(await rejection(s.api.instance.get('/orders', { cancelToken: {} as CancelToken }))).toBeInstanceOf(
      TypeError,
    );
    expect(s.session.getSnapshot().waiting).toBe(0);
  });

  test('a signal that is aborted already starts nothing', async () => {
    const s = signedIn();
    await s.clock.advance(hour);
    await rejection(s.session.getAccessToken({ signal: AbortSignal.abort() }));
    expect(s.calls).toHaveLength(0);
  });

  test('leaves no listener on the signal', async () => {
    const answer = deferred<string>();
    const s = signedIn(() => answer.promise);
    await s.clock.advance(hour);
    const { signal } = new AbortController();
    const waiting = Array.from({ length: 5 }, () => s.session.getAccessToken({ signal }));
    await settle();
    answer.resolve(s.issue());
    await Promise.all(waiting);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('the signal holds while the store is read too', async () => {
    const s = stage(() => ({ store: { ...memoryStore(), load: forever } }));
    const controller = new AbortController();
    const waiting = follow(s.session.getAccessToken({ signal: controller.signal }));
    await settle();
    controller.abort('enough');
    await settle();
    expect(waiting).toMatchObject({ state: 'rejected', error: 'enough' });
    s.session.dispose();
  });
});

describe('refresh', () => {
  test('calls the callback though the token is fresh, and resolves to the new one', async () => {
    const s = signedIn();
    const token = await s.session.refresh();
    expect(s.calls).toHaveLength(1);
    expect(s.calls[0]).toMatchObject({ trigger: 'manual', attempt: 1 });
    expect(await s.session.getAccessToken()).toBe(token);
  });

  test('joins one in flight, whoever started it (G7)', async () => {
    const answer = deferred<string>();
    const s = signedIn(() => answer.promise);
    await s.clock.advance(hour - 60_000);
    const request = follow(s.api.instance.get('/orders'));
    const forced = [follow(s.session.refresh()), follow(s.session.refresh())];
    await settle();
    expect(s.calls).toHaveLength(1);
    const renewed = s.issue();
    answer.resolve(renewed);
    await settle();
    expect(forced.map(({ value }) => value)).toStrictEqual([renewed, renewed]);
    expect(request.state).toBe('resolved');
    expect(sent(s)).toStrictEqual([renewed]);
  });

  test('calls the callback though there are no tokens: a session in a cookie is restored that way', async () => {
    const s = stage(undefined, () => 'from-the-cookie');
    expect(await s.session.refresh()).toBe('from-the-cookie');
    expect(s.calls[0]?.tokens).toBeUndefined();
    expect(s.session.status).toBe('active');
    await s.session.signOut();
    expect(await s.session.refresh()).toBe('from-the-cookie');
    expect(s.session.status).toBe('active');
  });

  test('rejects with the typed error, and the next one works', async () => {
    let down = true;
    const s = signedIn((_context, { issue }) => {
      if (down) throw new Error('no');
      return issue();
    });
    expect(await rejection(s.session.refresh())).toMatchObject({
      code: 'AUTH_TOKEN_REFRESH_FAILED',
      kind: 'callback',
      attempts: 1,
      retryable: true,
    });
    down = false;
    await expect(s.session.refresh()).resolves.toEqual(expect.any(String));
  });

  test('waits for the store first', async () => {
    const stored = deferred<TokenSet>();
    const s = stage(() => ({ store: { ...memoryStore(), load: () => stored.promise } }));
    const forced = follow(s.session.refresh());
    await settle();
    expect(s.calls).toHaveLength(0);
    stored.resolve({ accessToken: s.issue(), refreshToken: 'stored' });
    await settle();
    expect(s.calls[0]?.tokens?.refreshToken).toBe('stored');
    expect(forced.state).toBe('resolved');
  });

  test('the callback is given a frozen context and a client without our interceptors', async () => {
    const s = signedIn(async ({ http }) => {
      const { data } = await http.post<{ token: string }>('/auth/refresh', { x: 1 });
      return data.token;
    });
    s.api.respond = () => ({ status: 200, data: { token: 'from-the-server' } });
    expect(await s.session.refresh()).toBe('from-the-server');
    expect(s.api.seen).toStrictEqual([
      expect.objectContaining({ url: '/auth/refresh', method: 'post', token: undefined, body: '{"x":1}' }),
    ]);
    expect(Object.isFrozen(s.calls[0])).toBe(true);
    expect(Object.isFrozen(s.calls[0]?.tokens)).toBe(true);
  });

  test('works over a mock that answers without headers', async () => {
    const s = signedIn(async ({ http }) => (await http.post<string>('/auth/refresh')).data);
    s.api.instance.defaults.adapter = async (config) =>
      ({ data: 'renewed', status: 200, config }) as AxiosResponse<string>;
    expect(await s.session.refresh()).toBe('renewed');
  });

  test('G23: a client to which nothing of axios.defaults sticks', async () => {
    const { common } = axios.defaults.headers;
    const before = { ...axios.defaults };
    Object.assign(axios.defaults, {
      auth: { username: 'ada', password: 'of-the-api' },
      params: { key: 'of-the-api' },
      responseType: 'arraybuffer',
      transformRequest: () => 'of-the-api',
      transformResponse: () => 'of-the-api',
      validateStatus: () => true,
    });
    common.Authorization = 'Bearer of-the-api';
    try {
      const asked: InternalAxiosRequestConfig[] = [];
      const s = signedIn(async ({ http }) => {
        const { data } = await http.post<{ token: string }>('/auth/refresh', { x: 1 });
        return data.token;
      });
      s.api.respond = (config) => {
        asked.push(config);
        return { status: 200, data: '{"token":"renewed"}' };
      };
      expect(await s.session.refresh()).toBe('renewed');
      const [config] = asked;
      expect(config?.data).toBe('{"x":1}');
      expect(config?.headers.toJSON()).toEqual({
        Accept: 'application/json, text/plain, */*',
        'Content-Type': 'application/json',
      });
      expect([config?.auth, config?.params, config?.responseType]).toStrictEqual([undefined, undefined, undefined]);
      s.api.respond = () => ({ status: 503 });
      expect(await rejection(s.session.refresh())).toMatchObject({ kind: 'server', status: 503 });
    } finally {
      delete common.Authorization;
      for (const name of ['auth', 'params', 'responseType']) Reflect.deleteProperty(axios.defaults, name);
      Object.assign(axios.defaults, before);
    }
  });

  test('a change that a callback makes to its client is gone with it', async () => {
    const seen: unknown[] = [];
    const s = signedIn(({ http }, { issue }) => {
      const { headers, transformRequest } = http.defaults;
      seen.push(JSON.stringify(headers.post), [transformRequest].flat().length);
      headers.post['X-Once'] = '1';
      (transformRequest as unknown[]).push(() => '');
      return issue();
    });
    await s.session.refresh();
    await s.session.refresh();
    expect(seen).toStrictEqual(['{}', 1, '{}', 1]);
  });

  test('an http client that asks the API with the same instance does not wait for itself', async () => {
    const s = signedIn(async ({ http }, { issue }) => {
      await http.get('/config');
      return issue();
    });
    await s.clock.advance(hour);
    await s.api.instance.get('/orders');
    expect(s.api.seen.map(({ url }) => url)).toStrictEqual(['/config', '/orders']);
  });

  test('works without an instance, with addresses that are whole', async () => {
    const session = createTokenSession({
      refresh: async ({ http }) => {
        const { data } = await http.get<string>('https://login.example.com/token', {
          adapter: async (config) => ({
            data: `${config.baseURL ?? 'none'}-${config.url ?? ''}`.length > 4 ? 'renewed' : '',
            status: 200,
            statusText: '',
            headers: {},
            config,
          }),
        });
        return data;
      },
    });
    expect(await session.refresh()).toBe('renewed');
  });
});

describe('the store', () => {
  const asyncStore = (loaded: Promise<TokenSet | undefined>): TokenStore & { readonly calls: string[] } => {
    const calls: string[] = [];
    return {
      calls,
      load: () => loaded,
      save: async (tokens) => void calls.push(`save ${tokens.accessToken}`),
      clear: async () => void calls.push('clear'),
    };
  };

  test('that answers at once seeds the session at once, and wins over the option tokens', async () => {
    const store = memoryStore();
    await store.save({ accessToken: 'stored' });
    const session = lone({ store, tokens: 'option' });
    expect(session.status).toBe('active');
    expect(await session.getAccessToken()).toBe('stored');
  });

  test('that is empty gets the option tokens', async () => {
    const store = memoryStore();
    lone({ store, tokens: 'option' });
    await settle();
    expect(await store.load()).toMatchObject({ accessToken: 'option' });
  });

  test('memoryStore keeps, gives back and forgets; each has its own', async () => {
    const [one, two] = [memoryStore(), memoryStore()];
    expect(await one.load()).toBeUndefined();
    await one.save({ accessToken: 'abc' });
    expect(await one.load()).toMatchObject({ accessToken: 'abc' });
    expect(await two.load()).toBeUndefined();
    await one.clear();
    expect(await one.load()).toBeUndefined();
  });

  test('is written after a sign-in, a refresh and a sign-out', async () => {
    const store = memoryStore();
    const session = lone({ store });
    await session.setTokens({ accessToken: 'abc', refreshToken: 'def' });
    expect(await store.load()).toMatchObject({ accessToken: 'abc', refreshToken: 'def' });
    await session.refresh();
    await settle();
    expect(await store.load()).toMatchObject({ accessToken: 'renewed', refreshToken: 'def' });
    await session.signOut();
    expect(await store.load()).toBeUndefined();
  });

  test('gets a moment instead of a lifetime, which means nothing later', async () => {
    const clock = fakeClock();
    const store = memoryStore();
    const session = lone({ store, clock });
    await session.setTokens({ accessToken: 'abc', expiresIn: 60 });
    const stored = await store.load();
    expect(stored).toMatchObject({ expiresAt: start + 60_000 });
    expect(stored?.expiresIn).toBeUndefined();
    await clock.advance(59_000);
    const restored = lone({ store, clock });
    expect(restored.getSnapshot().expiresAt).toBe(start + 60_000);
  });

  test('that answers later: loading, and a request waits for it', async () => {
    const stored = deferred<TokenSet | undefined>();
    const s = stage(() => ({ store: asyncStore(stored.promise) }));
    expect(s.session.status).toBe('loading');
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('pending');
    expect(s.session.getSnapshot().waiting).toBe(1);
    const token = s.issue();
    stored.resolve({ accessToken: token });
    await s.session.ready;
    expect(s.session.status).toBe('active');
    await settle();
    expect(request.state).toBe('resolved');
    expect(sent(s)).toStrictEqual([token]);
  });

  test('that answers later, with nothing: signed out, and the request leaves without a token', async () => {
    const s = stage(() => ({ store: asyncStore(Promise.resolve(undefined)) }));
    const request = follow(s.api.instance.get('/orders'));
    await s.session.ready;
    await settle();
    expect(s.session.status).toBe('signed-out');
    expect(request.state).toBe('resolved');
    expect(sent(s)).toStrictEqual([undefined]);
  });

  test('that answers later, with a dead token: the request that waited refreshes it', async () => {
    const stored = deferred<TokenSet | undefined>();
    const s = stage(() => ({ store: asyncStore(stored.promise) }));
    const request = follow(s.api.instance.get('/orders'));
    stored.resolve({ accessToken: s.issue(-60), refreshToken: 'def' });
    await settle();
    expect(request.state).toBe('resolved');
    expect(s.calls).toHaveLength(1);
  });

  test('a sign-in before it answers wins, and so does a sign-out', async () => {
    const stored = deferred<TokenSet | undefined>();
    const store = asyncStore(stored.promise);
    const session = lone({ store });
    await session.setTokens('mine');
    const other = lone({ store: asyncStore(stored.promise) });
    await other.signOut();
    stored.resolve({ accessToken: 'stored' });
    await Promise.all([session.ready, other.ready]);
    expect(await session.getAccessToken()).toBe('mine');
    expect(other.status).toBe('signed-out');
    expect(store.calls).toStrictEqual(['save mine']);
  });

  test('a sign-in before it answers lets those go that waited for it', async () => {
    const s = stage(() => ({ store: asyncStore(forever()) }));
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    const token = s.issue();
    await s.session.setTokens(token);
    await settle();
    expect(request.state).toBe('resolved');
    expect(sent(s)).toStrictEqual([token]);
    s.session.dispose();
  });

  test.each<readonly [what: string, load: () => Promise<TokenSet | undefined> | TokenSet | undefined]>([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    [
      'throws undefined',
      () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a user's store may do
        throw undefined;
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a user's store may do
    ['rejects with nothing', () => Promise.reject(undefined)],
    ['gives a number', () => 5 as unknown as TokenSet],
    ['gives an empty object', () => ({}) as TokenSet],
    ['gives a token with a line break', () => ({ accessToken: 'abc\r\nX-Evil: 1' })],
    ['gives a promise of nonsense', () => Promise.resolve('' as unknown as TokenSet)],
  ])('whose load %s: the session goes on in memory, with the option tokens', async (_what, load) => {
    const session = lone({ tokens: 'option', store: { ...memoryStore(), load } });
    const failed: unknown[] = [];
    session.on('store.failed', (event) => failed.push(event.action));
    await session.ready;
    expect(session.status).toBe('active');
    expect(await session.getAccessToken()).toBe('option');
    await session.setTokens('mine');
    expect(await session.getAccessToken()).toBe('mine');
  });

  test.each<readonly [what: string, load: () => Promise<TokenSet | undefined>]>([
    ['rejects', () => Promise.reject(new Error('no database'))],
    ['never answers', forever],
  ])('whose load %s: store.failed, and those that wait go on', async (_what, load) => {
    const s = stage(() => ({ maxWaitMs: 2_000, store: { ...memoryStore(), load } }));
    const request = follow(s.api.instance.get('/orders'));
    await s.clock.advance(2_000);
    await s.session.ready;
    await settle();
    expect(s.session.status).toBe('signed-out');
    expect(s.events.filter(({ type }) => type === 'store.failed')).toStrictEqual([
      expect.objectContaining({ action: 'load' }),
    ]);
    // Its own limit may have come first.
    if (request.state === 'rejected') expect(request.error).toMatchObject({ code: 'AUTH_WAIT_TIMEOUT' });
    else expect(sent(s)).toStrictEqual([undefined]);
    expect(request.state).not.toBe('pending');
    const token = s.issue();
    await s.session.setTokens(token);
    await s.api.instance.get('/orders');
    expect(sent(s).at(-1)).toBe(token);
    expect(s.clock.pending).toBe(0);
  });

  test.each(['save', 'clear'] as const)(
    'whose %s never answers: store.failed, and nobody waits for it',
    async (action) => {
      const s = stage(() => ({ maxWaitMs: 2_000, store: { ...memoryStore(), [action]: forever } }));
      if (action === 'clear') await s.session.setTokens(s.issue());
      const done = follow(action === 'save' ? s.session.setTokens(s.issue()) : s.session.signOut());
      await s.clock.advance(1_999);
      expect(done.state).toBe('pending');
      await s.clock.advance(1);
      expect(done.state).toBe('resolved');
      expect(s.session.status).toBe(action === 'save' ? 'active' : 'signed-out');
      expect(s.events.filter(({ type }) => type === 'store.failed')).toStrictEqual([
        expect.objectContaining({ action }),
      ]);
      expect(s.clock.pending).toBe(0);
    },
  );

  test.each<readonly [action: 'save' | 'clear', what: string, fail: () => Promise<void>]>([
    [
      'save',
      'throws',
      () => {
        throw new Error('full');
      },
    ],
    ['save', 'rejects', () => Promise.reject(new Error('full'))],
    [
      'clear',
      'throws',
      () => {
        throw new Error('locked');
      },
    ],
    ['clear', 'rejects', () => Promise.reject(new Error('locked'))],
  ])('whose %s %s: store.failed, and nothing else is lost', async (action, _what, fail) => {
    const s = stage(() => ({ store: { ...memoryStore(), [action]: fail } }));
    await s.session.setTokens(s.issue());
    await s.session.refresh();
    await s.api.instance.get('/orders');
    expect(s.session.status).toBe('active');
    await s.session.signOut();
    expect(s.session.status).toBe('signed-out');
    await settle();
    const failed = s.events.filter(({ type }) => type === 'store.failed');
    expect(failed.length).toBeGreaterThan(0);
    for (const event of failed) expect(event).toMatchObject({ action });
  });

  test('one write after the other: a slow save never undoes a sign-out', async () => {
    const writes: string[] = [];
    const slow = deferred<undefined>();
    const session = lone({
      store: {
        load: () => undefined,
        save: async () => {
          writes.push('save begins');
          await slow.promise;
          writes.push('save ends');
        },
        clear: () => void writes.push('clear'),
      },
    });
    const saved = session.setTokens('abc');
    await settle();
    const cleared = session.signOut();
    await settle();
    expect(writes).toStrictEqual(['save begins']);
    slow.resolve(undefined);
    await Promise.all([saved, cleared]);
    expect(writes).toStrictEqual(['save begins', 'save ends', 'clear']);
  });
});

describe('the snapshot', () => {
  test('is frozen, and the same object until something changes', async () => {
    const s = signedIn();
    const before = s.session.getSnapshot();
    expect(Object.isFrozen(before)).toBe(true);
    await s.api.instance.get('/orders');
    await s.clock.advance(1_000);
    expect(s.session.getSnapshot()).toBe(before);
    await s.session.setTokens(s.issue());
    const after = s.session.getSnapshot();
    expect(after).not.toBe(before);
    expect(s.session.getSnapshot()).toBe(after);
  });

  test('is not another one, and nobody is told, where what happens shows nowhere in it', async () => {
    const session = lone();
    const before = session.getSnapshot();
    let told = 0;
    session.subscribe(() => (told += 1));
    await session.signOut();
    expect(session.getSnapshot()).toBe(before);
    expect(told).toBe(0);
  });

  test('says all there is to say, and no more', async () => {
    const s = signedIn();
    expect(s.session.getSnapshot()).toEqual({
      status: 'active',
      isRefreshing: false,
      generation: 1,
      expiresAt: start + hour,
      endsAt: undefined,
      refreshAt: start + hour - 300_000,
      waiting: 0,
      consecutiveFailures: 0,
      clockSkewMs: undefined,
      error: undefined,
    });
    await s.session.signOut();
    expect(s.session.getSnapshot()).toEqual({
      status: 'signed-out',
      isRefreshing: false,
      generation: 2,
      expiresAt: undefined,
      endsAt: undefined,
      refreshAt: undefined,
      waiting: 0,
      consecutiveFailures: 0,
      clockSkewMs: undefined,
      error: undefined,
    });
  });

  test('follows a refresh that fails and one that works', async () => {
    const answers = [deferred<string>(), deferred<string>()];
    const s = signedIn(() => answers[s.calls.length - 1]?.promise);
    await s.clock.advance(hour);
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    expect(s.session.getSnapshot()).toMatchObject({ isRefreshing: true, waiting: 1 });
    answers[0]?.reject(new Error('no'));
    await settle();
    expect(s.session.getSnapshot()).toMatchObject({
      isRefreshing: false,
      waiting: 0,
      consecutiveFailures: 1,
      error: request.error,
    });
    const forced = follow(s.session.refresh());
    await settle();
    answers[1]?.resolve(s.issue());
    await settle();
    expect(forced.state).toBe('resolved');
    expect(s.session.getSnapshot()).toMatchObject({
      isRefreshing: false,
      waiting: 0,
      consecutiveFailures: 0,
      error: undefined,
      expiresAt: start + 2 * hour,
    });
  });

  test('says when a session ends whose refresh has been refused, and no longer once it goes on or is over', async () => {
    const answers: Refresh[] = [refused, (_context, { issue }) => issue(), refused];
    const s = signedIn((context, basis) => answers[s.calls.length - 1]?.(context, basis));
    const endsAt = (): unknown => s.session.getSnapshot().endsAt;
    expect(endsAt()).toBeUndefined();
    await rejection(s.session.refresh());
    expect(s.session.getSnapshot()).toMatchObject({ status: 'active', endsAt: start + hour, expiresAt: start + hour });
    await s.clock.advance(hour / 2);
    expect(endsAt()).toBe(start + hour);
    await s.session.refresh();
    expect(s.session.getSnapshot()).toMatchObject({ endsAt: undefined, expiresAt: start + 1.5 * hour });
    await rejection(s.session.refresh());
    expect(endsAt()).toBe(start + 1.5 * hour);
    await s.clock.advance(hour);
    expect(s.session.getSnapshot()).toMatchObject({ status: 'expired', endsAt: undefined });
  });

  test('a session that was ending ends nowhere after a sign-in or a sign-out', async () => {
    const s = signedIn(refused);
    await rejection(s.session.refresh());
    await s.session.setTokens(s.issue());
    expect(s.session.getSnapshot().endsAt).toBeUndefined();
    await rejection(s.session.refresh());
    expect(s.session.getSnapshot().endsAt).toBeDefined();
    await s.session.signOut();
    expect(s.session.getSnapshot().endsAt).toBeUndefined();
  });

  test('an unknown expiry is no end either', async () => {
    const session = lone({ tokens: 'opaque', refresh: refused, retry: false });
    await rejection(session.refresh());
    expect(session.getSnapshot()).toMatchObject({
      status: 'active',
      endsAt: undefined,
      error: { code: 'AUTH_SESSION_EXPIRED' },
    });
  });

  test('an unknown expiry is undefined', () => {
    expect(lone({ tokens: 'opaque' }).getSnapshot()).toMatchObject({ expiresAt: undefined, refreshAt: undefined });
  });
});

describe('formatHeader that makes no header', () => {
  const formatHeader = (): string => '\n';

  test('of the option "tokens": told at once, whatever the store', () => {
    const store = { ...memoryStore(), load: forever };
    expect(
      isTokenError(
        thrown(() => lone({ tokens: 'abc', formatHeader, store })),
        'AUTH_TOKEN_MALFORMED',
      ),
    ).toBe(true);
  });

  test('of what the store holds: the session starts without', () => {
    const session = lone({ formatHeader, store: { ...memoryStore(), load: () => ({ accessToken: 'abc' }) } });
    expect(session.status).toBe('signed-out');
  });
});

describe('subscribe', () => {
  test('hears of every change after it is in the snapshot, until it is taken off', async () => {
    const session = lone();
    const heard: string[] = [];
    const end = session.subscribe(() => {
      heard.push(session.getSnapshot().status);
    });
    await session.setTokens('abc');
    expect(heard).toContain('active');
    end();
    end();
    heard.length = 0;
    await session.signOut();
    expect(heard).toStrictEqual([]);
  });

  test('one function subscribed twice hears twice, and each is ended alone', async () => {
    const session = lone();
    let heard = 0;
    const listener = (): void => {
      heard++;
    };
    const ends = [session.subscribe(listener), session.subscribe(listener)];
    await session.setTokens('abc');
    const twice = heard;
    ends[0]?.();
    heard = 0;
    await session.setTokens('abc');
    expect(heard).toBeGreaterThan(0);
    expect(twice).toBe(2 * heard);
  });

  test('a change made inside a listener is heard of too', async () => {
    const session = lone();
    const seen: number[] = [];
    session.subscribe(() => {
      const { generation, status } = session.getSnapshot();
      seen.push(generation);
      if (status === 'active') void session.signOut();
    });
    await session.setTokens('abc');
    await settle();
    expect(seen.at(-1)).toBe(2);
    expect(session.status).toBe('signed-out');
  });
});

describe('whenMissing: a request without a token', () => {
  test("'send' leaves without one, and a 401 still refreshes", async () => {
    const s = stage();
    await s.api.instance.get('/public');
    expect(sent(s)).toStrictEqual([undefined]);
    s.api.respond = (_config, token) => ({ status: token === undefined ? 401 : 200 });
    await s.api.instance.get('/orders');
    expect(s.calls).toHaveLength(1);
    expect(sent(s)).toStrictEqual([undefined, undefined, await s.session.getAccessToken()]);
  });

  test("'refresh' refreshes first, once for all", async () => {
    const s = stage(() => ({ whenMissing: 'refresh' }));
    await Promise.all([s.api.instance.get('/a'), s.api.instance.get('/b')]);
    expect(s.calls).toHaveLength(1);
    const token = await s.session.getAccessToken();
    expect(sent(s)).toStrictEqual([token, token]);
  });

  test("'refresh' does not bring back a user who has signed out", async () => {
    const s = stage(({ issue }) => ({ tokens: issue(), whenMissing: 'refresh' }));
    await s.session.signOut();
    expect(isTokenError(await rejection(s.api.instance.get('/orders')), 'AUTH_TOKEN_MISSING')).toBe(true);
    expect(s.calls).toHaveLength(0);
    expect(s.api.seen).toHaveLength(0);
  });

  test("'refresh' tries an expired session again after a pause", async () => {
    let known = false;
    const s = stage(
      () => ({ whenMissing: 'refresh', retry: false }),
      (_context, { issue }) => (known ? issue() : refused()),
    );
    expect(isTokenError(await rejection(s.api.instance.get('/orders')), 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(isTokenError(await rejection(s.api.instance.get('/orders')), 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(s.calls).toHaveLength(1);
    known = true;
    await s.clock.advance(60_000);
    await s.api.instance.get('/orders');
    expect(s.session.status).toBe('active');
  });

  test("'reject' sends nothing", async () => {
    const s = stage(() => ({ whenMissing: 'reject' }));
    expect(isTokenError(await rejection(s.api.instance.get('/orders')), 'AUTH_TOKEN_MISSING')).toBe(true);
    expect(s.api.seen).toHaveLength(0);
    expect(s.calls).toHaveLength(0);
  });

  test("'send' after the end of a session: the sign-in call on the same instance gets through", async () => {
    const s = signedIn(refused);
    await s.clock.advance(hour);
    await rejection(s.api.instance.get('/orders'));
    await s.api.instance.post('/login', { name: 'ada' });
    expect(s.api.seen.map(({ url, token }) => [url, token])).toStrictEqual([['/login', undefined]]);
  });

  test('a 401 after a sign-out is passed on, with why there is no token', async () => {
    const s = signedIn();
    await s.session.signOut();
    s.api.respond = () => ({ status: 401 });
    const error = await rejection(s.api.instance.get('/orders'));
    expect(axios.isAxiosError(error) && error.response?.status).toBe(401);
    expect(isTokenError((error as Error).cause, 'AUTH_TOKEN_MISSING')).toBe(true);
    expect(s.calls).toHaveLength(0);
  });
});

describe('audience', () => {
  const twoOrigins = { origins: ['https://api.example.com', 'https://files.example.com'] };

  test('the token goes where it is meant for, and nothing leaves for elsewhere', async () => {
    const s = stage(() => ({
      ...twoOrigins,
      tokens: { accessToken: 'abc', audience: ['https://api.example.com/v1'] },
    }));
    await s.api.instance.get('/orders');
    const error = await rejection(s.api.instance.get('https://files.example.com/a.pdf'));
    expect(isTokenError(error, 'AUTH_SCOPE_MISMATCH')).toBe(true);
    expect(String(error)).toContain('https://files.example.com');
    expect(sent(s)).toStrictEqual(['abc']);
  });

  test('without one it goes to every listed origin', async () => {
    const s = stage(() => ({ ...twoOrigins, tokens: 'abc' }));
    await s.api.instance.get('/orders');
    await s.api.instance.get('https://files.example.com/a.pdf');
    expect(sent(s)).toStrictEqual(['abc', 'abc']);
  });

  test('it does not widen the origins', async () => {
    const s = stage(() => ({
      tokens: { accessToken: 'abc', audience: ['https://other.example.com', 'https://api.example.com'] },
    }));
    await s.api.instance.get('https://other.example.com/x');
    expect(sent(s)).toStrictEqual([undefined]);
  });

  test('of nobody: nothing leaves', async () => {
    const s = stage(() => ({ tokens: { accessToken: 'abc', audience: [] } }));
    expect(isTokenError(await rejection(s.api.instance.get('/orders')), 'AUTH_SCOPE_MISMATCH')).toBe(true);
    expect(s.api.seen).toHaveLength(0);
  });
});

describe('the header', () => {
  const headersOf = async (
    options: Partial<TokenSessionOptions>,
    headers: Record<string, string | false> = {},
  ): Promise<Record<string, unknown>> => {
    const api = fakeApi();
    lone({ tokens: 'abc', ...options }).attach(api.instance);
    const { config } = await api.instance.get('/orders', { headers: headers as Record<string, string> });
    return { ...config.headers.toJSON() };
  };

  test('is Authorization: Bearer', async () => {
    expect(await headersOf({})).toMatchObject({ Authorization: 'Bearer abc' });
  });

  test('can be another, in another form', async () => {
    const headers = await headersOf({ header: 'X-Api-Key', formatHeader: (token) => `key ${token}!` });
    expect(headers).toMatchObject({ 'X-Api-Key': 'key abc!' });
    expect(headers).not.toHaveProperty('Authorization');
  });

  test('that the caller set stays, in any case of letters', async () => {
    expect(await headersOf({}, { authorization: 'Basic abc' })).toMatchObject({ authorization: 'Basic abc' });
  });

  test('that the caller wants off is left off', async () => {
    expect(Object.values(await headersOf({}, { Authorization: false }))).not.toContain('Bearer abc');
  });

  test('is made once for each token', async () => {
    const made: string[] = [];
    const api = fakeApi();
    const session = lone({
      tokens: 'abc',
      formatHeader: (token) => {
        made.push(token);
        return token;
      },
    });
    session.attach(api.instance);
    for (let count = 0; count < 3; count++) await api.instance.get('/orders');
    await session.setTokens('def');
    await api.instance.get('/orders');
    expect(made).toStrictEqual(['abc', 'def']);
  });

  test('a request with tokenRefresh: false is left alone: no token, no wait, no replay', async () => {
    const s = signedIn(forever);
    await s.clock.advance(hour);
    s.api.respond = () => ({ status: 401 });
    expect(axios.isAxiosError(await rejection(s.api.instance.get('/login', { tokenRefresh: false })))).toBe(true);
    expect(sent(s)).toStrictEqual([undefined]);
    expect(s.calls).toHaveLength(0);
  });
});

describe('shouldRefresh', () => {
  test('true: another status means that the token was refused; the JSON body can be read', async () => {
    const bodies: unknown[] = [];
    const s = stage(({ issue }) => ({
      tokens: issue(),
      shouldRefresh: ({ status, data }) => {
        bodies.push(data);
        return status === 419 ? true : undefined;
      },
    }));
    s.api.respond = () => (s.api.seen.length === 1 ? { status: 419, data: '{"code":"expired"}' } : { status: 200 });
    expect((await s.api.instance.get('/orders')).status).toBe(200);
    expect(s.calls).toHaveLength(1);
    expect(bodies[0]).toEqual({ code: 'expired' });
  });

  test('false: a 401 is only an answer', async () => {
    const s = stage(({ issue }) => ({ tokens: issue(), shouldRefresh: () => false }));
    s.api.respond = () => ({ status: 401 });
    expect(await rejection(s.api.instance.get('/orders'))).toMatchObject({ response: { status: 401 } });
    expect(s.calls).toHaveLength(0);
  });
});

describe('classifyFailure', () => {
  test.each<readonly [verdict: 'terminal' | 'transient' | undefined, error: object, expected: string]>([
    ['terminal', { response: { status: 503 } }, 'AUTH_SESSION_EXPIRED'],
    ['transient', { response: { status: 401 } }, 'AUTH_TOKEN_REFRESH_FAILED'],
    [undefined, { response: { status: 401 } }, 'AUTH_SESSION_EXPIRED'],
    [undefined, { response: { status: 503 } }, 'AUTH_TOKEN_REFRESH_FAILED'],
  ])('%p of %p: %s', async (verdict, error, expected) => {
    const seen: unknown[] = [];
    const fault = Object.assign(new Error('no'), error);
    const s = signedIn(
      () => {
        throw fault;
      },
      {
        classifyFailure: (given: unknown) => {
          seen.push(given);
          return verdict;
        },
      },
    );
    expect(await rejection(s.session.refresh())).toMatchObject({ code: expected });
    expect(seen).toStrictEqual([fault]);
    s.session.dispose();
  });
});

describe('dispose', () => {
  test('ends it: every method says AUTH_SESSION_DISPOSED', async () => {
    const session = lone({ tokens: 'abc' });
    session.dispose();
    session.dispose();
    expect(
      isTokenError(
        thrown(() => session.attach(fakeApi().instance)),
        'AUTH_SESSION_DISPOSED',
      ),
    ).toBe(true);
    for (const call of [
      () => session.setTokens('def'),
      () => session.signOut(),
      () => session.getAccessToken(),
      () => session.refresh(),
    ]) {
      expect(isTokenError(await rejection(call()), 'AUTH_SESSION_DISPOSED')).toBe(true);
    }
  });

  test('what only reads or unregisters still works', async () => {
    const session = lone({ tokens: 'abc' });
    const listener = (): void => undefined;
    const end = session.subscribe(listener);
    session.dispose();
    await session.ready;
    expect(session.getSnapshot()).toBe(session.getSnapshot());
    expect(session.off('event', listener)).toBe(session);
    expect(() => {
      end();
      session.on('event', listener);
      session.subscribe(listener)();
    }).not.toThrow();
  });

  test('settles all that wait, whatever for (G10)', async () => {
    const s = signedIn(forever);
    await s.clock.advance(hour);
    const waiting = [
      follow(s.api.instance.get('/orders')),
      follow(s.session.getAccessToken()),
      follow(s.session.refresh()),
    ];
    await settle();
    s.session.dispose();
    await settle();
    for (const { state, error } of waiting) {
      expect(state).toBe('rejected');
      expect(isTokenError(error, 'AUTH_SESSION_DISPOSED')).toBe(true);
    }
    expect(s.calls[0]?.signal.aborted).toBe(true);
    expect(s.session.getSnapshot()).toMatchObject({ isRefreshing: false, waiting: 0 });
    expect(s.api.seen).toHaveLength(0);
  });

  test('leaves no timer, also while the store is read, a timer is set or an attempt waits (G20)', async () => {
    const scenes = [
      signedIn(forever),
      signedIn(forever, { schedule: true }),
      signedIn(() => Promise.reject(new Error('no')), { retry: { minDelayMs: 5_000 } }),
      stage(() => ({ store: { ...memoryStore(), load: forever } })),
    ];
    for (const s of scenes) {
      await s.clock.advance(hour);
      follow(s.api.instance.get('/orders'));
      follow(s.session.refresh());
      await settle();
      s.session.dispose();
      await settle();
      expect(s.clock.pending).toBe(0);
    }
  });

  test('during loading: ready resolves, and what waits is rejected', async () => {
    const stored = deferred<TokenSet | undefined>();
    const s = stage(() => ({ store: { ...memoryStore(), load: () => stored.promise } }));
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    s.session.dispose();
    await settle();
    expect(isTokenError(request.error, 'AUTH_SESSION_DISPOSED')).toBe(true);
    expect(s.clock.pending).toBe(0);
    stored.resolve({ accessToken: 'late' });
    await s.session.ready;
    expect(await rejection(s.session.getAccessToken())).toMatchObject({ code: 'AUTH_SESSION_DISPOSED' });
  });

  test('a store that never answers does not keep ready waiting', async () => {
    const s = stage(() => ({ store: { ...memoryStore(), load: forever } }));
    s.session.dispose();
    const ready = follow(s.session.ready);
    await s.clock.advance(60_000);
    expect(ready.state).toBe('resolved');
  });

  test('the instance is as it was: requests leave without a token', async () => {
    const s = signedIn();
    s.session.dispose();
    await s.api.instance.get('/orders');
    expect(sent(s)).toStrictEqual([undefined]);
  });

  test('nobody hears of anything any more', async () => {
    const answer = deferred<string>();
    const s = signedIn(() => answer.promise);
    let told = 0;
    s.session.subscribe(() => {
      told++;
    });
    follow(s.session.refresh());
    await settle();
    s.session.dispose();
    await settle();
    const before = [s.events.length, told];
    answer.resolve(s.issue());
    await s.clock.advance(hour);
    expect([s.events.length, told]).toEqual(before);
  });

  test('inside a listener is safe: nothing waits for what is over (G10)', async () => {
    const s = signedIn(forever);
    s.session.on('refresh.started', () => {
      s.session.dispose();
    });
    const forced = follow(s.session.refresh());
    await settle();
    expect(forced).toMatchObject({ state: 'rejected', error: { code: 'AUTH_SESSION_DISPOSED' } });
    expect(s.clock.pending).toBe(0);
  });
});

describe('what a listener does while a refresh begins (G10, G29)', () => {
  const scenes: readonly (readonly [what: string, begin: (s: Stage) => Promise<unknown>])[] = [
    ['refresh()', (s) => s.session.refresh()],
    ['getAccessToken()', (s) => s.session.getAccessToken()],
    ['a request', (s) => s.api.instance.get('/orders')],
  ];

  test.each(scenes)('%s: a sign-out wins at once', async (_what, begin) => {
    const s = signedIn(forever);
    await s.clock.advance(hour);
    s.session.once('refresh.started', () => void s.session.signOut());
    const waiting = follow(begin(s));
    await settle();
    expect(waiting).toMatchObject({ state: 'rejected', error: { code: 'AUTH_SESSION_CLEARED' } });
    expect(s.session.getSnapshot().waiting).toBe(0);
  });

  test.each(scenes)('%s: new tokens are taken at once', async (_what, begin) => {
    const s = signedIn(forever);
    await s.clock.advance(hour);
    s.session.once('refresh.started', () => void s.session.setTokens(s.issue()));
    const waiting = follow(begin(s));
    await settle();
    expect(waiting.state).toBe('resolved');
    expect(s.session.getSnapshot().waiting).toBe(0);
  });
});
