import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import NodeFormData from 'form-data';
import { describe, expect, test } from '@jest/globals';
import type {
  AxiosError,
  AxiosInstance,
  AxiosRequestConfig,
  AxiosRequestHeaders,
  AxiosRequestTransformer,
} from 'axios';
import { isTokenError } from '../../src/index.js';
import {
  adapters,
  afterwards,
  failureOf,
  inTurn,
  refusal,
  scene,
  textOf,
  type AdapterName,
} from '../integration/scene.js';
import type { SeenRequest } from '../support/server.js';

const json = { 'Content-Type': 'application/json' };
const bytes = new Uint8Array([0, 1, 2, 253, 254, 255]);

function form(): FormData {
  const data = new FormData();
  data.append('name', 'Ada Lovelace');
  data.append('file', new Blob(['engine notes'], { type: 'text/plain' }), 'notes.txt');
  return data;
}

interface Body {
  readonly name: string;
  readonly make: () => unknown;
  readonly headers?: Record<string, string>;
  /** What must arrive, where it does not depend on the adapter. */
  readonly arrives?: string | Uint8Array;
}

const replayable: Body[] = [
  { name: 'an object', make: () => ({ name: 'Ada', tags: [1, 2] }), arrives: '{"name":"Ada","tags":[1,2]}' },
  { name: 'a JSON string', make: () => '{"name":"Ada"}', headers: json, arrives: '{"name":"Ada"}' },
  { name: 'a quoted JSON string', make: () => '"Ada"', headers: json, arrives: '"Ada"' },
  { name: 'a bare string sent as JSON', make: () => 'Ada', headers: json, arrives: '"Ada"' },
  { name: 'a number sent as JSON', make: () => 42, headers: json, arrives: '42' },
  { name: 'false sent as JSON', make: () => false, headers: json, arrives: 'false' },
  { name: 'null sent as JSON', make: () => null, headers: json, arrives: 'null' },
  { name: 'an array', make: () => [1, 'zwei', null], arrives: '[1,"zwei",null]' },
  {
    name: 'URLSearchParams',
    make: () => new URLSearchParams({ q: 'a b&c', lang: 'dé' }),
    arrives: 'q=a+b%26c&lang=d%C3%A9',
  },
  {
    name: 'an urlencoded object',
    make: () => ({ q: 'a b', n: 1 }),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    arrives: 'q=a+b&n=1',
  },
  { name: 'text', make: () => 'grüße, ☃', headers: { 'Content-Type': 'text/plain' }, arrives: 'grüße, ☃' },
  { name: 'an empty string', make: () => '', headers: { 'Content-Type': 'text/plain' }, arrives: '' },
  { name: 'a native FormData', make: form },
  {
    name: 'a multipart body of the caller’s making, with its boundary',
    make: () => Buffer.from('--own\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--own--\r\n'),
    headers: { 'Content-Type': 'multipart/form-data; boundary=own' },
  },
  { name: 'a Blob', make: () => new Blob([bytes], { type: 'application/octet-stream' }), arrives: bytes },
  { name: 'an ArrayBuffer', make: () => bytes.slice().buffer, arrives: bytes },
  { name: 'a Buffer', make: () => Buffer.alloc(6, bytes), arrives: bytes },
  { name: 'a Uint8Array', make: () => bytes.slice(), arrives: bytes },
  {
    name: 'a large text',
    make: () => 'x'.repeat(300_000),
    headers: { 'Content-Type': 'text/plain' },
    arrives: 'x'.repeat(300_000),
  },
];

/** A request as the server saw it, without what must differ: the token, and the boundary of a multipart body. */
function told({ method, url, headers, body }: SeenRequest): object {
  const { authorization: _, ...rest } = headers;
  const text = body.toString('latin1');
  const boundary = /boundary=([^;]+)/.exec(rest['content-type'] ?? '')?.[1] ?? /^--([^\r\n]+)\r\n/.exec(text)?.[1];
  const plain = (value: string): string => (boundary ? value.replaceAll(boundary, 'BOUNDARY') : value);
  return { method, url, headers: JSON.parse(plain(JSON.stringify(rest))) as unknown, body: plain(text) };
}

function expectSameTwice(seen: readonly SeenRequest[]): asserts seen is [SeenRequest, SeenRequest] {
  expect(seen.map(({ token }) => token)).toStrictEqual(['first', 'token-2']);
  const [first, second] = seen;
  if (!first || !second) throw new Error('expected two requests');
  expect(told(second)).toEqual(told(first));
  for (const { headers, body } of seen) {
    if (headers['content-length'] !== undefined) expect(Number(headers['content-length'])).toBe(body.length);
  }
}

