/** An application with its own process: Express, a refresh endpoint, a guarded API. Started by `app.ts`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import {
  createRefreshEndpoint,
  requireAccessToken,
  toExpress,
  type AuthenticatedRequest,
} from '../../../src/server/index.js';
import type { AppInput, AppRequest, RaceOutcome } from './app.js';
import { inPostgres, inSqlite } from './stores.js';

const { place, key, port, accessTokenTtlMs, graceMs } = JSON.parse(process.argv[2] ?? '') as AppInput;
const { store } = place.startsWith('postgres:') ? await inPostgres(place) : await inSqlite(place)();
let dieAfterCommit = false;

const endpoint = createRefreshEndpoint({
  store,
  accessTokens: { issuer: 'https://auth.test', audience: 'https://api.test', keys: [key], ttlMs: accessTokenTtlMs },
  graceMs,
  limits: { byIp: false, byFamily: false },
  // Told of a refresh after its transaction was committed, and before it is answered.
  audit: ({ event }) => {
    if (dieAfterCommit && event === 'refreshed') process.kill(process.pid, 'SIGKILL');
  },
});

const app = express();
app.use(express.json());
app.post('/sign-in', async (request, response) => {
  const { subject } = request.body as { subject: string };
  const { body, headers } = await endpoint.startSession({ subject, context: { plan: 'pro' } });
  response.set(headers).json(body);
});
app.post('/auth/refresh-token', toExpress(endpoint.refresh));
app.post('/auth/sign-out', toExpress(endpoint.signOut));
app.get('/jwks.json', toExpress(endpoint.jwks));
app.get('/me', requireAccessToken(endpoint), (request: AuthenticatedRequest, response: express.Response) => {
  response.json({ subject: request.auth?.subject, context: request.auth?.context });
});

/** So many refreshes of one token at once, past HTTP: as close together as a process can. */
async function race({ token, count }: Extract<AppRequest, { action: 'race' }>): Promise<RaceOutcome[]> {
  const one = async (): Promise<RaceOutcome> => {
    const request = new Request('http://localhost/', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ refreshToken: token }),
    });
    const response = await endpoint.refresh(request);
    const body = (await response.json()) as { refreshToken?: string; error?: { code: string } };
    return { refreshToken: body.refreshToken, code: body.error?.code };
  };
  return Promise.all(Array.from({ length: count }, one));
}

process.on('message', (request: AppRequest) => {
  if (request.action === 'die-after-commit') {
    dieAfterCommit = true;
    process.send?.({ armed: true });
  } else {
    void race(request).then((outcomes) => process.send?.({ outcomes }));
  }
});
process.on('disconnect', () => process.exit());

const server = createServer(app);
await once(server.listen(port, '127.0.0.1'), 'listening');
process.send?.({ port: (server.address() as AddressInfo).port });
