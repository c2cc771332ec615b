import { describe, expect, test } from '@jest/globals';
import { isTokenError, TokenError } from '../../src/index.js';
import { settle } from '../support/clock.js';
import { deferred, follow, rejection, stage, type Followed, type Refresh, type Stage } from '../support/stage.js';

const hour = 3_600_000;
const forever = (): Promise<never> => new Promise(() => undefined);
const throwing = (reason: unknown) => (): never => {
  throw reason;
};

const unreadable = (name: string): Error =>
  Object.defineProperty(new Error('no'), name, { get: throwing(new Error('no')) });

/** Ways to fail that a callback finds by itself. */
const failures: readonly (readonly [what: string, fail: Refresh])[] = [
  ['throws an Error at once', throwing(new Error('no'))],
  ['throws a TypeError at once', throwing(new TypeError('x is undefined'))],
  ['throws a string', throwing('no')],
  ['throws undefined', throwing(undefined)],
  ['throws null', throwing(null)],
  ['throws 0', throwing(0)],
  ['throws a symbol', throwing(Symbol('no'))],
  ['throws a frozen object', throwing(Object.freeze({ message: 'no' }))],
  ['throws an object without a prototype', throwing(Object.create(null))],
  ['throws an object whose every property throws', throwing(new Proxy({}, { get: throwing(new Error('no')) }))],
  ['throws an Error that cannot be read', throwing(new Proxy(new Error('no'), { get: throwing(new Error('no')) }))],
  ['throws an Error whose message cannot be read', throwing(unreadable('message'))],
  ['throws an Error whose stack cannot be read', throwing(unreadable('stack'))],
  ['throws a TypeError whose message is no string', throwing(Object.assign(new TypeError('no'), { message: 5 }))],
  ['throws an Error whose stack is no string', throwing(Object.assign(new Error('no'), { stack: 5 }))],
  [
    'throws an Error whose headers fail',
    throwing(Object.assign(new Error('no'), { headers: { get: throwing('no') } })),
  ],
  ['throws an Error whose headers are text', throwing(Object.assign(new Error('no'), { headers: 'none' }))],
  ['rejects with an Error', () => Promise.reject(new Error('no'))],
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a user's callback may do
  ['rejects with a string', () => Promise.reject('no')],
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a user's callback may do
  ['rejects with undefined', () => Promise.reject(undefined)],
  ['returns a thenable that throws', () => ({ then: throwing(new Error('no')) })],
  [
    'returns a thenable that cannot be read',
    () => Object.defineProperty({}, 'then', { get: throwing(new Error('no')) }),
  ],
];

const faulty = (fail: Refresh, options: object = {}): Stage => {
  let calls = 0;
  return stage(
    ({ issue }) => ({ tokens: issue(), retry: false, ...options }),
    (context, basis) => (++calls === 1 ? fail(context, basis) : basis.issue()),
  );
};

