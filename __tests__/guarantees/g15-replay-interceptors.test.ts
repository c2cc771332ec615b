import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import axios, {
  type AxiosError,
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosRequestTransformer,
  type InternalAxiosRequestConfig,
} from 'axios';
import { installTokenRefresh, isTokenError } from '../../src/index.js';
import {
  accepting,
  adapters,
  afterwards,
  failureOf,
  inTurn,
  refusal,
  scene,
  server,
  textOf,
  type AdapterName,
} from '../integration/scene.js';
import { fakeApi } from '../support/api.fake.js';

/** Counts what passes through a pair of interceptors. */
function counter(): {
  readonly requests: string[];
  readonly responses: unknown[];
  install: (instance: AxiosInstance) => void;
} {
  const requests: string[] = [];
  const responses: unknown[] = [];
  return {
    requests,
    responses,
    install({ interceptors }) {
      interceptors.request.use((config) => {
        requests.push(config.url ?? '');
        return config;
      });
      interceptors.response.use(
        (response) => {
          responses.push(response.status);
          return response;
        },
        (error: AxiosError) => {
          responses.push(error.response?.status);
          return Promise.reject(error);
        },
      );
    },
  };
}

/** As the usual libraries do: objects with their prototypes and what can be enumerated, functions as they are. */
function deepCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(deepCopy) as T;
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(value)) copy[name] = deepCopy(member);
  return copy as T;
}

const unwrap = ({ interceptors }: AxiosInstance): void => {
  interceptors.response.use((response) => response.data as never);
};

/** Answers over the wire, by way of an adapter that somebody else brings. */
function foreignAdapter(name: AdapterName): {
  readonly calls: InternalAxiosRequestConfig[];
  install: (instance: AxiosInstance) => void;
} {
  const calls: InternalAxiosRequestConfig[] = [];
  return {
    calls,
    install({ interceptors }) {
      interceptors.request.use((config) => {
        config.adapter = (final) => {
          calls.push(final);
          return axios.getAdapter(name)(final);
        };
        return config;
      });
    },
  };
}

