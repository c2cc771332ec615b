import axiosRetry, { type IAxiosRetryConfig } from 'axios-retry';
import { describe, expect, test } from '@jest/globals';
import type { AxiosError, AxiosInstance, AxiosRequestConfig } from 'axios';
import {
  accepting,
  adapters,
  failureOf,
  inTurn,
  refusal,
  scene,
  type AdapterName,
  type Scene,
} from '../integration/scene.js';
import type { Answer } from '../support/server.js';

const down: Answer = { status: 503 };
const fine: Answer = { body: { ok: true } };
const orders = ['before', 'after'] as const;
const combinations = adapters.flatMap((adapter) => orders.map((order) => ({ adapter, order })));

interface Retrying {
  readonly adapter: AdapterName;
  readonly order: (typeof orders)[number];
  readonly answers: Answer[];
  readonly options?: IAxiosRetryConfig;
}

function retrying({ adapter, order, answers, options = {} }: Retrying): Promise<Scene> {
  const install = (instance: AxiosInstance): void => {
    axiosRetry(instance, { retries: 3, ...options });
  };
  return scene({ adapter, script: inTurn(...answers), [order]: install });
}

const redirected = [{ href: 'https://api.example.com', headers: {} }, {}, {}] as unknown as Parameters<
  NonNullable<AxiosRequestConfig['beforeRedirect']>
>;

const scripts: { name: string; answers: Answer[]; tokens: string[] }[] = [
  { name: '401', answers: [refusal, fine], tokens: ['first', 'token-2'] },
  { name: '401, 503', answers: [refusal, down, fine], tokens: ['first', 'token-2', 'token-2'] },
  { name: '503, 401', answers: [down, refusal, fine], tokens: ['first', 'first', 'token-2'] },
  { name: '503, 401, 503', answers: [down, refusal, down, fine], tokens: ['first', 'first', 'token-2', 'token-2'] },
  { name: 'reset, 401', answers: ['reset', refusal, fine], tokens: ['first', 'first', 'token-2'] },
  { name: '401, reset', answers: [refusal, 'reset', fine], tokens: ['first', 'token-2', 'token-2'] },
  {
    name: 'reset, 401, 503, reset',
    answers: ['reset', refusal, down, 'reset', fine],
    tokens: ['first', 'first', 'token-2', 'token-2', 'token-2'],
  },
];

