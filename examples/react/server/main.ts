/**
 * Builds the example with Vite, serves it with its back end on loopback, and prints the address.
 *
 *     npm run demo:react
 *     npm run demo:react -- --port 8080 --token-life 40
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { createBackEnd } from './back-end.js';
import { createPages } from './pages.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    /** Seconds. */
    'token-life': { type: 'string', default: '300' },
  },
});
const accessTokenSeconds = Number(values['token-life']);
if (!(accessTokenSeconds >= 5)) throw new TypeError('--token-life takes a number of seconds, at least 5');

// Also where a run of tests has set another: users get React's production build.
process.env['NODE_ENV'] = 'production';
const root = fileURLToPath(new URL('..', import.meta.url));
const outDir = await mkdtemp(join(tmpdir(), 'axios-token-refresh-react-'));
await build({ root, configFile: false, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
const pages = createPages(outDir);
await rm(outDir, { recursive: true });

const backEnd = createBackEnd({ accessTokenSeconds });
const server = createServer((request, response) => {
  if (!backEnd(request, response)) pages(request, response);
});
await once(server.listen(Number(values.port), '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;
console.log(`The React example: http://127.0.0.1:${port}`);
console.log('Sign in as alice (wonderland) or bob (builder). Ctrl+C ends it.');