describe.each(adapters)('G15 the caller’s interceptors over %s', (adapter) => {
  test('those before and after the plugin run once, and see the final response once', async () => {
    const before = counter();
    const after = counter();
    const { api, instance } = await scene({ adapter, before: before.install, after: after.install });
    await instance.post('/orders', { id: 1 });
    expect(api.seen).toHaveLength(2);
    for (const { requests, responses } of [before, after]) {
      expect(requests).toStrictEqual(['/orders']);
      expect(responses).toStrictEqual([200]);
    }
  });

  test('they see a final 401 once as well', async () => {
    const before = counter();
    const after = counter();
    const script = inTurn(refusal);
    const { instance } = await scene({ adapter, script, before: before.install, after: after.install });
    await failureOf(instance.get('/orders'));
    expect(before).toMatchObject({ requests: ['/orders'], responses: [401] });
    expect(after).toMatchObject({ requests: ['/orders'], responses: [401] });
  });

  test.each([
    ['before', { before: unwrap }],
    ['after', { after: unwrap }],
  ])('an interceptor that unwraps the data may be installed %s the plugin', async (_, hooks) => {
    const { instance, refreshes } = await scene({ adapter, ...hooks });
    await expect(instance.get('/orders')).resolves.toEqual({ ok: true, method: 'GET', url: '/orders' });
    expect(refreshes).toHaveLength(1);
  });

  test.each([
    ['before', { before: unwrap }],
    ['after', { after: unwrap }],
  ])('unwrapping %s the plugin goes together with a validateStatus that lets everything through', async (_, hooks) => {
    const { instance, refreshes } = await scene({ adapter, ...hooks });
    await expect(instance.get('/orders', { validateStatus: () => true })).resolves.toMatchObject({ ok: true });
    expect(refreshes).toHaveLength(1);
  });

  test('asynchronous interceptors around a wait run once', async () => {
    const slow = ({ interceptors }: AxiosInstance): void => {
      interceptors.request.use(async (config) => {
        await new Promise((resolve) => setImmediate(resolve));
        config.headers.set('X-Seen', `${String(config.headers.get('X-Seen') ?? '')}+`);
        return config;
      });
    };
    const { api, instance } = await scene({
      adapter,
      before: slow,
      after: slow,
      session: { tokens: { accessToken: 'first', expiresAt: Date.now() - 1_000 } },
    });
    await instance.get('/orders');
    expect(api.seen.map(({ token, headers }) => [token, headers['x-seen']])).toStrictEqual([['token-2', '++']]);
  });

  test('interceptors in the order of installation, as Axios 1.13.5 and later can be told', async () => {
    const before = counter();
    const after = counter();
    const ordering = 'legacyInterceptorReqResOrdering';
    const known = Object.keys(axios.defaults.transitional ?? {}).includes(ordering);
    const transitional = known ? Object.fromEntries([[ordering, false]]) : {};
    for (const tokens of ['first', { accessToken: 'first', expiresAt: 1 }]) {
      const { api, instance } = await scene({
        adapter,
        axios: { transitional },
        before: before.install,
        after: after.install,
        session: { tokens },
      });
      await expect(instance.post('/orders', { id: 1 })).resolves.toMatchObject({ status: 200 });
      expect(api.seen.at(-1)).toMatchObject({ token: 'token-2', body: Buffer.from('{"id":1}') });
    }
    expect(before).toMatchObject({ requests: ['/orders', '/orders'], responses: [200, 200] });
    expect(after).toMatchObject({ requests: ['/orders', '/orders'], responses: [200, 200] });
  });

  test.each(['before', 'after'])('G24 one installed %s the plugin never sees the token', async (order) => {
    const seen: unknown[] = [];
    const logger = ({ interceptors }: AxiosInstance): void => {
      interceptors.request.use((config) => {
        seen.push(config.headers.get('Authorization'));
        return config;
      });
    };
    const { api, instance } = await scene({ adapter, script: inTurn({}), [order]: logger });
    const { config } = await instance.get('/orders');
    await instance.request(config);
    await instance.request({ ...config, tokenRefresh: false });
    expect(api.seen.map(({ token }) => token)).toStrictEqual(['first', 'first', undefined]);
    expect(seen).toStrictEqual([undefined, undefined, undefined]);
  });

  test('an interceptor that returns a deep copy of the config, and a retry of one', async () => {
    const copy = ({ interceptors }: AxiosInstance): void => {
      interceptors.request.use((config) => deepCopy(config));
    };
    const { api, instance, session } = await scene({ adapter, before: copy, after: copy });
    const { config } = await instance.post('/orders', { id: 1 });
    api.script = accepting('token-3');
    await session.refresh();
    await expect(instance.request(deepCopy(config))).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token, body }) => [token, body.toString()])).toStrictEqual([
      ['first', '{"id":1}'],
      ['token-2', '{"id":1}'],
      ['token-3', '{"id":1}'],
    ]);
  });

  test('an interceptor that sets another adapter for a request that has to wait', async () => {
    const foreign = foreignAdapter(adapter);
    const { api, instance } = await scene({
      adapter,
      after: foreign.install,
      session: { tokens: { accessToken: 'first', expiresAt: Date.now() - 1_000 } },
    });
    await instance.post('/orders', { id: 1 });
    expect(foreign.calls).toHaveLength(1);
    expect(api.seen.map(({ token, body }) => [token, body.toString()])).toStrictEqual([['token-2', '{"id":1}']]);
  });

  test('an interceptor that returns a copy of the config', async () => {
    const copy = ({ interceptors }: AxiosInstance): void => {
      interceptors.request.use((config) => ({ ...config }));
    };
    const { api, instance } = await scene({ adapter, before: copy, after: copy });
    await expect(instance.post('/orders', { id: 1 })).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token, body }) => [token, body.toString()])).toStrictEqual([
      ['first', '{"id":1}'],
      ['token-2', '{"id":1}'],
    ]);
  });
});

const validations: [string, AxiosRequestConfig][] = [
  ['accepts everything', { validateStatus: () => true }],
  ['is null', { validateStatus: null }],
  ['is undefined', Object.fromEntries([['validateStatus', undefined]])],
  ['accepts what is below 500', { validateStatus: (status) => status < 500 }],
];

