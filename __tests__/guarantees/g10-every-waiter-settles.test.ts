import { getEventListeners } from 'node:events';
import axios from 'axios';
import { describe, expect, test } from '@jest/globals';
import {
  hour,
  minute,
  nth,
  pause,
  refused,
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

/** A session whose token has expired, with a refresh that the test ends. */
async function waiting(options: WorldOptions = {}): Promise<World> {
  const w = world({ refresh: 'open', ...options });
  await w.clock.advance(2 * hour);
  return w;
}

function nobodyWaits({ session, clock }: World): void {
  expect(session.getSnapshot().waiting).toBe(0);
  expect(clock.holding).toBe(0);
}

describe('G10 every waiter settles', () => {
  test('with the new token, in the order in which they came', async () => {
    const w = await waiting();
    const requests = times(20, (index) => watch(w.instance.get(`/${String(index)}`)));
    await settle();
    nth(w.calls, 0).answer();
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(w.api.seen.map(({ url }) => url)).toEqual(times(20, (index) => `/${String(index)}`));
    nobodyWaits(w);
  });

  test('with the error of a refresh that failed', async () => {
    const w = await waiting({ retry: false });
    const requests = times(20, () => watch(w.instance.get('/orders')));
    const token = watch(w.session.getAccessToken());
    await settle();
    nth(w.calls, 0).fail(unreachable());
    await settle();
    for (const { error } of [...requests, token])
      expect(error).toMatchObject({ name: 'TokenError', code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'network' });
    expect(w.api.seen).toHaveLength(0);
    nobodyWaits(w);
  });

  test('with AUTH_SESSION_EXPIRED where the refresh is refused', async () => {
    const w = await waiting();
    const requests = times(20, () => watch(w.instance.get('/orders')));
    await settle();
    nth(w.calls, 0).fail(refused());
    await settle();
    for (const { error } of requests) expect(error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', retryable: false });
    expect(w.api.seen).toHaveLength(0);
    nobodyWaits(w);
  });

  test('with AUTH_TOKEN_REFRESH_TIMEOUT where the refresh never ends', async () => {
    const w = await waiting({ refreshTimeoutMs: 10 * second, retry: false });
    const requests = times(20, () => watch(w.instance.get('/orders')));
    await w.clock.advance(10 * second - 1);
    expect(new Set(states(requests))).toEqual(new Set(['pending']));
    await w.clock.advance(1);
    for (const { error } of requests)
      expect(error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_TIMEOUT', retryable: true });
    nobodyWaits(w);
  });

  test('with AUTH_WAIT_TIMEOUT after maxWaitMs, while the refresh goes on', async () => {
    const w = await waiting({ maxWaitMs: 3 * second });
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(3 * second - 1);
    expect(request.state).toBe('pending');
    await w.clock.advance(1);
    expect(request.error).toMatchObject({ code: 'AUTH_WAIT_TIMEOUT', retryable: true });
    expect(w.session.getSnapshot().isRefreshing).toBe(true);
    nobodyWaits(w);
    nth(w.calls, 0).answer();
    await settle();
    await w.instance.get('/orders');
    expect(w.calls).toHaveLength(1);
  });

  test('with AUTH_WAIT_TIMEOUT after its own timeout, and the others wait on', async () => {
    const w = await waiting();
    const hurried = watch(w.instance.get('/orders', { timeout: second }));
    const patient = watch(w.instance.get('/orders'));
    await w.clock.advance(second);
    expect(hurried.error).toMatchObject({ code: 'AUTH_WAIT_TIMEOUT' });
    expect(patient.state).toBe('pending');
    nth(w.calls, 0).answer();
    await settle();
    expect(patient.state).toBe('resolved');
    expect(w.api.seen).toHaveLength(1);
    nobodyWaits(w);
  });

  test('with its 401, and the reason as cause, where its own timeout ends the wait for a replay', async () => {
    const w = world({ refresh: 'open' });
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/orders', { timeout: second }));
    await w.clock.advance(second);
    expect(request.error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_WAIT_TIMEOUT' } });
    nobodyWaits(w);
  });

  test('what a wait has used up is missing from the time that the request has left', async () => {
    const timeouts: (number | undefined)[] = [];
    const w = await waiting();
    w.api.respond = ({ timeout }) => {
      timeouts.push(timeout);
      return {};
    };
    const request = watch(w.instance.get('/orders', { timeout: 10 * second }));
    await w.clock.advance(4 * second);
    nth(w.calls, 0).answer();
    await settle();
    expect(request.state).toBe('resolved');
    expect(timeouts).toStrictEqual([6 * second]);
  });

  test('with the new token, though the machine slept through the end of the old one', async () => {
    const w = world({ refresh: 'open', retry: false, ttlSeconds: 600 });
    await w.clock.advance(9 * minute + 50 * second);
    const request = watch(w.instance.get('/orders'));
    await settle();
    w.clock.jump(5 * minute);
    await w.clock.advance(9 * second);
    expect(request.state).toBe('pending');
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([fresh]);
  });

  test('with AUTH_WAIT_TIMEOUT after its own time all told, though the machine slept in between', async () => {
    const w = world({ refresh: 'open', retry: false, ttlSeconds: 600, maxWaitMs: 12 * second });
    await w.clock.advance(9 * minute + 50 * second);
    const request = watch(w.instance.get('/orders'));
    await settle();
    w.clock.jump(5 * minute);
    await w.clock.advance(11 * second);
    expect(request.state).toBe('pending');
    await w.clock.advance(second);
    expect(request.error).toMatchObject({ code: 'AUTH_WAIT_TIMEOUT' });
  });

  test('with AUTH_QUEUE_FULL where maxWaiting wait already', async () => {
    const w = await waiting({ maxWaiting: 3 });
    const requests = times(5, () => watch(w.instance.get('/orders')));
    await settle();
    expect(states(requests)).toStrictEqual(['pending', 'pending', 'pending', 'rejected', 'rejected']);
    expect(nth(requests, 3).error).toMatchObject({ code: 'AUTH_QUEUE_FULL', retryable: true });
    nth(w.calls, 0).answer();
    await settle();
    expect(states(requests)).toStrictEqual(['resolved', 'resolved', 'resolved', 'rejected', 'rejected']);
    nobodyWaits(w);
  });

  test('with AUTH_SESSION_DISPOSED where the session is disposed of', async () => {
    const w = await waiting();
    const requests = times(3, () => watch(w.instance.get('/orders')));
    const manual = watch(w.session.refresh());
    await settle();
    w.session.dispose();
    await settle();
    for (const { error } of [...requests, manual]) expect(error).toMatchObject({ code: 'AUTH_SESSION_DISPOSED' });
    expect(w.clock.holding).toBe(0);
    expect(nth(w.calls, 0).context.signal.aborted).toBe(true);
  });

  test('while a store is being read, and after it has not answered', async () => {
    const w = world({
      tokens: null,
      store: { load: () => new Promise(() => undefined), save: () => undefined, clear: () => undefined },
      maxWaitMs: 5 * second,
    });
    expect(w.session.status).toBe('loading');
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(5 * second - 1);
    expect(request.state).toBe('pending');
    await w.clock.advance(2 * second);
    expect(request.state).not.toBe('pending');
    expect(w.session.status).toBe('signed-out');
    nobodyWaits(w);
  });

  test('where maxWaitMs and the refresh end together, with the error of the refresh', async () => {
    const w = await waiting({ maxWaitMs: 10 * second, refreshTimeoutMs: 10 * second });
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(10 * second);
    expect(request.error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_TIMEOUT' });
  });

  test('request.queued and request.released come in pairs', async () => {
    const w = await waiting({ retry: false });
    const controller = new AbortController();
    const requests = [
      watch(w.instance.get('/aborted', { signal: controller.signal })),
      watch(w.instance.get('/late', { timeout: second })),
      watch(w.instance.get('/sent')),
    ];
    await settle();
    controller.abort();
    await w.clock.advance(second);
    nth(w.calls, 0).answer();
    await settle();
    expect(states(requests)).toStrictEqual(['rejected', 'rejected', 'resolved']);
    expect(w.told('request.queued').map((event) => event.waiting)).toStrictEqual([1, 2, 3]);
    expect(w.told('request.released').map(({ outcome }) => outcome)).toStrictEqual(['aborted', 'rejected', 'sent']);
  });
});

test.each<[string, WorldOptions]>([
  ['its token is dead', {}],
  ['it has none, and a refresh is under way', { tokens: null }],
])('G10 what a request sends is made when it leaves, not while it waits: %s', async (_what, options) => {
  const w = await waiting(options);
  const refreshed = watch(w.session.refresh());
  await settle();
  let made = 0;
  const transformRequest = (): string => {
    made += 1;
    return '{"id":1}';
  };
  const request = watch(w.instance.post('/orders', { id: 1 }, { transformRequest }));
  await settle();
  expect([made, request.state]).toStrictEqual([0, 'pending']);
  nth(w.calls, 0).answer();
  await settle();
  expect([made, request.state, refreshed.state]).toStrictEqual([1, 'resolved', 'resolved']);
});

describe('G10 the time that a wait has left a request', () => {
  test('is whole milliseconds, as Axios tells them', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(2 * hour);
    const request = w.instance.get('/orders', { timeout: second });
    const timeouts: unknown[] = [];
    w.api.respond = ({ timeout }) => {
      timeouts.push(timeout);
      return {};
    };
    await w.clock.advance(100.4);
    nth(w.calls, 0).answer();
    await request;
    expect(timeouts).toStrictEqual([900]);
  });
});

describe('G10 an abort', () => {
  test('by signal rejects within a tick, sends nothing, and harms nobody else', async () => {
    const w = await waiting();
    const controller = new AbortController();
    const aborted = watch(w.instance.get('/aborted', { signal: controller.signal }));
    const others = times(3, () => watch(w.instance.get('/orders')));
    await settle();
    controller.abort();
    await new Promise((resolve) => process.nextTick(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(aborted.state).toBe('rejected');
    expect(axios.isCancel(aborted.error)).toBe(true);
    expect(nth(w.calls, 0).context.signal.aborted).toBe(false);
    expect(states(others)).toStrictEqual(['pending', 'pending', 'pending']);
    nth(w.calls, 0).answer();
    await settle();
    expect(states(others)).toStrictEqual(['resolved', 'resolved', 'resolved']);
    expect(w.api.seen.map(({ url }) => url)).toEqual(times(3, () => '/orders'));
    expect(w.calls).toHaveLength(1);
  });

  test('by CancelToken does the same', async () => {
    const w = await waiting();
    const source = axios.CancelToken.source();
    const aborted = watch(w.instance.get('/aborted', { cancelToken: source.token }));
    const other = watch(w.instance.get('/orders'));
    await settle();
    source.cancel('enough');
    await settle();
    expect(axios.isCancel(aborted.error)).toBe(true);
    expect(aborted.error).toMatchObject({ message: 'enough' });
    nth(w.calls, 0).answer();
    await settle();
    expect(other.state).toBe('resolved');
    expect(w.api.seen).toHaveLength(1);
  });

  test('of the only one that waits lets the refresh go on for the next', async () => {
    const w = await waiting();
    const controller = new AbortController();
    const aborted = watch(w.instance.get('/aborted', { signal: controller.signal }));
    await settle();
    controller.abort();
    await settle();
    expect(aborted.state).toBe('rejected');
    nobodyWaits(w);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual([fresh]);
    expect(w.calls).toHaveLength(1);
  });

  test('before the request is made sends nothing and starts no refresh', async () => {
    const w = await waiting();
    const controller = new AbortController();
    controller.abort();
    const aborted = watch(w.instance.get('/aborted', { signal: controller.signal }));
    await settle();
    expect(axios.isCancel(aborted.error)).toBe(true);
    expect(w.calls).toHaveLength(0);
    expect(w.api.seen).toHaveLength(0);
  });

  test('in the refresh window does not send the request with the current token', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(59 * minute);
    const controller = new AbortController();
    const aborted = watch(w.instance.get('/aborted', { signal: controller.signal }));
    await settle();
    controller.abort();
    await settle();
    expect(axios.isCancel(aborted.error)).toBe(true);
    nth(w.calls, 0).answer();
    await settle();
    expect(w.api.seen).toHaveLength(0);
  });

  test('during the wait for a replay sends nothing more', async () => {
    const w = world({ refresh: 'open' });
    const old = await w.session.getAccessToken();
    w.api.respond = (_config, token) => ({ status: token === old ? 401 : 200 });
    const controller = new AbortController();
    const aborted = watch(w.instance.get('/aborted', { signal: controller.signal }));
    const other = watch(w.instance.get('/orders'));
    await settle();
    controller.abort();
    await settle();
    expect(axios.isCancel(aborted.error)).toBe(true);
    nth(w.calls, 0).answer();
    await settle();
    expect(other.state).toBe('resolved');
    expect(w.api.seen.map(({ url }) => url)).toStrictEqual(['/aborted', '/orders', '/orders']);
    nobodyWaits(w);
  });

  test('while a token that died in a slow interceptor is replaced rejects, too', async () => {
    const w = world({
      refresh: 'open',
      refreshAhead: false,
      refreshWindow: { maxMs: 1, ttlFraction: 1 },
      before: (instance, clock) => {
        instance.interceptors.request.use(async (config) => {
          await pause(clock, 5 * second);
          return config;
        });
      },
    });
    await w.clock.advance(hour - 2 * second);
    const controller = new AbortController();
    const aborted = watch(w.instance.get('/aborted', { signal: controller.signal }));
    await w.clock.advance(5 * second);
    expect(w.session.getSnapshot().waiting).toBe(1);
    controller.abort();
    await settle();
    expect(axios.isCancel(aborted.error)).toBe(true);
    nth(w.calls, 0).answer();
    await settle();
    expect(w.api.seen).toHaveLength(0);
    nobodyWaits(w);
  });

  test('of getAccessToken() rejects with the reason of the signal', async () => {
    const w = await waiting();
    const controller = new AbortController();
    const token = watch(w.session.getAccessToken({ signal: controller.signal }));
    const other = watch(w.session.getAccessToken());
    await settle();
    const reason = new Error('the page was left');
    controller.abort(reason);
    await settle();
    expect(token.error).toBe(reason);
    expect(other.state).toBe('pending');
    const early = watch(w.session.getAccessToken({ signal: controller.signal }));
    await settle();
    expect(early.error).toBe(reason);
    expect(w.session.getSnapshot().waiting).toBe(1);
  });

  test('leaves no listener on the signal, whatever ends the wait', async () => {
    const ends: [string, (w: World, controller: AbortController) => Promise<void>][] = [
      [
        'success',
        async (w) => {
          nth(w.calls, 0).answer();
          await settle();
        },
      ],
      [
        'failure',
        async (w) => {
          nth(w.calls, 0).fail(refused());
          await settle();
        },
      ],
      ['timeout', (w) => w.clock.advance(minute)],
      [
        'abort',
        async (_w, controller) => {
          controller.abort();
          await settle();
        },
      ],
      ['sign-out', (w) => w.session.signOut()],
    ];
    for (const [, end] of ends) {
      const w = await waiting();
      const controller = new AbortController();
      const request = watch(w.instance.get('/orders', { signal: controller.signal, timeout: 10 * second }));
      await settle();
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
      await end(w, controller);
      await settle();
      expect(request.state).not.toBe('pending');
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
      nobodyWaits(w);
    }
  });

  test('leaves no listener on a signal that several requests share', async () => {
    const w = await waiting();
    const controller = new AbortController();
    const requests = times(10, () => watch(w.instance.get('/orders', { signal: controller.signal })));
    await settle();
    nth(w.calls, 0).answer();
    await settle();
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});
