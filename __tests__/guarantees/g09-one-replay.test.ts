import { describe, expect, test } from '@jest/globals';
import type { AxiosError } from 'axios';
import { isTokenError } from '../../src/index.js';
import { minute, second, settle, states, times, unreachable, watch, world, type World } from '../properties/world.js';

/** An API that refuses everybody; until it gives in, so that a loop fails rather than hangs. */
function refuseAll({ api }: World): void {
  api.respond = () => ({ status: api.seen.length > 2_000 ? 200 : 401 });
}

describe('G9 at most one replay per request', () => {
  test('a request whose replay is refused as well ends with the 401, and AUTH_TOKEN_REJECTED as its cause', async () => {
    const w = world();
    refuseAll(w);
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.error).toMatchObject({ isAxiosError: true, response: { status: 401 } });
    expect(isTokenError((request.error as Error).cause, 'AUTH_TOKEN_REJECTED')).toBe(true);
    expect(w.api.seen).toHaveLength(2);
    expect(w.calls).toHaveLength(1);
    expect(w.told('request.replayed')).toHaveLength(1);
  });

  test('a POST is replayed once with the same body', async () => {
    const w = world();
    refuseAll(w);
    await settle();
    const request = watch(w.instance.post('/orders', { id: 1 }));
    await settle();
    expect(request.state).toBe('rejected');
    expect(w.api.seen.map(({ body }) => body)).toStrictEqual(['{"id":1}', '{"id":1}']);
  });

  test('a second 401 is not replayed though another new token has come meanwhile', async () => {
    const w = world();
    w.api.respond = async () => {
      // Each answer comes after yet another refresh.
      await w.session.refresh();
      return { status: w.api.seen.length > 20 ? 200 : 401 };
    };
    const request = watch(w.instance.get('/orders'));
    await settle();
    await settle();
    expect(request.error).toMatchObject({ response: { status: 401 } });
    expect(w.api.seen).toHaveLength(2);
  });

  test('validateStatus that lets 401 through sees the last answer', async () => {
    const w = world();
    w.api.respond = () => ({ status: 401, data: 'no' });
    const { status } = await w.instance.get('/orders', { validateStatus: () => true });
    expect(status).toBe(401);
    expect(w.api.seen).toHaveLength(2);
  });

  test('another status is not replayed', async () => {
    const w = world();
    for (const status of [400, 403, 404, 419, 500, 503]) {
      w.api.respond = () => ({ status });
      const request = watch(w.instance.get('/orders'));
      await settle();
      expect(request.error).toMatchObject({ response: { status } });
    }
    expect(w.api.seen).toHaveLength(6);
    expect(w.calls).toHaveLength(0);
  });

  test('a replay that ended in a 503 stays spent for 30 s, and no longer, however the config is sent again', async () => {
    const w = world();
    const answers = [401, 503, 401, 401, 200];
    w.api.respond = () => ({ status: answers[w.api.seen.length - 1] ?? 200 });
    const first = watch(w.instance.get('/orders'));
    await settle();
    const { config = {} } = first.error as AxiosError;
    await w.clock.advance(30 * second - 1);
    const early = watch(w.instance.request(config));
    await settle();
    expect(early.error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_TOKEN_REJECTED' } });
    await w.clock.advance(1);
    const late = watch(w.instance.request(config));
    await settle();
    expect(late.state).toBe('resolved');
    expect([w.api.seen.length, w.calls.length]).toStrictEqual([5, 2]);
  });

  test('a 401 that complains of the scope is not replayed', async () => {
    const w = world();
    w.api.respond = () => ({ status: 401, headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' } });
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('rejected');
    expect(w.api.seen).toHaveLength(1);
    expect(w.calls).toHaveLength(0);
  });
});

describe('G9 an API that refuses fresh tokens makes no storm', () => {
  test('one forced refresh in 30 s, however many requests fail', async () => {
    const w = world();
    refuseAll(w);
    for (let passed = 0; passed < 29; passed++) {
      const requests = times(10, () => watch(w.instance.get('/orders')));
      await w.clock.advance(second);
      expect(new Set(states(requests))).toEqual(new Set(['rejected']));
      for (const { error } of requests)
        expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_TOKEN_REJECTED' } });
    }
    expect(w.calls).toHaveLength(1);
    expect(w.api.seen).toHaveLength(29 * 10 + 10);
  });

  test('after 30 s there is one more', async () => {
    const w = world();
    refuseAll(w);
    await Promise.allSettled(times(5, () => w.instance.get('/orders')));
    await w.clock.advance(30 * second - 1);
    await Promise.allSettled(times(5, () => w.instance.get('/orders')));
    expect(w.calls).toHaveLength(1);
    await w.clock.advance(1);
    await Promise.allSettled(times(5, () => w.instance.get('/orders')));
    expect(w.calls).toHaveLength(2);
  });

  test('over an hour there are at most 120', async () => {
    const w = world();
    refuseAll(w);
    for (let passed = 0; passed < 3_600; passed += 5) {
      void watch(w.instance.get('/orders'));
      await w.clock.advance(5 * second);
    }
    expect(w.calls.length).toBeLessThanOrEqual(120);
    expect(w.calls.length).toBeGreaterThanOrEqual(100);
  });

  test('the very token that was refused, returned by the refresh, is a failed refresh', async () => {
    const w = world({ refresh: ({ tokens }) => tokens?.accessToken, retry: false });
    refuseAll(w);
    const requests = times(5, () => watch(w.instance.get('/orders')));
    await settle();
    for (const { error } of requests)
      expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_REFRESH_RESPONSE_INVALID' } });
    expect(w.api.seen).toHaveLength(5);
    expect(w.calls).toHaveLength(1);
  });

  test('a refresh that fails after a 401 is not repeated by every further 401', async () => {
    const w = world({ refresh: () => Promise.reject(unreachable()), retry: false });
    refuseAll(w);
    for (let passed = 0; passed < 600; passed++) {
      void watch(w.instance.get('/orders'));
      await w.clock.advance(100);
    }
    // A minute of cooldowns that grow from one second to thirty.
    expect(w.calls.length).toBeLessThanOrEqual(12);
    expect(w.api.seen).toHaveLength(600);
  });

  test('a good refresh on its own in between does not end the protection', async () => {
    const w = world();
    refuseAll(w);
    await Promise.allSettled([w.instance.get('/orders')]);
    await w.session.refresh();
    await Promise.allSettled(times(5, () => w.instance.get('/orders')));
    expect(w.calls).toHaveLength(2);
  });

  test('a new sign-in ends it', async () => {
    const w = world();
    refuseAll(w);
    await Promise.allSettled([w.instance.get('/orders')]);
    const signedIn = w.issue();
    await w.session.setTokens(signedIn);
    w.api.respond = (_config, token) => ({ status: token === signedIn ? 401 : 200 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.calls).toHaveLength(2);
  });

  test('a token revoked minutes after a forced refresh is refreshed again without fuss', async () => {
    const w = world();
    const revoked = new Set<string>();
    w.api.respond = (_config, token) => ({ status: revoked.has(token ?? '') ? 401 : 200 });
    for (let passed = 0; passed < 5; passed++) {
      revoked.add(await w.session.getAccessToken());
      const request = watch(w.instance.get('/orders'));
      await settle();
      expect(request.state).toBe('resolved');
      await w.clock.advance(minute);
    }
    expect(w.calls).toHaveLength(5);
  });
});
