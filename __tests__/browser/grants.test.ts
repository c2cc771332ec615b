/** A page whose refresh token is in an HttpOnly cookie of a back end on another origin. */
import './page.js';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import axios from 'axios';
import { jsonRefresh } from '../../src/grants/index.js';
import { installTokenRefresh } from '../../src/index.js';

let server: Server;
let origin: string;
/** What each refresh came with. */
const refreshes: { readonly cookie: string | undefined; readonly body: string }[] = [];

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers: Record<string, string> = {
    'Access-Control-Allow-Origin': location.origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Allow-Headers': 'authorization, x-requested-with',
    'Content-Type': 'application/json',
  };
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { method, url, headers: sent } = request;
  if (method === 'OPTIONS') {
    response.writeHead(204, headers).end();
  } else if (url === '/sign-in') {
    response.writeHead(200, { ...headers, 'Set-Cookie': 'refresh=first; HttpOnly; Path=/refresh-token' }).end('{}');
  } else if (url === '/refresh-token') {
    refreshes.push({ cookie: sent.cookie, body });
    const isSignedIn = sent.cookie !== undefined && sent['x-requested-with'] === 'app';
    response.writeHead(isSignedIn ? 200 : 401, headers);
    response.end(JSON.stringify(isSignedIn ? { accessToken: 'token-1', expiresIn: 60 } : { error: 'no cookie' }));
  } else {
    response.writeHead(sent.authorization === 'Bearer token-1' ? 200 : 401, headers).end('{}');
  }
}

beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('jsonRefresh with a cookie: the page starts from nothing, and sends no body', async () => {
  const api = axios.create({ baseURL: origin });
  const headers = { 'X-Requested-With': 'app' };
  const session = installTokenRefresh(api, jsonRefresh({ url: '/refresh-token', cookie: true, headers }));
  await api.post('/sign-in', undefined, { withCredentials: true, tokenRefresh: false });
  const answers = await Promise.all([1, 2, 3].map((id) => api.get(`/orders/${id}`)));
  expect(answers.map(({ status }) => status)).toStrictEqual([200, 200, 200]);
  expect(refreshes).toStrictEqual([{ cookie: 'refresh=first', body: '' }]);
  expect(document.cookie).toBe('');
  session.dispose();
});
