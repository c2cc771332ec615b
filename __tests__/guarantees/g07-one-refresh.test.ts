import { describe, expect, test } from '@jest/globals';
import { fakeApi } from '../support/api.fake.js';
import {
  hour,
  minute,
  nth,
  pause,
  refused,
  reset,
  second,
  settle,
  states,
  times,
  watch,
  world,
} from '../properties/world.js';

describe('G7 one refresh in flight per session', () => {
  test.each([
    ['whose token has expired', 2 * hour],
    ['in the refresh window', 59 * minute],
  ])('a thousand requests %s make one call', async (_name, age) => {
    const w = world({ refresh: 'open', maxWaiting: 1_000 });
    await w.clock.advance(age);
    const requests = times(1_000, (index) => watch(w.instance.get(`/orders/${String(index)}`)));
    await settle();
    expect(w.calls).toHaveLength(1);
    expect(w.session.getSnapshot()).toMatchObject({ isRefreshing: true, waiting: 1_000 });
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(new Set(w.sent())).toEqual(new Set([fresh]));
    expect(w.calls).toHaveLength(1);
    expect(w.told('refresh.started')).toHaveLength(1);
    expect(w.session.getSnapshot()).toMatchObject({ isRefreshing: false, waiting: 0 });
  });

  test('a hundred 401s at once make one call, and every request is replayed once', async () => {
    const w = world({ refresh: 'open' });
    const old = await w.session.getAccessToken();
    w.api.respond = (_config, token) => ({ status: token === old ? 401 : 200 });
    const requests = times(100, () => watch(w.instance.get('/orders')));
    await settle();
    expect(w.calls).toHaveLength(1);
    nth(w.calls, 0).answer();
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.calls).toHaveLength(1);
    expect(w.api.seen).toHaveLength(200);
  });

  test('401s that come one after the other, during the refresh and after it, make one call', async () => {
    const w = world({
      refresh: async (_context, { clock, issue }) => {
        await pause(clock, 300);
        return issue();
      },
    });
    const old = await w.session.getAccessToken();
    w.api.respond = async ({ url }, token) => {
      await pause(w.clock, Number(url));
      return { status: token === old ? 401 : 200 };
    };
    const requests = times(10, (index) => watch(w.instance.get(String(100 * index))));
    await w.clock.advance(5 * second);
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.calls).toHaveLength(1);
  });

  test('several instances on one session share the refresh', async () => {
    const w = world({ refresh: 'open' });
    const apis = times(4, () => fakeApi());
    for (const api of apis) w.session.attach(api.instance);
    await w.clock.advance(2 * hour);
    const requests = [w.api, ...apis].flatMap(({ instance }) => times(5, () => watch(instance.get('/orders'))));
    await settle();
    expect(w.calls).toHaveLength(1);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    for (const { seen } of [w.api, ...apis])
      expect(seen.map(({ token }) => token)).toStrictEqual(times(5, () => fresh));
  });

  test('refresh(), getAccessToken(), a request and a 401 share the refresh', async () => {
    const w = world({ refresh: 'open' });
    const old = await w.session.getAccessToken();
    w.api.respond = (_config, token) => ({ status: token === old ? 401 : 200 });
    const unauthorized = watch(w.instance.get('/orders'));
    await settle();
    await w.clock.advance(second);
    const manual = times(3, () => watch(w.session.refresh()));
    const plain = watch(w.instance.get('/orders'));
    const token = watch(w.session.getAccessToken());
    await settle();
    expect(w.calls).toHaveLength(1);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(states([unauthorized, plain, token, ...manual])).toEqual(times(6, () => 'resolved'));
    expect([token.value, ...manual.map(({ value }) => value)]).toEqual(times(4, () => fresh));
    expect(w.calls).toHaveLength(1);
  });

  test('a request in the refresh window joins the refresh that was started ahead of it', async () => {
    const w = world({ refresh: 'open', refreshTimeoutMs: 10 * minute, retry: false });
    await w.clock.advance(56 * minute);
    await w.instance.get('/ahead');
    await w.clock.advance(2 * minute);
    const waiting = watch(w.instance.get('/due'));
    await settle();
    expect(w.calls).toHaveLength(1);
    expect(waiting.state).toBe('pending');
    nth(w.calls, 0).answer();
    await settle();
    expect(waiting.state).toBe('resolved');
  });

  test('a 401 while a session is ending joins the refresh() under way', async () => {
    const w = world({ refresh: 'open' });
    const old = await w.session.getAccessToken();
    void watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).fail(refused());
    await settle();
    expect(w.told('session.ending')).toHaveLength(1);
    const manual = watch(w.session.refresh());
    w.api.respond = (_config, token) => ({ status: token === old ? 401 : 200 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(w.calls).toHaveLength(2);
    nth(w.calls, 1).answer();
    await settle();
    expect(states([manual, request])).toStrictEqual(['resolved', 'resolved']);
    expect(w.calls).toHaveLength(2);
  });

  test('the attempts of one refresh come one after the other', async () => {
    let open = 0;
    let most = 0;
    const w = world({
      tokens: ({ issue }) => issue(-1),
      refresh: async ({ attempt }, { clock, issue }) => {
        open += 1;
        most = Math.max(most, open);
        await pause(clock, 400);
        open -= 1;
        if (attempt === 1) throw reset();
        return issue();
      },
    });
    const requests = times(10, () => watch(w.instance.get('/orders')));
    await w.clock.advance(5 * second);
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.calls).toHaveLength(2);
    expect(new Set(w.calls.map(({ context }) => context.operationId)).size).toBe(1);
    expect(most).toBe(1);
  });

  test('an instance of its own session refreshes for itself', async () => {
    const [one, other] = [world({ refresh: 'open' }), world({ refresh: 'open' })];
    await Promise.all([one, other].map(({ clock }) => clock.advance(2 * hour)));
    void watch(one.instance.get('/orders'));
    void watch(other.instance.get('/orders'));
    await settle();
    expect([one.calls.length, other.calls.length]).toStrictEqual([1, 1]);
  });
});
