import axios, { type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, test } from '@jest/globals';
import { hour, minute, nth, pause, second, settle, watch, world, type World } from '../properties/world.js';

/** Each way to abort a request, and what to give it. */
const ways = [
  [
    'signal',
    () => {
      const controller = new AbortController();
      return { given: { signal: controller.signal }, abort: () => controller.abort() };
    },
  ],
  [
    'CancelToken',
    () => {
      const source = axios.CancelToken.source();
      return { given: { cancelToken: source.token }, abort: () => source.cancel() };
    },
  ],
] as const;

function nobodyWaits({ session, clock }: World): void {
  expect(session.getSnapshot().waiting).toBe(0);
  expect(clock.holding).toBe(0);
}

describe.each(ways)('G10 an abort by %s that comes before the wait', (_, way) => {
  test('while a slow interceptor runs starts no refresh', async () => {
    const w = world({ refresh: 'open' });
    w.instance.interceptors.request.use(async (config) => {
      await pause(w.clock, 5 * second);
      return config;
    });
    await w.clock.advance(2 * hour);
    const { given, abort } = way();
    const request = watch(w.instance.get('/aborted', given));
    await w.clock.advance(second);
    abort();
    await w.clock.advance(5 * second);
    expect(axios.isCancel(request.error)).toBe(true);
    expect(w.calls).toHaveLength(0);
    expect(w.api.seen).toHaveLength(0);
    nobodyWaits(w);
  });

  test('by a listener that hears of the refresh rejects at once', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(2 * hour);
    const { given, abort } = way();
    w.session.on('refresh.started', abort);
    const request = watch(w.instance.get('/aborted', given));
    await settle();
    expect(axios.isCancel(request.error)).toBe(true);
    expect(w.events.map(({ type }) => type)).toStrictEqual(['refresh.started', 'request.queued', 'request.released']);
    nth(w.calls, 0).answer();
    await settle();
    expect(w.api.seen).toHaveLength(0);
    nobodyWaits(w);
  });

  test('with an adapter that does not heed it, rejects when that has answered 401', async () => {
    const w = world({ refresh: 'open' });
    const { given, abort } = way();
    const request = watch(
      w.instance.get('/aborted', {
        ...given,
        adapter: async (config): Promise<AxiosResponse> => {
          await pause(w.clock, second);
          return { status: 401, statusText: '', data: '', headers: {}, config };
        },
      }),
    );
    await settle();
    abort();
    await w.clock.advance(second);
    expect(axios.isCancel(request.error)).toBe(true);
    expect(w.session.getSnapshot().waiting).toBe(0);
  });

  test('with such an adapter, is not sent again though a newer token has come', async () => {
    const w = world();
    const { given, abort } = way();
    let sends = 0;
    const adapter = async (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => {
      sends += 1;
      await w.session.refresh();
      abort();
      return { status: 401, statusText: '', data: '', headers: {}, config };
    };
    const request = watch(w.instance.get('/aborted', { ...given, adapter }));
    await settle();
    expect(axios.isCancel(request.error)).toBe(true);
    expect(sends).toBe(1);
  });
});

describe('G10 an abort', () => {
  test('by a signal that a later interceptor put on a copy of the config', async () => {
    const controller = new AbortController();
    const w = world({
      refresh: 'open',
      before: (instance) => {
        instance.interceptors.request.use((config) => ({ ...config, signal: controller.signal }));
      },
    });
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/aborted'));
    await settle();
    expect(w.session.getSnapshot().waiting).toBe(1);
    controller.abort();
    await settle();
    expect(axios.isCancel(request.error)).toBe(true);
    expect(w.api.seen).toHaveLength(1);
    nobodyWaits(w);
  });

  test('of getAccessToken() by a listener that hears of the refresh rejects with its reason', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(2 * hour + minute);
    const controller = new AbortController();
    const reason = new Error('the page was left');
    w.session.on('refresh.started', () => controller.abort(reason));
    const token = watch(w.session.getAccessToken({ signal: controller.signal }));
    await settle();
    expect(token.error).toBe(reason);
    nobodyWaits(w);
  });
});
