import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import axios, { type AxiosRequestConfig } from 'axios';
import { installTokenRefresh, isTokenError } from '../../src/index.js';
import {
  accepting,
  adapters,
  afterwards,
  failureOf,
  gate,
  heard,
  inTurn,
  refusal,
  scene,
  server,
  type AdapterName,
  type Gate,
  type Scene,
} from '../integration/scene.js';

interface Held extends Scene {
  /** Settles the refresh. */
  readonly answer: Gate<string>;
}

/** A scene whose refresh waits to be answered. */
async function held(adapter: AdapterName, expired: boolean): Promise<Held> {
  const answer = gate<string>();
  const made = await scene({
    adapter,
    session: {
      tokens: { accessToken: 'first', ...(expired && { expiresAt: Date.now() - 1_000 }) },
      refresh: () => answer.promise,
    },
  });
  return { ...made, answer };
}

describe.each(adapters)('G15 an abort while the refresh is awaited, over %s', (adapter) => {
  const variants: [string, AxiosRequestConfig][] = [
    ['', {}],
    [', with a validateStatus that accepts everything', { validateStatus: () => true }],
    [', with a response that is streamed', { responseType: 'stream' }],
  ];

  test.each(variants)('after a 401 rejects with Axios’s own error and sends nothing more%s', async (_, config) => {
    const { api, instance, session, answer } = await held(adapter, false);
    const controller = new AbortController();
    const request = failureOf(instance.post('/orders', { id: 1 }, { ...config, signal: controller.signal }));
    await heard(session, 'request.queued');
    controller.abort();
    expect(axios.isCancel(await request)).toBe(true);
    answer.open('token-2');
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ method, token }) => [method, token])).toStrictEqual([
      ['POST', 'first'],
      ['GET', 'token-2'],
    ]);
  });

  test('before anything was sent rejects the same way', async () => {
    const { api, instance, session, answer } = await held(adapter, true);
    const controller = new AbortController();
    const request = failureOf(instance.post('/orders', { id: 1 }, { signal: controller.signal }));
    await heard(session, 'request.queued');
    controller.abort();
    expect(axios.isCancel(await request)).toBe(true);
    answer.open('token-2');
    await session.getAccessToken();
    expect(api.seen).toHaveLength(0);
  });

  test('by a cancel token keeps the caller’s words', async () => {
    for (const expired of [false, true]) {
      const { instance, session } = await held(adapter, expired);
      const source = axios.CancelToken.source();
      const request = failureOf(instance.get('/orders', { cancelToken: source.token }));
      await heard(session, 'request.queued');
      source.cancel('the page was left');
      const error = await request;
      expect(axios.isCancel(error)).toBe(true);
      expect((error as Error).message).toBe('the page was left');
    }
  });

  test('harms none of those who wait with it', async () => {
    const { api, instance, session, answer } = await held(adapter, true);
    const controller = new AbortController();
    const leaving = Array.from({ length: 5 }, () => failureOf(instance.get('/left', { signal: controller.signal })));
    const staying = Array.from({ length: 5 }, () => instance.get('/stayed'));
    await heard(session, 'request.queued');
    while (session.getSnapshot().waiting < 10) await heard(session, 'request.queued');
    controller.abort();
    for (const error of await Promise.all(leaving)) expect(axios.isCancel(error)).toBe(true);
    answer.open('token-2');
    for (const { status } of await Promise.all(staying)) expect(status).toBe(200);
    expect(new Set(api.seen.map(({ url }) => url))).toEqual(new Set(['/stayed']));
  });

  test('of the replay itself', async () => {
    const replaying = gate<undefined>();
    const { api, instance } = await scene({
      adapter,
      script: ({ token }) => {
        if (token === 'first') return refusal;
        replaying.open(undefined);
        return 'silence';
      },
    });
    const controller = new AbortController();
    const request = failureOf(instance.get('/orders', { signal: controller.signal }));
    await replaying.promise;
    controller.abort();
    expect(axios.isCancel(await request)).toBe(true);
    expect(api.seen).toHaveLength(2);
  });
});

