/** Where the refresh token of a proxied refresh may go, over every adapter that an application may have chosen. */
import { afterEach, expect, test } from '@jest/globals';
import axios from 'axios';
import { createRefreshProxy } from '../../src/server/index.js';
import { startServer } from '../support/server.js';

const { adapter: before = 'http' } = axios.defaults;
afterEach(() => {
  axios.defaults.adapter = before;
});

test.each(['http', 'fetch'] as const)(
  'G23 a third party that redirects is not followed: adapter %s',
  async (adapter) => {
    axios.defaults.adapter = adapter;
    const elsewhere = await startServer(() => ({ body: { accessToken: 'token-of-somebody-else' } }));
    const headers = { location: `${elsewhere.url}/token` };
    const upstream = await startServer(() => ({ status: 307, headers }));
    const refresh = createRefreshProxy({ upstreamUrl: `${upstream.url}/token` });
    const body = JSON.stringify({ refreshToken: 'upstream-refresh-token' });
    const type = { 'Content-Type': 'application/json' };
    const answer = await refresh(new Request('http://localhost/', { method: 'POST', headers: type, body }));
    expect(answer.status).toBe(502);
    expect(elsewhere.seen).toStrictEqual([]);
    expect(upstream.seen).toHaveLength(1);
    await Promise.all([upstream.close(), elsewhere.close()]);
  },
);