describe.each(adapters)('G15 a 401 over %s is replayed with the same body', (adapter) => {
  test.each(replayable)('$name', async ({ make, headers, arrives }) => {
    const { api, instance, refreshes } = await scene({ adapter });
    const response = await instance.post('/orders', make(), headers ? { headers } : {});
    expect(response.status).toBe(200);
    expectSameTwice(api.seen);
    if (arrives !== undefined) expect(api.seen[1].body).toEqual(Buffer.from(arrives));
    expect(refreshes).toHaveLength(1);
  });

  test('put, patch and delete with a body', async () => {
    for (const method of ['put', 'patch', 'delete']) {
      const { api, instance } = await scene({ adapter });
      await instance.request({ method, url: '/orders/7', data: { state: method } });
      expectSameTwice(api.seen);
      expect(api.seen[1]).toMatchObject({ method: method.toUpperCase(), body: Buffer.from(`{"state":"${method}"}`) });
    }
  });

  test('a request without a body stays without one', async () => {
    for (const method of ['get', 'head', 'options', 'delete', 'post']) {
      const { api, instance } = await scene({ adapter });
      await instance.request({ method, url: '/orders' });
      expectSameTwice(api.seen);
      expect(api.seen[1].body).toHaveLength(0);
    }
  });

  test('a plain object sent with postForm', async () => {
    const { api, instance } = await scene({ adapter });
    await instance.postForm('/orders', { name: 'Ada', tags: ['a', 'b'] });
    expectSameTwice(api.seen);
  });

  test('a transformRequest of the caller’s is given the original data once for each send', async () => {
    const { api, instance } = await scene({ adapter });
    const given: unknown[] = [];
    const wrap = (data: unknown): string => {
      given.push(data);
      return JSON.stringify({ wrapped: data, to: 'the api' });
    };
    await instance.post('/orders', { name: 'Ada' }, { transformRequest: [wrap], headers: json });
    expectSameTwice(api.seen);
    expect(api.seen[1].body.toString()).toBe('{"wrapped":{"name":"Ada"},"to":"the api"}');
    expect(given).toStrictEqual([{ name: 'Ada' }, { name: 'Ada' }]);
    expect(given[1]).toBe(given[0]);
  });

  test('a transformRequest that fails on data which it has changed in place leaves the 401', async () => {
    const { api, instance } = await scene({ adapter });
    const flatten = (data: { tags: unknown }): string => {
      if (!Array.isArray(data.tags)) throw new TypeError('no list of tags');
      data.tags = data.tags.join(',');
      return JSON.stringify(data);
    };
    const config = { transformRequest: [flatten], headers: json };
    const error = (await failureOf(instance.post('/orders', { tags: ['a', 'b'] }, config))) as AxiosError;
    expect(error.response?.status).toBe(401);
    expect(isTokenError(error.cause, 'AUTH_BODY_NOT_REPLAYABLE')).toBe(true);
    expect(api.seen).toHaveLength(1);
  });

  test('a transformRequest behind those of Axios', async () => {
    const { api, instance } = await scene({ adapter });
    const defaults = [instance.defaults.transformRequest ?? []].flat();
    const prefix = (text: string): string => `)]}'${text}`;
    await instance.post('/orders', { name: 'Ada' }, { transformRequest: [...defaults, prefix] });
    expectSameTwice(api.seen);
    expect(api.seen[1].body.toString()).toBe(`)]}'{"name":"Ada"}`);
  });

  const touching: [string, AxiosRequestTransformer][] = [
    [
      'reads a header and takes it off',
      (data, headers) => {
        const key = String(headers.get('X-Key'));
        headers.delete('X-Key');
        return `${JSON.stringify(data)} signed with ${key}`;
      },
    ],
    [
      'goes by the content type that it sets',
      (data, headers) => {
        if (headers.has('Content-Type')) return JSON.stringify({ again: data as unknown });
        headers.setContentType('text/plain');
        return JSON.stringify(data);
      },
    ],
    [
      'adds to a header',
      (data, headers) => {
        headers.set('X-Key', `${String(headers.get('X-Key'))}, more`);
        return JSON.stringify(data);
      },
    ],
    ['leaves the content type to Axios', () => 'name=Ada'],
    ['makes a form', form],
    [
      'makes a form, and says so',
      (_data, headers) => {
        headers.setContentType('multipart/form-data');
        return form();
      },
    ],
  ];

  test.each(touching)('a transformRequest that %s finds the headers as they were', async (_, transformRequest) => {
    for (const method of ['post', 'delete']) {
      const { api, instance } = await scene({ adapter });
      await instance.request({ method, url: '/', data: { name: 'Ada' }, transformRequest, headers: { 'X-Key': 'k1' } });
      expectSameTwice(api.seen);
    }
  });

  test('a body that grows from one send to the next arrives whole', async () => {
    const { api, instance } = await scene({ adapter });
    let sends = 0;
    const stamp = (data: unknown): string => JSON.stringify({ data, stamp: 'x'.repeat(20 * ++sends) });
    const response = await instance.post('/orders', { name: 'Ada' }, { transformRequest: stamp, headers: json });
    expect(response.status).toBe(200);
    expect(api.seen.map(({ body }) => (JSON.parse(body.toString()) as { stamp: string }).stamp.length)).toStrictEqual([
      20, 40,
    ]);
  });

  test('a body that an interceptor changes on its way is replayed as changed', async () => {
    // Installed first, so that it runs last: after the plugin's.
    const { api, instance } = await scene({
      adapter,
      before: ({ interceptors }) => {
        interceptors.request.use((config) => {
          config.data = { ...(config.data as object), stamp: 'later' };
          return config;
        });
      },
    });
    await instance.post('/orders', { name: 'Ada' });
    expectSameTwice(api.seen);
    expect(api.seen[1].body.toString()).toBe('{"name":"Ada","stamp":"later"}');
  });

  test('a body that an interceptor adds on its way is replayed as well', async () => {
    const { api, instance } = await scene({
      adapter,
      before: ({ interceptors }) => {
        interceptors.request.use((config) => ({ ...config, data: { added: true } }) as typeof config);
      },
    });
    await instance.post('/orders');
    expectSameTwice(api.seen);
    expect(api.seen[1].body.toString()).toBe('{"added":true}');
  });
});

