import { describe, expect, test } from '@jest/globals';
import type { TokenSet } from '../../src/index.js';
import {
  hour,
  minute,
  nth,
  pause,
  second,
  settle,
  states,
  times,
  unreachable,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';

async function waiting(options: WorldOptions = {}): Promise<World> {
  const w = world({ refresh: 'open', ...options });
  await w.clock.advance(2 * hour);
  return w;
}

const slowly: WorldOptions['before'] = (instance, clock) => {
  instance.interceptors.request.use(async (config) => {
    await pause(clock, 5 * second);
    return config;
  });
};

describe('G11 a sign-out during a refresh wins', () => {
  test('the result is discarded, and everybody who waits is rejected', async () => {
    const saved: unknown[] = [];
    const w = await waiting({
      store: {
        load: () => undefined,
        save: (tokens) => void saved.push(tokens),
        clear: () => void saved.push('clear'),
      },
    });
    const requests = times(3, () => watch(w.instance.get('/orders')));
    const token = watch(w.session.getAccessToken());
    const manual = watch(w.session.refresh());
    await settle();
    await w.session.signOut();
    await settle();
    for (const { error } of [...requests, token, manual])
      expect(error).toMatchObject({ name: 'TokenError', code: 'AUTH_SESSION_CLEARED' });
    nth(w.calls, 0).answer();
    await settle();
    expect(w.session.status).toBe('signed-out');
    expect(w.session.getSnapshot()).toMatchObject({ isRefreshing: false, waiting: 0, expiresAt: undefined });
    expect(w.told('refresh.succeeded')).toHaveLength(0);
    expect(w.told('session.cleared')).toHaveLength(1);
    expect(w.api.seen).toHaveLength(0);
    expect(saved.at(-1)).toBe('clear');
  });

  test('the refresh callback hears of it by its signal', async () => {
    const w = await waiting();
    void watch(w.instance.get('/orders'));
    await settle();
    expect(nth(w.calls, 0).context.signal.aborted).toBe(false);
    await w.session.signOut();
    expect(nth(w.calls, 0).context.signal.aborted).toBe(true);
  });

  test('no further attempt is made, and no failure is told', async () => {
    const w = await waiting();
    void watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 0).fail(unreachable());
    await settle();
    await w.session.signOut();
    await w.clock.advance(minute);
    expect(w.calls).toHaveLength(1);
    expect(w.told('refresh.failed')).toHaveLength(0);
    expect(w.clock.pending).toBe(0);
  });

  test('afterwards nothing refreshes by itself, not even for a 401', async () => {
    const w = world();
    await w.session.signOut();
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/sign-in'));
    await settle();
    expect(request.error).toMatchObject({ response: { status: 401 } });
    expect(w.sent()).toStrictEqual([undefined]);
    expect(w.calls).toHaveLength(0);
  });

  test('a request under way at the sign-out is not replayed', async () => {
    const w = world();
    w.api.respond = async () => {
      await pause(w.clock, second);
      return { status: 401 };
    };
    const request = watch(w.instance.get('/orders'));
    await settle();
    await w.session.signOut();
    await w.clock.advance(second);
    expect(request.error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_SESSION_CLEARED' } });
    expect(w.api.seen).toHaveLength(1);
    expect(w.calls).toHaveLength(0);
  });

  test('a sign-in after it starts afresh, and the old refresh still counts for nothing', async () => {
    const w = await waiting();
    void watch(w.instance.get('/orders'));
    await settle();
    await w.session.signOut();
    const token = w.issue();
    await w.session.setTokens(token);
    nth(w.calls, 0).answer(w.issue());
    await settle();
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual([token]);
  });
});

describe('G11 a sign-in as another user', () => {
  test('rejects those who waited as the old one, and sends nothing of theirs', async () => {
    const w = await waiting();
    const requests = times(3, () => watch(w.instance.post('/orders', { of: 'ada' })));
    const token = watch(w.session.getAccessToken());
    const manual = watch(w.session.refresh());
    await settle();
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    await settle();
    for (const { error } of [...requests, token, manual]) expect(error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    nth(w.calls, 0).answer();
    await settle();
    expect(w.api.seen).toHaveLength(0);
    expect(w.told('refresh.succeeded')).toHaveLength(0);
  });

  test('holds for a dead token of the new user as well', async () => {
    const w = await waiting();
    const old = watch(w.instance.get('/of-ada'));
    await settle();
    await w.session.setTokens({ accessToken: w.issue(-1, { sub: 'bob' }), refreshToken: 'of-bob' });
    await settle();
    expect(old.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    const fresh = watch(w.instance.get('/of-bob'));
    await settle();
    const bobs = w.issue(3_600, { sub: 'bob' });
    nth(w.calls, -1).answer(bobs);
    await settle();
    expect(fresh.state).toBe('resolved');
    expect(w.api.seen.map(({ url }) => url)).toStrictEqual(['/of-bob']);
    expect(nth(w.calls, -1).context.tokens?.refreshToken).toBe('of-bob');
  });

  test('a 401 of the old user is not replayed as the new one', async () => {
    const w = world();
    const ada = await w.session.getAccessToken();
    w.api.respond = async (_config, token) => {
      await pause(w.clock, second);
      return { status: token === ada ? 401 : 200 };
    };
    const request = watch(w.instance.get('/orders'));
    await settle();
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    await w.clock.advance(2 * second);
    expect(request.error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_SESSION_CLEARED' } });
    expect(w.sent()).toStrictEqual([ada]);
    expect(w.calls).toHaveLength(0);
  });

  test('one who waits for a replay as the old user is rejected with its 401', async () => {
    const w = world({ refresh: 'open' });
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    await settle();
    expect(request.error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_SESSION_CLEARED' } });
    expect(w.api.seen).toHaveLength(1);
  });

  test('a request held up in a slow interceptor is not sent as the new user', async () => {
    const w = world({ before: slowly });
    const request = watch(w.instance.get('/of-ada'));
    await w.clock.advance(second);
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    await w.clock.advance(5 * second);
    expect(w.api.seen).toHaveLength(0);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
  });

  test('a request held up in a slow interceptor that was added later is not sent as the new user', async () => {
    const w = world();
    slowly(w.instance, w.clock);
    const old = watch(w.instance.post('/transfer', { of: 'ada' }));
    await w.clock.advance(second);
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    await w.clock.advance(4 * second);
    expect(old.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(w.api.seen).toHaveLength(0);
  });

  test('nor one that this interceptor sends on as a copy, nor after a sign-out', async () => {
    const w = world();
    slowly(w.instance, w.clock);
    w.instance.interceptors.request.use((config) => ({ ...config }));
    const old = watch(w.instance.post('/transfer', { of: 'ada' }));
    await w.clock.advance(second);
    await w.session.signOut();
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    await w.clock.advance(4 * second);
    expect(old.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(w.api.seen).toHaveLength(0);
  });

  test('a request that has waited and is then held up in a slow interceptor is not sent as the new user', async () => {
    const w = await waiting({ before: slowly });
    const request = watch(w.instance.get('/of-ada'));
    await settle();
    nth(w.calls, 0).answer();
    await w.clock.advance(second);
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    await w.clock.advance(5 * second);
    expect(w.api.seen).toHaveLength(0);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
  });

  test('a request held up in a slow interceptor across a sign-out is not sent as whoever signs in next', async () => {
    const w = world({ before: slowly });
    const request = watch(w.instance.get('/of-ada'));
    await w.clock.advance(second);
    await w.session.signOut();
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    await w.clock.advance(5 * second);
    expect(w.api.seen).toHaveLength(0);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
  });

  test('session.cleared, then session.started are told', async () => {
    const w = world();
    await w.session.setTokens(w.issue(3_600, { sub: 'bob' }));
    const types = w.events.map(({ type }) => type);
    expect(types.indexOf('session.cleared')).toBeGreaterThanOrEqual(0);
    expect(types.lastIndexOf('session.started')).toBeGreaterThan(types.indexOf('session.cleared'));
  });

  test('a refresh that answers with another user’s token has failed', async () => {
    const w = await waiting({ retry: false });
    const request = watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 0).answer(w.issue(3_600, { sub: 'bob' }));
    await settle();
    expect(request.error).toMatchObject({ code: 'AUTH_REFRESH_RESPONSE_INVALID' });
    expect(w.api.seen).toHaveLength(0);
  });
});

describe('G11 a sign-in as the same user', () => {
  test('lets those who wait leave with the new token', async () => {
    const w = await waiting();
    const requests = times(3, () => watch(w.instance.get('/orders')));
    const token = watch(w.session.getAccessToken());
    await settle();
    const fresh = w.issue();
    await w.session.setTokens(fresh);
    await settle();
    expect(states(requests)).toStrictEqual(['resolved', 'resolved', 'resolved']);
    expect(token.value).toBe(fresh);
    expect(w.sent()).toStrictEqual([fresh, fresh, fresh]);
    expect(w.told('session.cleared')).toHaveLength(0);
  });

  test('replays those who wait after a 401', async () => {
    const w = world({ refresh: 'open' });
    const old = await w.session.getAccessToken();
    w.api.respond = (_config, token) => ({ status: token === old ? 401 : 200 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    const fresh = w.issue();
    await w.session.setTokens(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([old, fresh]);
  });

  test('with a dead token lets them wait on, for a refresh with the new refresh token', async () => {
    const w = await waiting();
    const request = watch(w.instance.get('/orders'));
    await settle();
    await w.session.setTokens({ accessToken: w.issue(-1), refreshToken: 'newer' });
    await settle();
    expect(request.state).toBe('pending');
    expect(w.calls).toHaveLength(2);
    expect(nth(w.calls, 1).context.tokens?.refreshToken).toBe('newer');
    const fresh = w.issue();
    nth(w.calls, 1).answer(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([fresh]);
  });

  test('where nobody knows who it is, it is taken for the same user', async () => {
    const w = world({ tokens: 'opaque-1', refresh: 'open' });
    w.api.respond = (_config, token) => ({ status: token === 'opaque-1' ? 401 : 200 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    await w.session.setTokens('opaque-2');
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual(['opaque-1', 'opaque-2']);
  });

  test('the option subject tells users of opaque tokens apart', async () => {
    const w = world({ tokens: { accessToken: 'opaque-1', subject: 'ada' }, refresh: 'open' });
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    await w.session.setTokens({ accessToken: 'opaque-2', subject: 'bob' });
    await settle();
    expect(request.error).toMatchObject({ cause: { code: 'AUTH_SESSION_CLEARED' } });
    expect(w.sent()).toStrictEqual(['opaque-1']);
  });

  test('a refresh that does not name the user keeps who signed in, in the store as well', async () => {
    let stored: TokenSet | undefined;
    const w = world({
      store: { load: () => undefined, save: (tokens) => void (stored = tokens), clear: () => undefined },
      refresh: () => 'opaque-2',
    });
    await w.session.setTokens({ accessToken: 'opaque-1', subject: 'ada' });
    await w.session.refresh();
    expect(stored).toMatchObject({ accessToken: 'opaque-2', subject: 'ada' });
  });

  test('users with numbers for names are told apart', async () => {
    const w = world({ tokens: ({ issue }) => ({ accessToken: issue(3_600, { sub: 7 }) }), refresh: 'open' });
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    await w.session.setTokens(w.issue(3_600, { sub: 8 }));
    await settle();
    expect(request.error).toMatchObject({ cause: { code: 'AUTH_SESSION_CLEARED' } });
    expect(w.api.seen).toHaveLength(1);
  });
});
