/** What users hand over by mistake: told by a typed error or an event, nothing lost, nothing hangs. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import axios from 'axios';
import { installTokenRefresh, isTokenError, memoryStore } from '../src/index.js';
import type { TokenErrorCode, TokenSet } from '../src/index.js';
import type { fakeApi } from './support/api.fake.js';
import { fakeClock, settle } from './support/clock.js';
import { follow, rejection, stage, thrown, type Refresh, type Stage } from './support/stage.js';

const hour = 3_600_000;
const forever = (): Promise<never> => new Promise(() => undefined);
const throwing = (): never => {
  throw new Error('a fault of the user');
};
const sent = (s: Stage): unknown[] => s.api.seen.map(({ token }) => token);
const failedSources = (s: Stage): unknown[] =>
  s.events
    .filter(({ type }) => type === 'listener.failed')
    .map((event) => ('source' in event ? event.source : undefined));

// A promise that nobody listens to would end a Node process.
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => {
  process.on('unhandledRejection', note);
});
afterAll(() => {
  process.off('unhandledRejection', note);
});
afterEach(async () => {
  await settle();
  expect(unhandled.splice(0)).toStrictEqual([]);
});

describe('a refresh callback: each fault, as the application sees it (G12, G14)', () => {
  const invalid = ['AUTH_REFRESH_RESPONSE_INVALID', 'protocol'] as const;
  const failed = ['AUTH_TOKEN_REFRESH_FAILED', 'callback'] as const;

  test.each<readonly [what: string, code: TokenErrorCode, kind: string, refresh: Refresh]>([
    ['returns undefined', ...invalid, () => undefined],
    ['returns null', ...invalid, () => null],
    ['returns a number', ...invalid, () => 42],
    ['returns {}', ...invalid, () => ({})],
    ['returns an expired token', ...invalid, (_context, { issue }) => issue(-1)],
    ['returns the same expired token', ...invalid, ({ tokens }) => tokens],
    ['returns a token with CR and LF', ...invalid, (_context, { issue }) => `${issue()}\r\nX-Evil: 1`],
    ['throws an Error at once', ...failed, throwing],
    [
      'throws a string at once',
      ...failed,
      () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a user's callback may do
        throw 'no';
      },
    ],
    [
      'throws undefined at once',
      ...failed,
      () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a user's callback may do
        throw undefined;
      },
    ],
    ['never settles', 'AUTH_TOKEN_REFRESH_TIMEOUT', 'timeout', forever],
  ])(
    '%s: all that wait get %s of kind %s, within the default limits, and the next request works',
    async (_what, code, kind, refresh) => {
      let broken = true;
      const s = stage(
        ({ issue }) => ({ tokens: issue() }),
        (context, basis) => (broken ? refresh(context, basis) : basis.issue()),
      );
      await s.clock.advance(hour);
      const waiting = [
        s.api.instance.get('/a'),
        s.api.instance.post('/b', {}),
        s.session.getAccessToken(),
        s.session.refresh(),
      ].map((wait) => follow<unknown>(wait));
      await s.clock.advance(15_000);
      for (const { state, error } of waiting) {
        expect(state).toBe('rejected');
        expect(isTokenError(error, code)).toBe(true);
        expect(error).toMatchObject({ kind, retryable: true });
      }
      expect(s.events.filter(({ type }) => type === 'refresh.failed')).toHaveLength(1);
      expect(s.api.seen).toHaveLength(0);
      expect(s.session.status).toBe('active');
      broken = false;
      await s.clock.advance(1_000);
      await s.api.instance.get('/c');
      expect(sent(s)).toStrictEqual([await s.session.getAccessToken()]);
      s.session.dispose();
      expect(s.clock.pending).toBe(0);
    },
  );
});

describe('an origins function', () => {
  test('that throws: the request goes without a token, the fault is told, the next one is asked about anew', async () => {
    let broken = true;
    const s = stage(({ issue }) => ({
      tokens: issue(),
      origins: (url) => (broken ? throwing() : url.hostname === 'api.example.com'),
    }));
    await s.api.instance.get('/a');
    broken = false;
    await s.api.instance.get('/b');
    expect(sent(s)).toStrictEqual([undefined, await s.session.getAccessToken()]);
    expect(new Set(failedSources(s))).toEqual(new Set(['origins']));
  });

  test('that is async by mistake lets nothing out', async () => {
    const origins = (async () => true) as unknown as (url: URL) => boolean;
    const s = stage(({ issue }) => ({ tokens: issue(), origins }));
    await s.api.instance.get('https://evil.test/x');
    expect(sent(s)).toStrictEqual([undefined]);
    expect(failedSources(s)).toContain('origins');
  });

  test('that is async and rejects is no unhandled rejection', async () => {
    const origins = (async () => throwing()) as unknown as (url: URL) => boolean;
    const s = stage(({ issue }) => ({ tokens: issue(), origins }));
    await s.api.instance.get('https://evil.test/x');
    expect(sent(s)).toStrictEqual([undefined]);
  });
});

describe('shouldRefresh', () => {
  test.each<readonly [what: string, shouldRefresh: () => unknown]>([
    ['throws', throwing],
    ['returns a string', () => 'no'],
    ['returns a number', () => 0],
    ['returns null', () => null],
    ['is async', async () => false],
    ['is async and rejects', async () => throwing()],
  ])('that %s: the default counts, and the fault is told', async (_what, shouldRefresh) => {
    const s = stage(({ issue }) => ({ tokens: issue(), shouldRefresh: shouldRefresh as () => boolean }));
    s.api.respond = () => ({ status: s.api.seen.length === 1 ? 401 : 200 });
    expect((await s.api.instance.get('/orders')).status).toBe(200);
    expect(s.calls).toHaveLength(1);
    expect(s.api.seen).toHaveLength(2);
    expect(new Set(failedSources(s))).toEqual(new Set(['shouldRefresh']));
  });

  test('that changes the response it is shown does not change what the caller gets', async () => {
    const s = stage(({ issue }) => ({
      tokens: issue(),
      shouldRefresh: (response) => {
        Object.assign(response, { status: 200 });
        return undefined;
      },
    }));
    s.api.respond = () => ({ status: s.api.seen.length === 1 ? 401 : 200, data: '{"a":1}' });
    expect((await s.api.instance.get<unknown>('/orders')).data).toEqual({ a: 1 });
  });
});

describe('classifyFailure', () => {
  test.each<readonly [what: string, classifyFailure: () => unknown]>([
    ['throws', throwing],
    ['returns a boolean', () => true],
    ['returns another word', () => 'fatal'],
    ['returns null', () => null],
    ['is async', async () => 'terminal'],
    ['is async and rejects', async () => throwing()],
  ])('that %s: the default counts, and the fault is told', async (_what, classifyFailure) => {
    for (const [status, code] of [
      [503, 'AUTH_TOKEN_REFRESH_FAILED'],
      [401, 'AUTH_SESSION_EXPIRED'],
    ] as const) {
      const s = stage(
        ({ issue }) => ({ tokens: issue(), retry: false, classifyFailure: classifyFailure as () => undefined }),
        () => Promise.reject(Object.assign(new Error('no'), { response: { status } })),
      );
      expect(isTokenError(await rejection(s.session.refresh()), code)).toBe(true);
      expect(new Set(failedSources(s))).toEqual(new Set(['classifyFailure']));
      s.session.dispose();
    }
  });
});

describe('formatHeader', () => {
  const faulty: readonly (readonly [what: string, formatHeader: () => unknown])[] = [
    ['throws', throwing],
    ['returns undefined', () => undefined],
    ['returns a line break', () => 'Bearer a\r\nX-Evil: 1'],
    ['is async', async () => 'Bearer a'],
  ];

  test.each(faulty)('that %s, for the option tokens: malformed at once', (_what, formatHeader) => {
    const error = thrown(() => stage(() => ({ tokens: 'abc', formatHeader: formatHeader as () => string })));
    expect(isTokenError(error, 'AUTH_TOKEN_MALFORMED')).toBe(true);
    expect(String(error)).toContain('formatHeader');
  });

  test.each(faulty)('that %s, for new tokens: malformed, and the old ones stay', async (_what, formatHeader) => {
    const s = stage(() => ({
      tokens: 'good',
      formatHeader: (token) => (token === 'good' ? 'Bearer good' : (formatHeader() as string)),
    }));
    expect(isTokenError(await rejection(s.session.setTokens('bad')), 'AUTH_TOKEN_MALFORMED')).toBe(true);
    await s.api.instance.get('/orders');
    expect(sent(s)).toStrictEqual(['good']);
  });

  test.each(faulty)(
    'that %s, for what a refresh brings: the operation fails, the old tokens stay',
    async (_what, formatHeader) => {
      let broken = true;
      const s = stage(
        () => ({
          tokens: 'good',
          retry: false,
          formatHeader: (token) => (token !== 'good' && broken ? (formatHeader() as string) : `Bearer ${token}`),
        }),
        () => 'next',
      );
      const error = await rejection(s.session.refresh());
      expect(isTokenError(error, 'AUTH_TOKEN_MALFORMED') || isTokenError(error, 'AUTH_REFRESH_RESPONSE_INVALID')).toBe(
        true,
      );
      expect(await s.session.getAccessToken()).toBe('good');
      broken = false;
      expect(await s.session.refresh()).toBe('next');
    },
  );

  test.each(faulty)(
    'that %s, for what a store brings later: ready resolves, requests go on, the fault is told',
    async (_what, formatHeader) => {
      const s = stage(() => ({
        store: { ...memoryStore(), load: async (): Promise<TokenSet> => ({ accessToken: 'stored' }) },
        formatHeader: (token) => (token === 'stored' ? (formatHeader() as string) : `Bearer ${token}`),
      }));
      const request = follow(s.api.instance.get('/a'));
      const ready = follow(s.session.ready);
      await settle();
      expect(ready.state).toBe('resolved');
      expect(request.state).toBe('resolved');
      expect(s.session.status).toBe('signed-out');
      expect(s.types().filter((type) => type.endsWith('.failed'))).toHaveLength(1);
      await s.session.setTokens('good');
      await s.api.instance.get('/b');
      expect(sent(s)).toStrictEqual([undefined, 'good']);
    },
  );
});

describe('the store of a session that works', () => {
  test('each method of which fails in turn: no request, token or sign-out is lost', async () => {
    for (const fail of [throwing, async (): Promise<undefined> => throwing()]) {
      const s = stage(() => ({
        store: { load: fail, save: fail, clear: fail },
      }));
      await s.session.ready;
      await s.session.setTokens(s.issue());
      await s.api.instance.get('/a');
      await s.session.refresh();
      await s.api.instance.get('/b');
      await s.session.signOut();
      await settle();
      expect(s.session.status).toBe('signed-out');
      expect(sent(s)).not.toContain(undefined);
      expect(s.types().filter((type) => type === 'store.failed').length).toBeGreaterThanOrEqual(3);
    }
  });

  test('that never ends a write holds up setTokens and signOut alone, no request', async () => {
    const s = stage(() => ({ store: { ...memoryStore(), save: forever, clear: forever } }));
    const set = follow(s.session.setTokens(s.issue()));
    await settle();
    await s.api.instance.get('/a');
    await s.session.refresh();
    await s.api.instance.get('/b');
    const out = follow(s.session.signOut());
    await settle();
    expect(s.session.status).toBe('signed-out');
    expect(sent(s)).not.toContain(undefined);
    expect([set.state, out.state]).not.toContain('rejected');
  });
});

describe('requests that are odd themselves', () => {
  test.each<readonly [what: string, config: object]>([
    ['no URL', { url: undefined }],
    ['an empty URL', { url: '' }],
    ['a method in capitals', { url: '/a', method: 'GET' }],
    ['a timeout of 0', { url: '/a', timeout: 0 }],
    ['a signal that is undefined', { url: '/a', signal: undefined }],
    ['headers that are null', { url: '/a', headers: null }],
    ['a config that is frozen', Object.freeze({ url: '/a' })],
    ['a tokenRefresh of true', { url: '/a', tokenRefresh: true }],
  ])('%s: leaves with the token', async (_what, config) => {
    const s = stage(() => ({ tokens: 'abc' }));
    await s.api.instance.request(config);
    expect(sent(s)).toStrictEqual(['abc']);
  });

  test('a config that is used twice at once, and once more later', async () => {
    const s = stage(({ issue }) => ({ tokens: issue() }));
    const config = { url: '/a', data: { id: 1 }, method: 'post' };
    await s.clock.advance(hour);
    await Promise.all([s.api.instance.request(config), s.api.instance.request(config)]);
    await s.api.instance.request(config);
    const token = await s.session.getAccessToken();
    expect(sent(s)).toStrictEqual([token, token, token]);
    expect(Object.keys(config)).toStrictEqual(['url', 'data', 'method']);
  });

  test.each<readonly [what: string, adapter: () => unknown]>([
    ['throws at once', throwing],
    ['rejects', async () => throwing()],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what an adapter may do
    ['rejects with undefined', () => Promise.reject(undefined)],
  ])('an adapter that %s: the caller gets what it threw', async (_what, adapter) => {
    const clock = fakeClock();
    const instance = axios.create({ baseURL: 'https://api.example.com', adapter: adapter as never });
    const session = installTokenRefresh(instance, { refresh: throwing, tokens: 'abc', clock });
    const plain = follow(axios.create({ baseURL: 'https://api.example.com', adapter: adapter as never }).get('/a'));
    const request = follow(instance.get('/a'));
    await settle();
    expect(request.state).toBe(plain.state);
    expect(String(request.error)).toBe(String(plain.error));
    expect(session.status).toBe('active');
  });

  test.each([[undefined], [null], [{}], ['text']])(
    'an adapter that answers with %p ends as it does without us',
    async (answer) => {
      const make = (): ReturnType<typeof fakeApi>['instance'] =>
        axios.create({ baseURL: 'https://api.example.com', adapter: (async () => answer) as never });
      const ours = make();
      installTokenRefresh(ours, { refresh: throwing, tokens: 'abc' });
      const [plain, request] = [follow(make().get('/a')), follow(ours.get('/a'))];
      await settle();
      expect(request.state).toBe(plain.state);
      expect(request.value).toEqual(plain.value);
    },
  );
});