interface UsedUp {
  readonly name: string;
  readonly make: () => unknown;
  readonly only?: AdapterName;
}

const usedUp: UsedUp[] = [
  { name: 'a Node stream', make: () => Readable.from([Buffer.from('line 1\n'), Buffer.from('line 2\n')]) },
  {
    name: 'a web stream',
    only: 'fetch',
    make: () => new Blob(['line 1\nline 2\n']).stream(),
  },
  {
    name: 'a form-data instance',
    make: () => {
      const data = new NodeFormData();
      data.append('name', 'Ada');
      return data;
    },
  },
];

interface Held {
  readonly file: Readable;
}

function makeForm({ file }: Held, headers: AxiosRequestHeaders): NodeFormData {
  const data = new NodeFormData();
  data.append('file', file, 'notes.txt');
  headers.set(data.getHeaders());
  return data;
}

function expectRefusedWithoutReplay(error: unknown, seen: readonly SeenRequest[]): void {
  expect(error).toMatchObject({ isAxiosError: true, response: { status: 401 } });
  expect(isTokenError((error as Error).cause, 'AUTH_BODY_NOT_REPLAYABLE')).toBe(true);
  expect(seen).toHaveLength(1);
  expect(seen[0]?.body.length).toBeGreaterThan(0);
}

