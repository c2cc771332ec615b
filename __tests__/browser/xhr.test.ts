/** Real requests of a page, by XMLHttpRequest and over real HTTP, to an API on another origin. */
import './page.js';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import axios, { type AxiosInstance } from 'axios';
import { installTokenRefresh } from '../../src/index.js';
import type { TokenSession, TokenSessionOptions } from '../../src/index.js';
import { follow, rejection } from '../support/stage.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly token: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

let server: Server;
let origin: string;
const seen: Seen[] = [];
const valid = new Set<string>();
/** An API that forgets CORS headers on a 401, as gateways do. */
let silent = false;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const cors = {
    'access-control-allow-origin': location.origin,
    'access-control-allow-headers': 'authorization, content-type, x-auth',
    'access-control-allow-methods': 'GET, POST, PUT, DELETE',
  };
  if (request.method === 'OPTIONS') {
    response.writeHead(204, cors).end();
    return;
  }
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { authorization, 'content-type': contentType } = request.headers;
  const token = authorization?.replace(/^Bearer /, '');
  seen.push({ method: request.method ?? '', url: request.url ?? '', token, contentType, body });
  const ok = request.url?.startsWith('/auth') === true || (token !== undefined && valid.has(token));
  response.writeHead(ok ? 200 : 401, { ...(!ok && silent ? {} : cors), 'content-type': 'application/json' });
  response.end(JSON.stringify(request.url?.startsWith('/auth') === true ? { accessToken: 'renewed' } : { ok }));
}

beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  seen.length = 0;
  valid.clear();
  valid.add('renewed');
  silent = false;
});

const installed = (options: Partial<TokenSessionOptions> = {}): { api: AxiosInstance; session: TokenSession } => {
  const api = axios.create({ baseURL: origin });
  const session = installTokenRefresh(api, {
    tokens: { accessToken: 'stale', refreshToken: 'kept' },
    retry: false,
    refresh: async ({ tokens, http, signal }) => {
      const { data } = await http.post<{ accessToken: string }>(
        '/auth/refresh',
        { refreshToken: tokens?.refreshToken },
        { signal },
      );
      return data;
    },
    ...options,
  });
  return { api, session };
};
const sent = (): unknown[] => seen.filter(({ url }) => !url.startsWith('/auth')).map(({ token }) => token);

describe('G15 a 401 over XMLHttpRequest', () => {
  test('the adapter of these tests is that of a page', () => {
    expect(axios.getAdapter(['xhr', 'http', 'fetch'])).toBe(axios.getAdapter('xhr'));
  });

  test('a GET is sent again with the new token, which the page asked for by the bare client', async () => {
    const { api, session } = installed();
    const { data, status } = await api.get<unknown>('/orders', { params: { page: 2 } });
    expect([status, data]).toStrictEqual([200, { ok: true }]);
    expect(seen.map(({ method, url, token }) => [method, url, token])).toStrictEqual([
      ['GET', '/orders?page=2', 'stale'],
      ['POST', '/auth/refresh', undefined],
      ['GET', '/orders?page=2', 'renewed'],
    ]);
    expect(seen[1]?.body).toBe('{"refreshToken":"kept"}');
    expect(await session.getAccessToken()).toBe('renewed');
    session.dispose();
  });

  test.each<readonly [what: string, body: () => unknown, expected: string, type: RegExp]>([
    ['an object', () => ({ id: 1, name: 'Zoë' }), '{"id":1,"name":"Zoë"}', /^application\/json/],
    ['text', () => 'plain', 'plain', /^application\/x-www-form-urlencoded/],
    ['a form', () => new URLSearchParams({ a: '1', b: 'x y' }), 'a=1&b=x+y', /^application\/x-www-form-urlencoded/],
  ])('a POST of %s carries the same body twice', async (_what, body, expected, type) => {
    const { api, session } = installed();
    await api.post('/orders', body());
    const posts = seen.filter(({ url }) => url === '/orders');
    expect(posts.map((post) => post.body)).toStrictEqual([expected, expected]);
    for (const { contentType } of posts) expect(contentType).toMatch(type);
    expect(sent()).toStrictEqual(['stale', 'renewed']);
    session.dispose();
  });

  test('a FormData is sent again as a form, with a boundary that fits', async () => {
    const { api, session } = installed();
    const form = new FormData();
    form.append('name', 'Zoë');
    await api.post('/files', form);
    for (const { contentType, body } of seen.filter(({ url }) => url === '/files')) {
      const boundary = /boundary=(\S+)/.exec(contentType ?? '')?.[1];
      expect(boundary).toBeDefined();
      expect(body).toContain(`--${String(boundary)}\r\n`);
      expect(body).toContain('Zoë');
    }
    expect(sent()).toStrictEqual(['stale', 'renewed']);
    session.dispose();
  });

  test('many at once cost one refresh (G7)', async () => {
    const { api, session } = installed();
    await Promise.all(Array.from({ length: 10 }, (_, index) => api.get(`/orders/${String(index)}`)));
    expect(seen.filter(({ url }) => url === '/auth/refresh')).toHaveLength(1);
    expect(sent().filter((token) => token === 'renewed')).toHaveLength(10);
    session.dispose();
  });

  test('a token that is refused anew is the answer of the API, with the reason as its cause (G9)', async () => {
    valid.clear();
    const { api, session } = installed();
    const error = await rejection(api.get('/orders'));
    expect(error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_TOKEN_REJECTED' } });
    expect(sent()).toStrictEqual(['stale', 'renewed']);
    session.dispose();
  });

  test('one without CORS headers cannot be seen by a page: a network error, as without us', async () => {
    silent = true;
    const spoken = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const { api, session } = installed();
    expect(await rejection(api.get('/orders'))).toMatchObject({ code: 'ERR_NETWORK' });
    expect(sent()).toStrictEqual(['stale']);
    // The page's console is told, by the platform.
    expect(spoken).toHaveBeenCalled();
    spoken.mockRestore();
    session.dispose();
  });

  test('a request that is aborted while it waits is gone, and the refresh goes on (G10)', async () => {
    let finish: (token: string) => void = () => undefined;
    const { api, session } = installed({ refresh: () => new Promise((resolve) => (finish = resolve)) });
    const controller = new AbortController();
    const other = api.get('/b');
    const aborted = follow(api.get('/a', { signal: controller.signal }));
    await new Promise<void>((resolve) => {
      session.on('request.queued', ({ waiting }) => {
        if (waiting === 2) resolve();
      });
    });
    controller.abort();
    finish('renewed');
    expect((await other).status).toBe(200);
    expect(axios.isCancel(aborted.error)).toBe(true);
    expect(seen.map(({ url, token }) => `${url} ${String(token)}`).sort()).toStrictEqual([
      '/a stale',
      '/b renewed',
      '/b stale',
    ]);
    session.dispose();
  });
});
