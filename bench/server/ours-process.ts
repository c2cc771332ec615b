/** Our endpoint on Node's own server, with rate limits off and everything else as it comes. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createRefreshEndpoint,
  generateSigningKey,
  memoryRefreshStore,
  sqlRefreshStore,
  toNodeHandler,
  type RefreshStore,
} from 'axios-token-refresh/server';
import type { ContenderInput, Ready } from './contender.js';
import { openPlace } from './place.js';

const { storage, place, sessions } = JSON.parse(process.argv[2] ?? '') as ContenderInput;

async function openStore(): Promise<RefreshStore> {
  if (storage === 'memory') return memoryRefreshStore();
  const store = sqlRefreshStore(openPlace(place));
  await store.migrate();
  return store;
}

const endpoint = createRefreshEndpoint({
  store: await openStore(),
  accessTokens: { issuer: 'https://auth.test', audience: 'https://api.test', keys: [await generateSigningKey()] },
  limits: { byIp: false, byFamily: false },
});
const tokens: string[] = [];
for (let index = 0; index < sessions; index += 1) {
  const { body } = await endpoint.startSession({ subject: `user-${index}` });
  tokens.push(body.refreshToken ?? '');
}
const server = createServer(toNodeHandler(endpoint.refresh));
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;
process.on('disconnect', () => process.exit());
process.send?.({ url: `http://127.0.0.1:${port}/auth/refresh-token`, tokens } satisfies Ready);