describe.each(adapters)('G15 a used-up stream over %s is refused, never sent empty', (adapter) => {
  test.each(usedUp.filter(({ only }) => only === undefined || only === adapter))('$name', async ({ make }) => {
    const { api, instance, session } = await scene({ adapter });
    const data = make();
    const headers = data instanceof NodeFormData ? data.getHeaders() : { 'Content-Type': 'text/plain' };
    expectRefusedWithoutReplay(await failureOf(instance.post('/files', data, { headers })), api.seen);
    // The refresh was made all the same: whoever comes next is served.
    await session.getAccessToken();
    expect((await instance.post('/files', 'again')).status).toBe(200);
  });

  test.each([
    ['takes it out', ({ file }: Held) => file],
    ['makes a form-data instance of it', makeForm],
  ])('one in an object, where a transformRequest %s', async (_, transformRequest) => {
    const { api, instance } = await scene({ adapter });
    const body = { file: Readable.from([Buffer.from('line 1')]) };
    expectRefusedWithoutReplay(await failureOf(instance.post('/files', body, { transformRequest })), api.seen);
  });

  test('one that a transformRequest has from elsewhere', async () => {
    const { api, instance } = await scene({ adapter });
    const file = Readable.from([Buffer.from('line 1')]);
    const config = { transformRequest: () => file };
    expectRefusedWithoutReplay(await failureOf(instance.post('/files', { name: 'notes' }, config)), api.seen);
    expect((await instance.post('/files', { name: 'notes' })).status).toBe(200);
  });

  test('a stream that a transformRequest makes for each send is sent again', async () => {
    const { api, instance } = await scene({ adapter });
    const transformRequest = ({ text }: { text: string }): Readable => Readable.from([Buffer.from(text)]);
    await instance.post('/files', { text: 'line 1' }, { transformRequest });
    expectSameTwice(api.seen);
    expect(api.seen[1].body.toString()).toBe('line 1');
  });

  test('a file stream', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'upload-'));
    afterwards(() => rm(folder, { recursive: true }));
    const file = join(folder, 'notes.txt');
    await writeFile(file, 'engine notes');
    const { api, instance } = await scene({ adapter });
    const headers = { 'Content-Type': 'text/plain' };
    expectRefusedWithoutReplay(await failureOf(instance.post('/files', createReadStream(file), { headers })), api.seen);
    expect(api.seen[0]?.body.toString()).toBe('engine notes');
  });

  test('where validateStatus lets 401 through the caller has the 401', async () => {
    const { api, instance } = await scene({ adapter });
    const response = await instance.post('/files', Readable.from(['line']), { validateStatus: () => true });
    expect(response.status).toBe(401);
    expect(api.seen).toHaveLength(1);
  });

  test('a stream whose token has expired waits unread and arrives whole', async () => {
    const { api, instance } = await scene({
      adapter,
      session: { tokens: { accessToken: 'first', expiresAt: Date.now() - 1_000 } },
    });
    const response = await instance.post('/files', Readable.from(['line 1\n', 'line 2\n']));
    expect(response.status).toBe(200);
    expect(api.seen.map(({ token, body }) => [token, body.toString()])).toStrictEqual([
      ['token-2', 'line 1\nline 2\n'],
    ]);
  });
});

// Over fetch Axios sends the name of such a form's class in its place.
describe('G15 a form that Axios makes of an object with a stream in it is refused, never sent again', () => {
  const held: [string, (stream: Readable) => object][] = [
    ['a field', (file) => ({ name: 'notes', file })],
    ['an array', (file) => ({ files: [file] })],
    ['an object below', (file) => ({ notes: { of: { today: file } } })],
  ];

  test.each(held)('%s', async (_, hold) => {
    const { api, instance } = await scene({ adapter: 'http' });
    const body = hold(Readable.from([Buffer.from('engine notes')]));
    expectRefusedWithoutReplay(await failureOf(instance.postForm('/files', body)), api.seen);
    expect(api.seen[0]?.body.toString()).toContain('engine notes');
  });
});