describe('G14 a refresh callback that fails in its own way fails that operation alone', () => {
  test.each(failures)('%s: the typed error, and the next one works', async (_what, fail) => {
    const s = faulty(fail);
    const forced = follow(s.session.refresh());
    await settle();
    expect(forced.state).toBe('rejected');
    expect(forced.error).toMatchObject({
      code: 'AUTH_TOKEN_REFRESH_FAILED',
      kind: 'callback',
      attempts: 1,
      retryable: true,
    });
    expect(s.session.getSnapshot()).toMatchObject({ status: 'active', isRefreshing: false, consecutiveFailures: 1 });
    await expect(s.session.refresh()).resolves.toEqual(expect.any(String));
    expect(s.session.getSnapshot()).toMatchObject({ consecutiveFailures: 0, error: undefined });
  });

  test.each(failures)(
    '%s: all that wait are settled, with the token that lives or with the error',
    async (_what, fail) => {
      const alive = faulty(fail);
      const current = await alive.session.getAccessToken();
      await alive.clock.advance(hour - 60_000);
      follow(alive.api.instance.get('/a'));
      follow(alive.api.instance.get('/b'));
      await settle();
      expect(alive.api.seen.map(({ token }) => token)).toStrictEqual([current, current]);

      const dead = faulty(fail);
      await dead.clock.advance(hour);
      const waiting = [follow<unknown>(dead.api.instance.get('/a')), follow<unknown>(dead.session.getAccessToken())];
      await settle();
      for (const { error } of waiting) expect(isTokenError(error, 'AUTH_TOKEN_REFRESH_FAILED')).toBe(true);
      expect(dead.session.getSnapshot().waiting).toBe(0);
      expect(dead.clock.holding).toBe(0);
      await dead.clock.advance(2_000);
      await dead.api.instance.get('/c');
      expect(dead.api.seen.map(({ url }) => url)).toStrictEqual(['/c']);
    },
  );

  test('throws a TokenError: its code and its kind are kept', async () => {
    const s = faulty(
      throwing(new TokenError('AUTH_TOKEN_NOT_YET_VALID', 'The assertion is not valid yet.', { kind: 'protocol' })),
    );
    expect(await rejection(s.session.refresh())).toMatchObject({
      code: 'AUTH_TOKEN_NOT_YET_VALID',
      kind: 'protocol',
      message: expect.stringContaining('The assertion is not valid yet'),
    });
    await expect(s.session.refresh()).resolves.toEqual(expect.any(String));
  });

  test('settles twice: the first word counts', async () => {
    const s = faulty((_context, { issue }) => ({
      then(resolve: (value: unknown) => void, reject: (reason: unknown) => void) {
        resolve(issue());
        reject(new Error('no'));
        resolve(undefined);
      },
    }));
    await expect(s.session.refresh()).resolves.toEqual(expect.any(String));
    expect(s.types().filter((type) => type === 'refresh.succeeded')).toHaveLength(1);
    expect(s.types()).not.toContain('refresh.failed');
  });
});

describe('G14 a refresh callback that never settles', () => {
  const limits = { refreshTimeoutMs: 3_000 };
  const rejected = (followed: Followed<unknown>, code: string): void => {
    expect(followed.state).toBe('rejected');
    expect(followed.error).toMatchObject({ code, kind: 'timeout', retryable: true });
  };

  test('fails that operation at its deadline, not before, and the next one works', async () => {
    const s = faulty(forever, limits);
    const forced = follow(s.session.refresh());
    await s.clock.advance(2_999);
    expect(forced.state).toBe('pending');
    await s.clock.advance(1);
    rejected(forced, 'AUTH_TOKEN_REFRESH_TIMEOUT');
    expect(s.session.getSnapshot()).toMatchObject({ isRefreshing: false, status: 'active' });
    const renewed = await s.session.refresh();
    expect(await s.session.getAccessToken()).toBe(renewed);
  });

  test('rejects all that wait for it at its deadline with one error, for there is no living token', async () => {
    const s = faulty(forever, limits);
    await s.clock.advance(hour);
    const waiting = [
      s.api.instance.get('/a'),
      s.api.instance.get('/b'),
      s.session.getAccessToken(),
      s.session.refresh(),
    ].map((wait) => follow<unknown>(wait));
    await s.clock.advance(3_000);
    for (const followed of waiting) rejected(followed, 'AUTH_TOKEN_REFRESH_TIMEOUT');
    expect(s.calls).toHaveLength(1);
    expect(s.api.seen).toHaveLength(0);
    expect(s.session.getSnapshot().waiting).toBe(0);
    expect(s.clock.holding).toBe(0);
    await s.clock.advance(2_000);
    await s.api.instance.get('/c');
    expect(s.api.seen.map(({ url }) => url)).toStrictEqual(['/c']);
  });

  test('holds no request longer than the current token lives (G3)', async () => {
    const s = faulty(forever, { refreshTimeoutMs: 60_000 });
    const current = await s.session.getAccessToken();
    await s.clock.advance(hour - 10_000);
    const request = follow(s.api.instance.get('/orders'));
    await s.clock.advance(9_999);
    expect(request.state).toBe('resolved');
    expect(s.api.seen.map(({ token }) => token)).toStrictEqual([current]);
    s.session.dispose();
  });

  test('with retries: each attempt may take its time, the operation no more than its own', async () => {
    const s = stage(({ issue }) => ({ tokens: issue(), retry: { attemptTimeoutMs: 1_000 }, ...limits }), forever);
    const forced = follow(s.session.refresh());
    await s.clock.advance(3_000);
    rejected(forced, 'AUTH_TOKEN_REFRESH_TIMEOUT');
    // One that may have reached the server is repeated once, not more.
    expect(s.calls.map(({ attempt }) => attempt)).toStrictEqual([1, 2]);
    s.session.dispose();
    expect(s.clock.pending).toBe(0);
  });

  test('leaves nothing behind once it is given up: no timer, and its signal is aborted', async () => {
    const s = faulty(forever, limits);
    follow(s.session.refresh());
    await s.clock.advance(hour / 2);
    expect(s.calls[0]?.signal.aborted).toBe(true);
    expect(s.clock.pending).toBe(0);
  });
});

