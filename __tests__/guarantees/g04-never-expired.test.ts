import { describe, expect, test } from '@jest/globals';
import {
  hour,
  minute,
  nth,
  pause,
  second,
  settle,
  unreachable,
  watch,
  world,
  type WorldOptions,
} from '../properties/world.js';

/** An app whose own interceptor takes its time after ours has run. */
function slow(ms: number): WorldOptions['before'] {
  return (instance, clock) => {
    instance.interceptors.request.use(async (config) => {
      await pause(clock, ms);
      return config;
    });
  };
}

describe('G4 a token known to have expired is never sent', () => {
  test('at the very millisecond of its death a request waits for the next token', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(hour);
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(w.api.seen).toHaveLength(0);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([fresh]);
  });

  test('one that expires in a slow interceptor on the way to the wire is replaced before it is sent', async () => {
    const w = world({ before: slow(5 * second), refreshAhead: false, refreshWindow: { maxMs: 1, ttlFraction: 1 } });
    await w.clock.advance(hour - 2 * second);
    const request = watch(w.instance.post('/orders', { id: 1 }));
    await settle();
    expect(w.told('request.queued')).toHaveLength(0);
    await w.clock.advance(5 * second);
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([await w.session.getAccessToken()]);
    expect(w.calls).toHaveLength(1);
    expect(nth(w.api.seen, 0).body).toBe('{"id":1}');
  });

  test('one that was let go in the window and expires in a slow interceptor is not sent if no other can be had', async () => {
    const w = world({ before: slow(5 * second), retry: false, refresh: () => Promise.reject(unreachable()) });
    await w.clock.advance(hour - 2 * second);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(10 * second);
    expect(request.error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED' });
    expect(w.api.seen).toHaveLength(0);
  });

  test('one that expires in a slow interceptor while the refresh was refused is not sent', async () => {
    const w = world({
      before: slow(5 * second),
      whenMissing: 'reject',
      refresh: () =>
        Promise.reject(Object.assign(new Error('no'), { response: { status: 401, headers: {}, data: '' } })),
    });
    await w.clock.advance(hour - 2 * second);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(10 * second);
    expect(request.error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    expect(w.api.seen).toHaveLength(0);
  });

  test('a JWT that a refresh has brought dies at the `expiresAt` beside it, though its `exp` is later', async () => {
    const w = world({ refresh: 'open' });
    const { clock } = w;
    const refreshed = w.session.refresh();
    await settle();
    nth(w.calls, 0).answer({ accessToken: w.issue(), expiresAt: clock.now() + 10 * minute });
    const told = await refreshed;
    expect(w.session.getSnapshot().expiresAt).toBe(clock.now() + 10 * minute);
    await clock.advance(10 * minute);
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('pending');
    expect(w.sent()).not.toContain(told);
  });

  test('a refresh that fails leaves a request with a dead token unsent', async () => {
    const w = world({ retry: false, refresh: () => Promise.reject(unreachable()) });
    await w.clock.advance(hour);
    await expect(w.instance.get('/orders')).rejects.toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED' });
    expect(w.api.seen).toHaveLength(0);
  });

  test('a dead access token with a refresh token, as an app restores it, is refreshed first', async () => {
    const w = world({
      tokens: ({ issue }) => ({ accessToken: issue(-60), refreshToken: 'from-last-week' }),
    });
    expect(w.session.status).toBe('active');
    await w.instance.get('/orders');
    expect(nth(w.calls, 0).context.tokens?.refreshToken).toBe('from-last-week');
    expect(w.sent()).toStrictEqual([await w.session.getAccessToken()]);
  });

  test('setTokens() with a dead access token sends nothing before the refresh', async () => {
    const w = world({ tokens: null, refresh: 'open' });
    await w.session.setTokens({ accessToken: w.issue(-1), refreshToken: 'r' });
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(w.api.seen).toHaveLength(0);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([fresh]);
  });

  test('after hours of sleep, seen by the wall clock alone, the old token is not sent', async () => {
    const w = world();
    w.clock.jump(8 * hour);
    await w.instance.get('/orders');
    expect(w.calls).toHaveLength(1);
    expect(w.sent()).toStrictEqual([await w.session.getAccessToken()]);
  });

  test('a wall clock set back does not make a dead token live', async () => {
    const w = world();
    const old = await w.session.getAccessToken();
    w.clock.jump(-12 * hour);
    await w.clock.advance(hour);
    await w.instance.get('/orders');
    expect(w.sent()).not.toContain(old);
  });

  test('a replay carries a living token though the old one died meanwhile', async () => {
    const w = world({ refresh: 'open', ttlSeconds: 10, refreshTimeoutMs: minute, retry: false });
    const old = await w.session.getAccessToken();
    w.api.respond = (_config, token) => ({ status: token === old ? 401 : 200 });
    await w.clock.advance(5 * second);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(7 * second);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([old, fresh]);
  });

  test('expiresIn and expiresAt count as the JWT’s exp does', async () => {
    for (const given of [{ expiresIn: 60 }, { expiresAt: Date.UTC(2026, 0, 1) + minute }]) {
      const w = world({ tokens: { accessToken: 'opaque-token', ...given }, refresh: 'open' });
      expect(w.session.getSnapshot().expiresAt).toBe(w.clock.now() + minute);
      await w.clock.advance(minute);
      void watch(w.instance.get('/orders'));
      await settle();
      expect(w.api.seen).toHaveLength(0);
      expect(w.calls).toHaveLength(1);
    }
  });
});