describe.each(combinations)('G15 axios-retry installed $order the plugin, over $adapter', ({ adapter, order }) => {
  test.each(scripts)('$name, then an answer', async ({ answers, tokens }) => {
    const { api, instance, refreshes } = await retrying({ adapter, order, answers });
    await expect(instance.put('/orders/1', { state: 'paid' })).resolves.toMatchObject({ data: { ok: true } });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(tokens);
    expect(new Set(api.seen.map(({ body }) => body.toString()))).toEqual(new Set(['{"state":"paid"}']));
    expect(refreshes).toHaveLength(1);
  });

  test('a custom transformRequest is applied to every send once', async () => {
    const transformRequest = (data: unknown): string =>
      typeof data === 'string' ? `twice ${data}` : JSON.stringify(data);
    const { api, instance } = await retrying({ adapter, order, answers: [down, refusal, down, fine] });
    await instance.put('/orders/1', { id: 1 }, { transformRequest, headers: { 'Content-Type': 'application/json' } });
    expect(api.seen.map(({ body }) => body.toString())).toEqual(Array<string>(4).fill('{"id":1}'));
  });

  test('a multipart form between a 503 and a 401', async () => {
    const form = new FormData();
    form.append('name', 'Ada');
    const { api, instance } = await retrying({ adapter, order, answers: [down, refusal, fine] });
    await instance.put('/orders/1', form);
    expect(api.seen).toHaveLength(3);
    for (const { body } of api.seen) expect(body.toString()).toContain('name="name"\r\n\r\nAda\r\n');
  });

  test('a retryCondition that is always true stays bounded while the API refuses everything', async () => {
    const { api, instance, refreshes } = await retrying({
      adapter,
      order,
      answers: [refusal],
      options: { retryCondition: () => true },
    });
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ response: { status: 401 } });
    expect(refreshes).toHaveLength(1);
    // The first, its replay, and three that axios-retry makes.
    expect(api.seen).toHaveLength(5);
  });

  test('a second 401 after a retry ends the request', async () => {
    const { api, instance, refreshes } = await retrying({ adapter, order, answers: [refusal, down, refusal, fine] });
    const error = await failureOf(instance.put('/orders/1', {}));
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_TOKEN_REJECTED' } });
    expect([api.seen.length, refreshes.length]).toStrictEqual([3, 1]);
  });

  test('a refresh that fails before the request has left is not retried as a request', async () => {
    const install = (instance: AxiosInstance): void => {
      axiosRetry(instance, { retries: 3, retryCondition: () => true });
    };
    let calls = 0;
    const { api, instance } = await scene({
      adapter,
      script: inTurn(fine),
      [order]: install,
      session: {
        tokens: { accessToken: 'first', expiresAt: Date.now() - 1_000 },
        refresh: async ({ http }) => {
          calls += 1;
          await http.get('http://127.0.0.1:1/refresh');
          return 'never';
        },
        retry: false,
      },
    });
    const error = await failureOf(instance.get('/orders'));
    expect(error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'network' });
    expect(error).not.toHaveProperty('config');
    expect([api.seen.length, calls]).toStrictEqual([0, 1]);
  });

  test('validateResponse decides about what comes after the replay', async () => {
    const { instance, refreshes } = await retrying({
      adapter,
      order,
      answers: [refusal, down, fine],
      options: { validateResponse: ({ status }) => status === 200 },
    });
    await expect(instance.put('/orders/1', {})).resolves.toMatchObject({ status: 200 });
    expect(refreshes).toHaveLength(1);
  });
});