describe.each(adapters)('G15 answers that hide the 401 over %s', (adapter) => {
  test.each(validations)('a validateStatus that %s', async (_, config) => {
    const { api, instance } = await scene({ adapter });
    await expect(instance.post('/orders', { id: 1 }, config)).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ body }) => body.toString())).toStrictEqual(['{"id":1}', '{"id":1}']);
  });

  test.each(validations)(
    'a validateStatus that %s gets the last 401 if the replay is refused too',
    async (_, config) => {
      const { api, instance } = await scene({ adapter, script: inTurn(refusal) });
      await expect(instance.get('/orders', config)).resolves.toMatchObject({ status: 401 });
      expect(api.seen).toHaveLength(2);
    },
  );

  test('a validateStatus that accepts nothing', async () => {
    const { api, instance } = await scene({ adapter });
    const error = await failureOf(instance.get('/orders', { validateStatus: () => false }));
    expect(error).toMatchObject({ isAxiosError: true, response: { status: 200 } });
    expect(api.seen).toHaveLength(2);
  });

  test('a transformResponse that throws on the body of the 401', async () => {
    const transformResponse = (body: string): unknown => {
      if (body.includes('invalid_token')) throw new Error('no order');
      return JSON.parse(body) as unknown;
    };
    const { instance, refreshes } = await scene({ adapter });
    await expect(instance.get('/orders', { transformResponse })).resolves.toMatchObject({ data: { ok: true } });
    expect(refreshes).toHaveLength(1);
  });

  test('an HTML page as the body of the 401 of a strict JSON request', async () => {
    const page = { status: 401, headers: { 'Content-Type': 'text/html' }, body: '<h1>Sign in</h1>' };
    const { instance } = await scene({ adapter, script: inTurn(page, { body: { ok: true } }) });
    const strict = { responseType: 'json', transitional: { silentJSONParsing: false } } as const;
    await expect(instance.get('/orders', strict)).resolves.toMatchObject({ data: { ok: true } });
  });

  test('shouldRefresh reads the body of an answer of another status', async () => {
    const expired = { status: 403, body: { code: 'TOKEN_EXPIRED' } };
    const forbidden = { status: 403, body: { code: 'FORBIDDEN' } };
    const { api, instance, refreshes } = await scene({
      adapter,
      script: inTurn(expired, { body: { ok: true } }, forbidden),
      session: {
        shouldRefresh: ({ status, data }) =>
          status === 403 ? (data as { code?: string }).code === 'TOKEN_EXPIRED' : undefined,
      },
    });
    await expect(instance.get('/orders')).resolves.toMatchObject({ data: { ok: true } });
    const error = await failureOf(instance.get('/orders'));
    expect(error).toMatchObject({ response: { status: 403, data: { code: 'FORBIDDEN' } } });
    expect(refreshes).toHaveLength(1);
    expect(api.seen).toHaveLength(3);
  });

  test('a 401 that complains of the scope is the caller’s', async () => {
    const headers = { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="orders:write"' };
    const { api, instance, refreshes } = await scene({ adapter, script: inTurn({ status: 401, headers }) });
    expect(await failureOf(instance.post('/orders', {}))).toMatchObject({ response: { status: 401 } });
    expect([api.seen.length, refreshes.length]).toStrictEqual([1, 0]);
  });

  test('a refresh that fails leaves the caller the 401, with the reason as its cause', async () => {
    const { api, instance } = await scene({
      adapter,
      session: { refresh: () => Promise.reject(new Error('down')), retry: false },
    });
    const error = await failureOf(instance.get('/orders'));
    expect(error).toMatchObject({ isAxiosError: true, response: { status: 401, data: { error: 'invalid_token' } } });
    expect(isTokenError((error as Error).cause, 'AUTH_TOKEN_REFRESH_FAILED')).toBe(true);
    expect(api.seen).toHaveLength(1);
  });

  test('a streamed 401 whose refresh fails does not hang whoever reads it', async () => {
    const { instance } = await scene({
      adapter,
      script: inTurn({ status: 401, body: 'x'.repeat(1_000_000) }),
      session: { refresh: () => Promise.reject(new Error('down')), retry: false },
    });
    const error = (await failureOf(instance.get('/export', { responseType: 'stream' }))) as AxiosError;
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_TOKEN_REFRESH_FAILED' } });
    const reading = textOf(error.response?.data).then(
      () => 'ended',
      () => 'ended',
    );
    await expect(reading).resolves.toBe('ended');
  });
});