describe('G14 a refresh callback that ignores its signal', () => {
  test('after a sign-out: what it brings is dropped (G11)', async () => {
    const late = deferred<string>();
    const s = faulty(() => late.promise);
    const forced = follow(s.session.refresh());
    await settle();
    await s.session.signOut();
    expect(s.calls[0]?.signal.aborted).toBe(true);
    expect(isTokenError(forced.error, 'AUTH_SESSION_CLEARED')).toBe(true);
    late.resolve(s.issue());
    await settle();
    expect(s.session.getSnapshot()).toMatchObject({ status: 'signed-out', expiresAt: undefined });
    expect(s.types()).not.toContain('refresh.succeeded');
    await expect(s.session.refresh()).resolves.toEqual(expect.any(String));
  });

  test('after new tokens: what it brings, good or bad, changes nothing', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const late = deferred<string>();
      const s = faulty(() => late.promise);
      follow(s.session.refresh());
      await settle();
      const mine = s.issue();
      await s.session.setTokens(mine);
      if (end === 'resolve') late.resolve(s.issue());
      else late.reject(Object.assign(new Error('no'), { response: { status: 401 } }));
      await settle();
      expect(await s.session.getAccessToken()).toBe(mine);
      expect(s.session.getSnapshot()).toMatchObject({ status: 'active', error: undefined, consecutiveFailures: 0 });
    }
  });

  test('after dispose: nothing happens, whatever it does', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const late = deferred<string>();
      const s = faulty(() => late.promise);
      follow(s.session.refresh());
      await settle();
      s.session.dispose();
      const before = s.session.getSnapshot();
      if (end === 'resolve') late.resolve(s.issue());
      else late.reject(new Error('no'));
      await settle();
      expect(s.session.getSnapshot()).toBe(before);
    }
  });

  test('two at once, the older one last: the newer answer stays', async () => {
    const answers = [deferred<string>(), deferred<string>()];
    const s = stage(
      ({ issue }) => ({ tokens: issue(), retry: { retries: 1, attemptTimeoutMs: 1_000, minDelayMs: 0 } }),
      ({ attempt }) => answers[attempt - 1]?.promise,
    );
    const forced = follow(s.session.refresh());
    await s.clock.advance(1_000);
    expect(s.calls).toHaveLength(2);
    const newer = s.issue();
    answers[1]?.resolve(newer);
    await settle();
    expect(forced.value).toBe(newer);
    expect(s.calls[0]?.signal.aborted).toBe(true);
    answers[0]?.resolve(s.issue());
    await settle();
    expect(await s.session.getAccessToken()).toBe(newer);
    expect(s.session.getSnapshot().generation).toBe(2);
  });
});
