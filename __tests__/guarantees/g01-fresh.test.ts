import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { minute, nth, second, settle, states, times, watch, world } from '../properties/world.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('G1 outside the windows a request leaves at once', () => {
  test('reaches the adapter in the same tick', () => {
    const { instance, api, sent, session } = world();
    void watch(instance.get('/orders'));
    expect(api.seen).toHaveLength(1);
    expect(sent()).toStrictEqual([expect.any(String)]);
    expect(session.getSnapshot().waiting).toBe(0);
  });

  test('reaches the adapter in the same tick with a body and with the caller’s own synchronous interceptor', () => {
    const { instance, api } = world();
    instance.interceptors.request.use((config) => config, undefined, { synchronous: true });
    void watch(instance.post('/orders', { id: 1 }));
    expect(nth(api.seen, 0).body).toBe('{"id":1}');
  });

  test('an opaque token, too, leaves in the same tick', () => {
    const { instance, sent } = world({ tokens: 'opaque-token' });
    void watch(instance.get('/orders'));
    expect(sent()).toStrictEqual(['opaque-token']);
  });

  test('neither waits nor refreshes until the refresh-ahead window', async () => {
    const { instance, clock, calls, told, api } = world();
    await clock.advance(55 * minute - 1);
    await instance.get('/orders');
    expect(calls).toHaveLength(0);
    expect(told('request.queued')).toHaveLength(0);
    expect(api.seen).toHaveLength(1);
  });

  test('decodes a token once, when it arrives', async () => {
    const decodings = jest.spyOn(globalThis, 'atob');
    const { instance, api, session, issue } = world();
    expect(decodings.mock.calls.length).toBeGreaterThan(0);
    await session.setTokens(issue());
    const arrived = decodings.mock.calls.length;
    await Promise.all(times(50, (index) => instance.get(`/orders/${String(index)}`)));
    expect(api.seen).toHaveLength(50);
    expect(decodings.mock.calls.length).toBe(arrived);
  });

  test('decodes a token that a refresh brings once, and the one before it no more', async () => {
    const { session } = world();
    const decodings = jest.spyOn(globalThis, 'atob');
    await session.refresh();
    await session.refresh();
    expect(decodings).toHaveBeenCalledTimes(2);
  });

  test('makes the header once per token', async () => {
    const formatHeader = jest.fn((token: string) => `Token ${token}`);
    const { instance } = world({ formatHeader });
    await Promise.all(times(20, () => instance.get('/orders')));
    expect(formatHeader).toHaveBeenCalledTimes(1);
  });
});

describe('G1 at the edges of the windows', () => {
  test('exactly at the refresh-ahead window a refresh starts, and the request leaves at once', async () => {
    const { instance, clock, calls, sent, issue } = world({ refresh: 'open' });
    const before = watch(instance.get('/before'));
    await clock.advance(55 * minute);
    expect(calls).toHaveLength(0);
    const request = watch(instance.get('/orders'));
    expect(sent()).toHaveLength(2);
    expect(sent()[1]).toBe(sent()[0]);
    expect(nth(calls, 0).context.trigger).toBe('ahead');
    nth(calls, 0).answer(issue());
    await settle();
    expect(states([before, request])).toStrictEqual(['resolved', 'resolved']);
  });

  test('one millisecond before the refresh window a request leaves with the token it has', async () => {
    const { instance, clock, told, api } = world({ refresh: 'open', refreshAhead: false });
    await clock.advance(58 * minute - 1);
    void watch(instance.get('/orders'));
    expect(api.seen).toHaveLength(1);
    expect(told('request.queued')).toHaveLength(0);
  });

  test('exactly at the refresh window a request waits for the new token and uses it', async () => {
    const { instance, clock, calls, told, sent, issue, api } = world({ refresh: 'open' });
    await clock.advance(58 * minute);
    const request = watch(instance.get('/orders'));
    await settle();
    expect(api.seen).toHaveLength(0);
    expect(nth(told('request.queued'), 0)).toMatchObject({ trigger: 'request', waiting: 1 });
    const fresh = issue();
    nth(calls, 0).answer(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    expect(sent()).toStrictEqual([fresh]);
    expect(nth(told('request.released'), 0)).toMatchObject({ outcome: 'sent', servedCurrent: false });
  });

  test('a short lifetime has short windows: 20 % of it for waiting, 40 % for refreshing ahead', async () => {
    const { instance, clock, calls, told } = world({ refresh: 'open', ttlSeconds: 60 });
    await clock.advance(36 * second - 1);
    void watch(instance.get('/fresh'));
    expect(calls).toHaveLength(0);
    await clock.advance(1);
    void watch(instance.get('/ahead'));
    expect(calls).toHaveLength(1);
    await clock.advance(12 * second - 1);
    void watch(instance.get('/ahead'));
    expect(told('request.queued')).toHaveLength(0);
    await clock.advance(1);
    void watch(instance.get('/due'));
    await settle();
    expect(told('request.queued')).toHaveLength(1);
  });

  test('windows of one’s own are kept to the millisecond', async () => {
    const { instance, clock, calls, told, session } = world({
      refresh: 'open',
      refreshWindow: { maxMs: 2 * second, ttlFraction: 1 },
      refreshAhead: { maxMs: 10 * second, ttlFraction: 1 },
    });
    expect(session.getSnapshot().refreshAt).toBe(clock.now() + 60 * minute - 10 * second);
    await clock.advance(60 * minute - 10 * second - 1);
    void watch(instance.get('/fresh'));
    expect(calls).toHaveLength(0);
    await clock.advance(8 * second);
    void watch(instance.get('/ahead'));
    expect(calls).toHaveLength(1);
    expect(told('request.queued')).toHaveLength(0);
    await clock.advance(1);
    void watch(instance.get('/due'));
    await settle();
    expect(told('request.queued')).toHaveLength(1);
  });

  test('without a refresh-ahead window nothing happens before the refresh window', async () => {
    const { instance, clock, calls, session } = world({ refreshAhead: false });
    expect(session.getSnapshot().refreshAt).toBe(clock.now() + 58 * minute);
    await clock.advance(58 * minute - 1);
    await instance.get('/orders');
    expect(calls).toHaveLength(0);
    await clock.advance(1);
    await instance.get('/orders');
    expect(nth(calls, 0).context.trigger).toBe('request');
  });

  test('a request that is left alone neither waits nor refreshes nor carries a token', async () => {
    const { instance, clock, calls, sent } = world({ refresh: 'open' });
    await clock.advance(59 * minute);
    await instance.get('/orders', { tokenRefresh: false });
    expect(sent()).toStrictEqual([undefined]);
    expect(calls).toHaveLength(0);
  });
});