describe.each(adapters)('G15 a stream that fails while its request waits, over %s', (adapter) => {
  test('rejects that request with the stream’s error', async () => {
    const { api, instance, session, answer } = await held(adapter, true);
    const body = new Readable({ read: () => undefined });
    const request = failureOf(instance.post('/files', body));
    await heard(session, 'request.queued');
    body.destroy(new Error('disk on fire'));
    expect(await request).toMatchObject({ message: 'disk on fire' });
    answer.open('token-2');
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ url }) => url)).toStrictEqual(['/orders']);
  });

  test('a file that does not exist', async () => {
    const { api, instance } = await held(adapter, true);
    const body = createReadStream(join(tmpdir(), 'no-such-folder', 'no-such-file'));
    expect(await failureOf(instance.post('/files', body))).toMatchObject({ code: 'ENOENT' });
    expect(api.seen).toHaveLength(0);
  });

  test('a file that does not exist, in an object that becomes a form', async () => {
    const { api, instance } = await held(adapter, true);
    const file = createReadStream(join(tmpdir(), 'no-such-folder', 'no-such-file'));
    expect(await failureOf(instance.postForm('/files', { notes: [{ file }] }))).toMatchObject({ code: 'ENOENT' });
    expect(api.seen).toHaveLength(0);
  });

  test('one in a form is listened to until the request has its token, by as many as before', async () => {
    const { instance, session, answer } = await held(adapter, true);
    const file = new Readable({ read: () => undefined });
    const controller = new AbortController();
    const request = failureOf(instance.postForm('/files', { file, again: file }, { signal: controller.signal }));
    await heard(session, 'request.queued');
    expect(file.listenerCount('error')).toBe(1);
    controller.abort();
    await request;
    expect(file.listenerCount('error')).toBe(0);
    answer.open('token-2');
  });

  test('one that fails after its request was aborted troubles nobody', async () => {
    const { instance, session } = await held(adapter, true);
    const controller = new AbortController();
    const body = new Readable({ read: () => undefined });
    body.on('error', () => undefined);
    const request = failureOf(instance.post('/files', body, { signal: controller.signal }));
    await heard(session, 'request.queued');
    controller.abort();
    expect(axios.isCancel(await request)).toBe(true);
    expect(body.listenerCount('error')).toBe(1);
    body.destroy(new Error('disk on fire'));
  });
});

describe.each(adapters)('G15 requests that are left alone, over %s', (adapter) => {
  const alone: [string, AxiosRequestConfig, string | undefined][] = [
    ['tokenRefresh: false', { tokenRefresh: false }, undefined],
    ['the option auth', { auth: { username: 'ada', password: 'engine' } }, 'Basic YWRhOmVuZ2luZQ=='],
    ['an Authorization header of the caller’s', { headers: { Authorization: 'Bearer mine' } }, 'Bearer mine'],
    ['the same in lower case', { headers: { authorization: 'Bearer mine' } }, 'Bearer mine'],
    ['Authorization: false', { headers: { Authorization: false } }, undefined],
  ];

  test.each(alone)('%s: no token, and the 401 is the caller’s', async (_, config, authorization) => {
    const { api, instance, refreshes } = await scene({ adapter });
    expect(await failureOf(instance.post('/orders', { id: 1 }, config))).toMatchObject({ response: { status: 401 } });
    expect(api.seen.map(({ headers }) => headers.authorization)).toStrictEqual([authorization]);
    expect(refreshes).toHaveLength(0);
  });

  test.each(alone)('%s: no wait while the token is dead', async (_, config) => {
    const { api, instance } = await held(adapter, true);
    expect(await failureOf(instance.get('/orders', config))).toMatchObject({ response: { status: 401 } });
    expect(api.seen).toHaveLength(1);
  });

  test('an Authorization header in the instance’s defaults is the caller’s', async () => {
    const { api, instance, refreshes } = await scene({
      adapter,
      axios: { headers: { common: { Authorization: 'Bearer mine' } } },
    });
    await failureOf(instance.get('/orders'));
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['mine']);
    expect(refreshes).toHaveLength(0);
  });

  test('an Authorization header that a later interceptor sets is the caller’s', async () => {
    const { api, instance, refreshes } = await scene({
      adapter,
      before: ({ interceptors }) => {
        interceptors.request.use((config) => {
          config.headers.set('Authorization', 'Bearer mine');
          return config;
        });
      },
    });
    await failureOf(instance.get('/orders'));
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['mine']);
    expect(refreshes).toHaveLength(0);
  });
});