describe.each(adapters)('G15 a config sent again by hand over %s', (adapter) => {
  test('after a 503 it takes the token and is replayed like any other', async () => {
    const { api, instance, refreshes } = await scene({ adapter, script: inTurn(down, refusal, fine) });
    const error = (await failureOf(instance.post('/orders', { id: 1 }))) as AxiosError;
    await expect(instance.request(error.config ?? {})).resolves.toMatchObject({ data: { ok: true } });
    expect(api.seen.map(({ token, body }) => [token, body.toString()])).toStrictEqual([
      ['first', '{"id":1}'],
      ['first', '{"id":1}'],
      ['token-2', '{"id":1}'],
    ]);
    expect(refreshes).toHaveLength(1);
  });

  test('after a refused refresh and a new sign-in of the same user it takes the new token', async () => {
    const { api, instance, session } = await scene({
      adapter,
      script: accepting('third'),
      session: {
        tokens: { accessToken: 'first', subject: 'ada' },
        refresh: () => Promise.reject(Object.assign(new Error(), { status: 401 })),
      },
    });
    const error = (await failureOf(instance.post('/orders', { id: 1 }))) as AxiosError;
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_SESSION_EXPIRED' } });
    await session.setTokens({ accessToken: 'third', subject: 'ada' });
    await expect(instance.request(error.config ?? {})).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token, body }) => [token, body.toString()])).toStrictEqual([
      ['first', '{"id":1}'],
      ['third', '{"id":1}'],
    ]);
  });

  test('after another user has signed in it is refused, never sent as theirs', async () => {
    const { api, instance, session } = await scene({
      adapter,
      script: inTurn(down),
      session: { tokens: { accessToken: 'first', subject: 'ada' } },
    });
    const error = (await failureOf(instance.post('/orders', { id: 1 }))) as AxiosError;
    await session.setTokens({ accessToken: 'of-grace', subject: 'grace' });
    expect(await failureOf(instance.request(error.config ?? {}))).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(api.seen).toHaveLength(1);
  });

  test('made by nobody and sent again by who has signed in since, it is theirs', async () => {
    const { api, instance, session } = await scene({ adapter, script: inTurn(down, fine) });
    await session.signOut();
    const error = (await failureOf(instance.post('/orders', { id: 1 }))) as AxiosError;
    await session.setTokens({ accessToken: 'of-ada', subject: 'ada' });
    instance.interceptors.request.use(async (config) => {
      await session.signOut();
      return config;
    });
    expect(await failureOf(instance.request(error.config ?? {}))).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
    expect(api.seen.map(({ token }) => token)).toStrictEqual([undefined]);
  });

  test('however often, it carries no more with it than the first time', async () => {
    const { instance } = await scene({ adapter, script: inTurn(fine) });
    const { config } = await instance.post('/orders', { id: 1 });
    let last = config;
    for (let count = 0; count < 3; count++) last = (await instance.request({ ...last, data: { id: 1 } })).config;
    expect(last.transformRequest).toHaveLength([config.transformRequest].flat().length);
  });

  test('with another beforeRedirect it tells that one', async () => {
    const { instance } = await scene({ adapter, script: inTurn(fine) });
    const told: string[] = [];
    instance.interceptors.response.use((response) => {
      response.config.beforeRedirect?.(...redirected);
      return response;
    });
    const { config } = await instance.get('/orders', { beforeRedirect: () => told.push('first') });
    await instance.request({ ...config, beforeRedirect: () => told.push('second') });
    expect(told).toStrictEqual(['first', 'second']);
  });

  test('on an instance with another session it takes that session’s token, and counts afresh', async () => {
    const one = await scene({ adapter, script: inTurn(refusal) });
    await one.session.setTokens('another');
    const error = (await failureOf(one.instance.post('/orders', { id: 1 }))) as AxiosError;
    const other = await scene({ adapter, session: { origins: () => true } });
    const config = { ...error.config, baseURL: other.api.url };
    await expect(other.instance.request(config)).resolves.toMatchObject({ status: 200 });
    expect(other.api.seen.map(({ token, body }) => [token, body.toString()])).toStrictEqual([
      ['first', '{"id":1}'],
      ['token-2', '{"id":1}'],
    ]);
  });

  test('on an instance with another session it is that session’s user’s', async () => {
    const one = await scene({ adapter, script: inTurn(down) });
    await one.session.signOut();
    await one.session.setTokens('of-ada');
    const error = (await failureOf(one.instance.get('/orders'))) as AxiosError;
    const other = await scene({ adapter, script: accepting('first') });
    const config = { ...error.config, baseURL: other.api.url };
    await expect(other.instance.request(config)).resolves.toMatchObject({ status: 200 });
  });

  test('after its replay was answered it is refreshed and replayed again, as a poll is', async () => {
    const { api, instance, session, refreshes } = await scene({
      adapter,
      script: async () => {
        api.script = accepting('token-2');
        await session.refresh();
        return refusal;
      },
    });
    const { config } = await instance.get('/poll');
    api.script = accepting('token-3');
    await expect(instance.request(config)).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', 'token-2', 'token-2', 'token-3']);
    expect(refreshes).toHaveLength(2);
  });

  test('with tokenRefresh: false it is left alone', async () => {
    const { api, instance, session, refreshes } = await scene({ adapter, script: inTurn(refusal, refusal, refusal) });
    const error = (await failureOf(instance.get('/orders'))) as AxiosError;
    await session.setTokens('third');
    const again = await failureOf(instance.request({ ...error.config, tokenRefresh: false }));
    expect(again).toMatchObject({ response: { status: 401 } });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', 'token-2', undefined]);
    expect(refreshes).toHaveLength(1);
  });

  test('a caller’s own interceptor that sends every 401 again stays bounded', async () => {
    const { api, instance } = await scene({
      adapter,
      script: inTurn(refusal),
      after: (target) => {
        let again = 0;
        target.interceptors.response.use(undefined, (error: AxiosError) => {
          return error.config && ++again <= 2 ? target.request(error.config) : Promise.reject(error);
        });
      },
    });
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ response: { status: 401 } });
    expect(api.seen).toHaveLength(4);
  });
});
