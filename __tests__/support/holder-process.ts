/** A process that holds a session of the place in Redis, and does as it is told. Ends by itself after `leave`. */
import axios, { type AxiosInstance } from 'axios';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { installTokenRefresh, memoryStore, type Clock, type TokenSession, type TokenStore } from '../../src/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import type { FromHolder, Joining, Order, Report, ToHolder } from './holder-protocol.js';

const told: Record<string, number> = {};
const failed: Record<string, number> = {};
const refreshMs: number[] = [];
let answered = 0;
let aheadMs = 0;
let session: TokenSession | undefined;
let api: AxiosInstance | undefined;
let closeClient = (): void => undefined;

const count = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};
const tell = (message: FromHolder): unknown => process.send?.(message);
const clock: Clock = {
  now: () => Date.now() + aheadMs,
  monotonic: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

async function storeFor({ redisUrl, key, client, store, without }: Joining): Promise<TokenStore> {
  if (store === 'alone') return memoryStore();
  const options = { key, clock };
  const ignore = (): void => undefined;
  let made: TokenStore;
  if (client === 'ioredis') {
    const ioredis = new Redis(redisUrl).on('error', ignore);
    closeClient = () => ioredis.disconnect();
    made = redisStore(ioredis, options);
  } else {
    const nodeRedis = createClient({ url: redisUrl }).on('error', ignore);
    await nodeRedis.connect();
    closeClient = () => nodeRedis.destroy();
    made = redisStore(nodeRedis, options);
  }
  return Object.fromEntries(Object.entries(made).filter(([name]) => !without.includes(name as 'replace'))) as never;
}

async function join(joining: Joining): Promise<void> {
  const { tokenEndpoint, clientId, apiUrl, hesitateMs } = joining;
  ({ aheadMs } = joining);
  api = axios.create({ baseURL: apiUrl, timeout: 20_000 });
  session = installTokenRefresh(api, {
    clock,
    store: await storeFor(joining),
    // A request that comes early is not to start the refresh that the others' burst is to find due.
    refreshAhead: false,
    async refresh({ tokens, http, signal }) {
      tell('refreshing');
      await new Promise((resolve) => setTimeout(resolve, hesitateMs));
      const refreshToken = tokens?.refreshToken ?? '';
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: clientId,
        refresh_token: refreshToken,
      });
      const { data } = await http.post<Record<'access_token' | 'refresh_token', string>>(tokenEndpoint, form, {
        signal,
      });
      return { accessToken: data.access_token, refreshToken: data.refresh_token };
    },
  });
  session.on('event', (event) => {
    count(told, event.type === 'store.failed' ? `store.failed ${event.action}` : event.type);
    if (event.type === 'refresh.succeeded' && !event.adopted) refreshMs.push(event.durationMs);
  });
  await session.ready;
}

async function burst(requests: number): Promise<void> {
  const one = async (index: number): Promise<void> => {
    try {
      await api?.post('/orders', { index });
      answered += 1;
    } catch (error) {
      count(failed, String((error as { code?: unknown }).code));
    }
  };
  await Promise.all(Array.from({ length: requests }, (_, index) => one(index)));
}

async function follow(order: Order): Promise<void> {
  if (order.action === 'join') await join(order.joining);
  if (order.action === 'sign-in') await session?.setTokens(order.tokens);
  if (order.action === 'sign-out') await session?.signOut();
  if (order.action === 'refresh') await session?.refresh();
  if (order.action === 'burst') await burst(order.requests);
  if (order.action === 'leave') {
    session?.dispose();
    closeClient();
  }
}

function report(): Report {
  const { status, generation, expiresAt = 0 } = session?.getSnapshot() ?? { status: 'signed-out', generation: 0 };
  return { status, generation, expiresAt: expiresAt - aheadMs, told, failed, answered, refreshMs };
}

process.on('message', (order: ToHolder) => {
  follow(order).then(
    () => tell({ id: order.id, report: report() }),
    (error: unknown) => tell({ id: order.id, report: report(), error: String(error) }),
  );
});
tell('ready');