describe.each(adapters)('G15 an adapter replaced after ours over %s (the second line)', (adapter) => {
  test('a 401 is answered with one more send, now with the token', async () => {
    const foreign = foreignAdapter(adapter);
    const { api, instance, refreshes } = await scene({
      adapter,
      script: accepting('first'),
      before: foreign.install,
    });
    await expect(instance.post('/orders', { id: 1 })).resolves.toMatchObject({ status: 200, data: { ok: true } });
    expect(api.seen.map(({ token, body }) => [token, body.toString()])).toStrictEqual([
      [undefined, '{"id":1}'],
      ['first', '{"id":1}'],
    ]);
    expect(refreshes).toHaveLength(0);
    // Mocks and caches live in such adapters: both sends went through it.
    expect(foreign.calls).toHaveLength(2);
  });

  test('a stale token is refreshed on the way, and each further send is told', async () => {
    const { api, instance, session, refreshes } = await scene({ adapter, before: foreignAdapter(adapter).install });
    let told = 0;
    session.on('request.replayed', () => (told += 1));
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token }) => token)).toStrictEqual([undefined, 'first', 'token-2']);
    expect([told, refreshes.length]).toStrictEqual([2, 1]);
  });

  test('G11 a request that its user left behind is not sent as the next one', async () => {
    const { api, instance, session } = await scene({
      adapter,
      before: (bare) => {
        foreignAdapter(adapter).install(bare);
        bare.interceptors.response.use(undefined, async (error: unknown) => {
          await session.setTokens({ accessToken: 'second', subject: 'bob' });
          throw error;
        });
      },
    });
    await session.setTokens({ accessToken: 'first', subject: 'ada' });
    const error = await failureOf(instance.get('/orders'));
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_SESSION_CLEARED' } });
    expect(api.seen.map(({ token }) => token)).toStrictEqual([undefined]);
  });

  test('an API that refuses everything is asked no more than that', async () => {
    const { api, instance, refreshes } = await scene({
      adapter,
      script: inTurn(refusal),
      before: foreignAdapter(adapter).install,
    });
    const error = await failureOf(instance.get('/orders'));
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_TOKEN_REJECTED' } });
    expect([api.seen.length, refreshes.length]).toStrictEqual([3, 1]);
  });

  test('a validateStatus that accepts everything', async () => {
    const { instance } = await scene({ adapter, before: foreignAdapter(adapter).install });
    await expect(instance.get('/orders', { validateStatus: () => true })).resolves.toMatchObject({ status: 200 });
  });

  test('the caller’s interceptors run once', async () => {
    const before = counter();
    const after = counter();
    const { instance } = await scene({
      adapter,
      before: (target) => {
        foreignAdapter(adapter).install(target);
        before.install(target);
      },
      after: after.install,
    });
    await instance.get('/orders');
    expect(before.requests).toStrictEqual(['/orders']);
    expect(after).toMatchObject({ requests: ['/orders'], responses: [200] });
  });

  test('a custom transformRequest is given the original data', async () => {
    const given: unknown[] = [];
    const transformRequest = (data: unknown): string => `v1 ${JSON.stringify((given.push(data), data))}`;
    const { api, instance } = await scene({ adapter, before: foreignAdapter(adapter).install });
    await instance.post('/orders', { id: 1 }, { transformRequest, headers: { 'Content-Type': 'application/x-v1' } });
    expect(api.seen.map(({ body }) => body.toString())).toStrictEqual(['v1 {"id":1}', 'v1 {"id":1}', 'v1 {"id":1}']);
    expect(given).toStrictEqual([{ id: 1 }, { id: 1 }, { id: 1 }]);
  });

  test('a transformRequest that takes a header off finds it again', async () => {
    const transformRequest: AxiosRequestTransformer = (data, headers) => {
      const key = String(headers.get('X-Key'));
      headers.delete('X-Key');
      return `${String(data)} signed with ${key}`;
    };
    const { api, instance } = await scene({ adapter, before: foreignAdapter(adapter).install });
    await instance.post('/orders', 'order', { transformRequest, headers: { 'X-Key': 'k1' } });
    expect(api.seen.map(({ body, headers }) => [body.toString(), headers['x-key']])).toEqual(
      Array<unknown>(3).fill(['order signed with k1', undefined]),
    );
  });

  test('a body that grows from one send to the next arrives whole', async () => {
    let sends = 0;
    const transformRequest = (): string => 'x'.repeat(20 * ++sends);
    const { api, instance } = await scene({
      adapter,
      script: accepting('first'),
      before: foreignAdapter(adapter).install,
    });
    await instance.post('/orders', { id: 1 }, { transformRequest, headers: { 'Content-Type': 'text/plain' } });
    expect(api.seen.map(({ body }) => body.length)).toStrictEqual([20, 40]);
  });

  test('a plain object sent with postForm', async () => {
    const { api, instance } = await scene({
      adapter,
      script: accepting('first'),
      before: foreignAdapter(adapter).install,
    });
    await instance.postForm('/orders', { name: 'Ada' });
    const [first, second] = api.seen.map(({ body }) => body.toString().replace(/-{4,}[\w-]+/g, 'BOUNDARY'));
    expect(second).toBe(first);
  });

  test('a used-up stream is refused, never sent empty', async () => {
    const { api, instance } = await scene({
      adapter,
      script: accepting('first'),
      before: foreignAdapter(adapter).install,
    });
    const error = await failureOf(instance.post('/files', Readable.from(['line 1\n'])));
    expect(error).toMatchObject({ response: { status: 401 } });
    expect(isTokenError((error as Error).cause, 'AUTH_BODY_NOT_REPLAYABLE')).toBe(true);
    expect(api.seen.map(({ body }) => body.toString())).toStrictEqual(['line 1\n']);
  });

  test('a stream that a transformRequest has from elsewhere is refused as well', async () => {
    const { api, instance, session } = await scene({
      adapter,
      script: accepting('first'),
      before: foreignAdapter(adapter).install,
    });
    let told = 0;
    session.on('request.replayed', () => (told += 1));
    const file = Readable.from([Buffer.from('line 1')]);
    const error = await failureOf(instance.post('/files', { name: 'notes' }, { transformRequest: () => file }));
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_BODY_NOT_REPLAYABLE' } });
    expect([api.seen.length, told]).toStrictEqual([1, 0]);
  });

  test('a form with a stream in it is refused as well', async () => {
    const { api, instance } = await scene({
      adapter,
      script: accepting('first'),
      before: foreignAdapter(adapter).install,
    });
    const error = await failureOf(instance.postForm('/files', { file: Readable.from([Buffer.from('line 1')]) }));
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_BODY_NOT_REPLAYABLE' } });
    expect(api.seen).toHaveLength(1);
  });

  test('shouldRefresh decides there as well', async () => {
    const { api, instance } = await scene({
      adapter,
      script: ({ token }) => (token === 'first' ? {} : { status: 403, body: { code: 'TOKEN_MISSING' } }),
      before: foreignAdapter(adapter).install,
      session: { shouldRefresh: ({ status }) => status === 403 },
    });
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token }) => token)).toStrictEqual([undefined, 'first']);
  });

  test('an abort of the second send', async () => {
    const controller = new AbortController();
    const { instance } = await scene({
      adapter,
      script: (_request, index) => {
        if (index === 0) return refusal;
        controller.abort();
        return 'silence';
      },
      before: foreignAdapter(adapter).install,
    });
    expect(axios.isCancel(await failureOf(instance.get('/orders', { signal: controller.signal })))).toBe(true);
  });

  test('a request that was sent to another origin stays the caller’s', async () => {
    const other = await server(inTurn(refusal));
    const { instance, refreshes } = await scene({ adapter, before: foreignAdapter(adapter).install });
    expect(await failureOf(instance.get(`${other.url}/orders`))).toMatchObject({ response: { status: 401 } });
    expect(other.seen.map(({ headers }) => headers.authorization)).toStrictEqual([undefined]);
    expect(refreshes).toHaveLength(0);
  });
});

test('G15 an instance whose adapter somebody has taken away sends by Axios’s own', async () => {
  const api = await server(accepting('token-2'));
  const instance = axios.create({ baseURL: api.url });
  Reflect.deleteProperty(instance.defaults, 'adapter');
  const session = installTokenRefresh(instance, { tokens: 'first', refresh: () => 'token-2' });
  afterwards(() => session.dispose());
  await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
});

test('G15 with tokenRefresh: false that a later interceptor sets a request is left alone, its 401 included', async () => {
  const api = fakeApi();
  api.respond = () => ({ status: 401 });
  const session = installTokenRefresh(api.instance, { refresh: () => 'second', tokens: 'first' });
  afterwards(() => session.dispose());
  api.instance.interceptors.request.use((config) => Object.assign(config, { tokenRefresh: false }));
  expect(await failureOf(api.instance.get('/orders'))).toMatchObject({ response: { status: 401 } });
  expect(api.seen).toHaveLength(1);
  expect(api.seen[0]?.token).toBeUndefined();
});
