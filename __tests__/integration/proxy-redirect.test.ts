/** A third party that redirects the proxy's call: the refresh token goes nowhere else (every Axios, every adapter). */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import axios from 'axios';
import { createRefreshProxy } from '../../src/server/index.js';

const servers: Server[] = [];
const { adapter: ownAdapter } = axios.defaults;
afterEach(() => {
  Object.assign(axios.defaults, { adapter: ownAdapter });
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

test.each(['http', 'fetch'])('the %s adapter takes no refresh token along a redirect', async (adapter) => {
  const reached: (string | undefined)[] = [];
  const elsewhere = await listen((request, response) => {
    reached.push(request.url);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ accessToken: 'planted-access-token' }));
  });
  const upstreamUrl = await listen((_request, response) => {
    response.writeHead(307, { location: `${elsewhere}/planted` }).end();
  });
  Object.assign(axios.defaults, { adapter });
  const answer = await createRefreshProxy({ upstreamUrl })(
    new Request('https://app.example.com/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refreshToken: 'canary-refresh-token' }),
    }),
  );
  expect(reached).toEqual([]);
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ error: { code: 'AUTH_TOKEN_REFRESH_FAILED' } });
});