describe.each(adapters)('G15 a session taken off its instance, over %s', (adapter) => {
  test('during the flight of a request leaves its 401 to the caller', async () => {
    const arrived = gate<undefined>();
    const answer = gate<undefined>();
    const api = await server(async () => {
      arrived.open(undefined);
      await answer.promise;
      return refusal;
    });
    const instance = axios.create({ baseURL: api.url, adapter });
    const other = axios.create({ baseURL: api.url, adapter });
    let refreshes = 0;
    const session = installTokenRefresh(other, { tokens: 'first', refresh: () => `token-${++refreshes + 1}` });
    afterwards(() => session.dispose());
    const detach = session.attach(instance);
    const request = failureOf(instance.get('/orders'));
    await arrived.promise;
    detach();
    answer.open(undefined);
    const error = await request;
    expect(error).toMatchObject({ response: { status: 401 } });
    expect(refreshes).toBe(0);
    await failureOf(instance.get('/orders'));
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', undefined]);
    // The other instance goes on as before.
    api.script = accepting('token-2');
    await expect(other.get('/orders')).resolves.toMatchObject({ status: 200 });
  });

  test('during the wait of a request lets it go with the token that it has waited for', async () => {
    const { instance, session, answer } = await held(adapter, true);
    const api = await server();
    const other = axios.create({ baseURL: api.url, adapter });
    const detach = session.attach(other);
    const request = other.get('/orders');
    await heard(session, 'request.queued');
    detach();
    answer.open('token-2');
    await request;
    await other.get('/orders');
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['token-2', undefined]);
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
  });

  test('and put on again serves as before', async () => {
    const api = await server(accepting('token-2'));
    const instance = axios.create({ baseURL: api.url, adapter });
    const other = axios.create({ baseURL: api.url, adapter });
    const session = installTokenRefresh(other, { tokens: 'first', refresh: () => 'token-2' });
    afterwards(() => session.dispose());
    session.attach(instance)();
    session.attach(instance);
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', 'token-2']);
  });

  test('after its interceptors were cleared leaves those that have come since', async () => {
    const { instance, session } = await scene({ adapter });
    const api = await server();
    const other = axios.create({ baseURL: api.url, adapter });
    const detach = session.attach(other);
    const { request, response } = other.interceptors;
    request.clear();
    response.clear();
    const passed: string[] = [];
    for (const name of ['first', 'second'])
      request.use((config) => {
        passed.push(name);
        return config;
      });
    response.use((answer) => {
      passed.push('answer');
      return answer;
    });
    detach();
    await other.get('/orders');
    expect(passed).toStrictEqual(['second', 'first', 'answer']);
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
  });

  test('disposed of during the flight of a request leaves its 401 to the caller', async () => {
    const arrived = gate<undefined>();
    const answer = gate<undefined>();
    const { api, instance, session, refreshes } = await scene({
      adapter,
      script: async () => {
        arrived.open(undefined);
        await answer.promise;
        return refusal;
      },
    });
    const request = failureOf(instance.get('/orders'));
    await arrived.promise;
    session.dispose();
    answer.open(undefined);
    expect(await request).toMatchObject({ isAxiosError: true, response: { status: 401 } });
    expect([api.seen.length, refreshes.length]).toStrictEqual([1, 0]);
  });

  test('disposed of while a request waits after its 401', async () => {
    const { api, instance, session } = await held(adapter, false);
    const request = failureOf(instance.get('/orders'));
    await heard(session, 'request.queued');
    session.dispose();
    const error = await request;
    expect(error).toMatchObject({ isAxiosError: true, response: { status: 401 } });
    expect(isTokenError((error as Error).cause, 'AUTH_SESSION_DISPOSED')).toBe(true);
    expect(api.seen).toHaveLength(1);
  });
});

describe.each(adapters)('G15 the request’s own time, over %s', (adapter) => {
  test('a replay that is never answered ends with the timeout, not later', async () => {
    const { api, instance } = await scene({ adapter, script: inTurn(refusal, 'silence') });
    const error = await failureOf(instance.post('/orders', { id: 1 }, { timeout: 1_000 }));
    expect(error).toMatchObject({ isAxiosError: true });
    expect(['ECONNABORTED', 'ETIMEDOUT']).toContain((error as { code?: string }).code);
    expect(api.seen).toHaveLength(2);
  });

  test('a refresh that outlasts it leaves the 401 to the caller', async () => {
    const { api, instance } = await held(adapter, false);
    const error = await failureOf(instance.post('/orders', { id: 1 }, { timeout: 1_000 }));
    expect(error).toMatchObject({ isAxiosError: true, response: { status: 401 } });
    expect(isTokenError((error as Error).cause, 'AUTH_WAIT_TIMEOUT')).toBe(true);
    expect(api.seen).toHaveLength(1);
  });
});
