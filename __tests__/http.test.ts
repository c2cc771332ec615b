/** The client of a refresh, where the lowest version of Axios cannot follow: HTTP/2. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import axios from 'axios';
import { installTokenRefresh } from '../src/index.js';

test('over HTTP/2 a refresh is connected as the API is, by `http2Options`', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    const isRefresh = request.url === '/refresh';
    response.statusCode = isRefresh || request.headers.authorization === 'Bearer token-2' ? 200 : 401;
    response.end(isRefresh ? '{"accessToken":"token-2"}' : '{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: ReturnType<typeof connect>[] = [];
  const createConnection = (): ReturnType<typeof connect> => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    return socket;
  };
  const instance = axios.create({
    adapter: 'http',
    // Reached by what the options tell only.
    baseURL: 'https://api.example.com',
    httpVersion: 2,
    http2Options: { createConnection },
  });
  const session = installTokenRefresh(instance, {
    tokens: 'first',
    retry: false,
    refresh: async ({ http }) => (await http.post<{ accessToken: string }>('/refresh')).data,
  });
  try {
    const { status } = await instance.get('/orders');
    expect(status).toBe(200);
    expect(seen.map((headers) => [headers[':path'], headers.authorization])).toStrictEqual([
      ['/orders', 'Bearer first'],
      ['/refresh', undefined],
      ['/orders', 'Bearer token-2'],
    ]);
  } finally {
    session.dispose();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
