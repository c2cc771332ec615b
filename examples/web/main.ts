/**
 * The live demo: an API with our refresh endpoint, a page on another origin, and the address to open.
 *
 *     npm run demo:web
 *     npm run demo:web -- --port 8080 --token-life 60
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createApi } from './server/api.js';
import { createSite } from './server/site.js';

const { values } = parseArgs({
  options: {
    /** Of the page; the API takes a free one. */
    port: { type: 'string', default: '0' },
    /** Seconds. */
    'token-life': { type: 'string', default: '20' },
  },
});
const tokenLife = Number(values['token-life']);
if (!(tokenLife >= 5)) throw new TypeError('--token-life takes a number of seconds, at least 5');

// Each has to know the other's address before it can answer.
const [pages, api] = await Promise.all([listen(Number(values.port)), listen(0)]);
const [pageUrl, apiUrl] = [originOf(pages), originOf(api)];
answer(api, await createApi({ url: apiUrl, pageUrl, tokenLifeMs: tokenLife * 1_000 }));
answer(pages, await createSite(apiUrl));
console.log(`The demo: ${pageUrl}`);
console.log(`Its API: ${apiUrl}, access tokens live ${tokenLife} s. Ctrl+C ends both.`);

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return server;
}

function answer(server: Server, listener: RequestListener): void {
  server.on('request', listener);
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