describe.each(adapters)('G15 a 401 over %s is replayed as the same request', (adapter) => {
  const everyHeader = { 'X-Request-Id': 'r-1', Accept: 'application/vnd.orders+json', 'X-Empty': '' };

  test('method, URL, params and headers', async () => {
    const { api, instance } = await scene({
      adapter,
      axios: { headers: { common: { 'X-App': 'shop' } }, params: { tenant: 't1' } },
    });
    const params = { q: 'a b', ids: [1, 2], at: new Date(0), none: null };
    await instance.get('orders/1?fixed=1#part', { params, headers: everyHeader });
    expectSameTwice(api.seen);
    expect(api.seen[1].headers).toMatchObject({ 'x-app': 'shop', 'x-request-id': 'r-1' });
    expect(api.seen[1].url).toMatch(/^\/orders\/1\?fixed=1&/);
    expect(api.seen[1].url).not.toContain('#');
  });

  test('a paramsSerializer of the caller’s', async () => {
    const { api, instance } = await scene({ adapter });
    const serialize = (params: Record<string, unknown>): string => `all=${Object.keys(params).join(';')}`;
    await instance.get('/orders', { params: { a: 1, b: 2 }, paramsSerializer: { serialize } });
    expectSameTwice(api.seen);
    expect(api.seen[1].url).toBe('/orders?all=a;b');
  });

  test('a base URL with a path, and an absolute URL', async () => {
    const { api, instance } = await scene({ adapter });
    await instance.get('/orders', { baseURL: `${api.url}/v2/` });
    expectSameTwice(api.seen);
    expect(api.seen[1].url).toBe('/v2/orders');
    const other = await scene({ adapter });
    await other.instance.get(`${other.api.url}/absolute`);
    expectSameTwice(other.api.seen);
    expect(other.api.seen[1].url).toBe('/absolute');
  });

  test('a custom header and its value', async () => {
    const { api, instance } = await scene({
      adapter,
      script: ({ headers }) => (headers['x-token'] === 'key token-2' ? {} : refusal),
      session: { header: 'X-Token', formatHeader: (token) => `key ${token}` },
    });
    await instance.get('/orders');
    expect(api.seen.map(({ headers }) => headers['x-token'])).toStrictEqual(['key first', 'key token-2']);
    expect(api.seen.map(({ headers }) => headers.authorization)).toStrictEqual([undefined, undefined]);
  });

  test('the answer is read as the caller asked', async () => {
    const types: [NonNullable<AxiosRequestConfig['responseType']>, (data: unknown) => unknown][] = [
      ['json', (data) => data],
      ['text', (data) => JSON.parse(String(data)) as unknown],
      ['arraybuffer', (data) => JSON.parse(Buffer.from(data as ArrayBuffer).toString()) as unknown],
    ];
    for (const [responseType, read] of types) {
      const { instance } = await scene({ adapter });
      const { data } = await instance.get<unknown>('/orders', { responseType });
      expect(read(data)).toMatchObject({ ok: true, url: '/orders' });
    }
  });

  test.each<readonly [string, AxiosRequestConfig]>([
    ['as it is', {}],
    ['up to maxContentLength', { maxContentLength: 2_000_000 }],
    ['with its progress told', { onDownloadProgress: () => undefined }],
  ])('a refused answer that is streamed %s frees its connection', async (_how, config) => {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterwards(() => httpAgent.destroy());
    const long = 'x'.repeat(1_000_000);
    const { api, instance } = await scene({
      adapter,
      script: ({ token }) => ({ status: token === 'token-2' ? 200 : 401, body: long }),
      // No timeout frees the connection.
      axios: { httpAgent, timeout: 0 },
    });
    const { data } = await instance.get<unknown>('/export', { responseType: 'stream', ...config });
    expect(await textOf(data)).toBe(long);
    expect(api.seen).toHaveLength(2);
  });

  test('a refused answer that is streamed by an adapter of an interceptor’s frees its connection', async () => {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterwards(() => httpAgent.destroy());
    const long = 'x'.repeat(1_000_000);
    const { instance } = await scene({
      adapter,
      script: ({ token }) => ({ status: token === 'token-2' ? 200 : 401, body: long }),
      axios: { httpAgent, timeout: 0 },
      before: (made) =>
        void made.interceptors.request.use((config) => {
          config.adapter = adapter;
          return config;
        }),
    });
    const { data } = await instance.get<unknown>('/export', { responseType: 'stream' });
    expect(await textOf(data)).toBe(long);
  });

  test('a refused answer that the caller gets is streamed whole', async () => {
    const { instance } = await scene({ adapter, script: inTurn({ status: 401, body: 'why not' }) });
    const config: AxiosRequestConfig = { responseType: 'stream', validateStatus: () => true };
    const { status, data } = await instance.get<unknown>('/export', config);
    expect([status, await textOf(data)]).toStrictEqual([401, 'why not']);
  });

  test('with a used-up stream as body a streamed 401 can still be read', async () => {
    const { instance } = await scene({ adapter, script: inTurn({ status: 401, body: 'why not' }) });
    const error = await failureOf(instance.post('/files', Readable.from(['line']), { responseType: 'stream' }));
    expect(await textOf((error as AxiosError).response?.data)).toBe('why not');
  });

  test('a refresh over the same single connection is not blocked by a streamed 401', async () => {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterwards(() => httpAgent.destroy());
    const { instance } = await scene({
      adapter,
      script: ({ url, token }) => {
        if (url === '/refresh') return { body: { accessToken: 'token-2' } };
        return { status: token === 'token-2' ? 200 : 401, body: 'x'.repeat(1_000_000) };
      },
      axios: { httpAgent },
      session: { refresh: async ({ http }) => (await http.post<{ accessToken: string }>('/refresh')).data },
    });
    const { status, data } = await instance.get<unknown>('/export', { responseType: 'stream' });
    expect([status, (await textOf(data)).length]).toStrictEqual([200, 1_000_000]);
  });

  test('any number of requests at once, each with its own body', async () => {
    const { api, instance, refreshes } = await scene({ adapter });
    const post = async (client: AxiosInstance, id: number): Promise<number> => (await client.post('/o', { id })).status;
    const statuses = await Promise.all(Array.from({ length: 50 }, (_, id) => post(instance, id)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(refreshes).toHaveLength(1);
    const served = api.seen.filter(({ token }) => token === 'token-2').map(({ body }) => body.toString());
    expect(new Set(served).size).toBe(50);
    expect(served).toHaveLength(50);
  });
});
