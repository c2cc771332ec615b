/** Section `stores`: what a shared store adds to a refresh, and to a request with a valid token. */
import { spawnSync } from 'node:child_process';
import axios, { type AxiosInstance } from 'axios';
import { installTokenRefresh, memoryStore, type TokenSession, type TokenStore } from 'axios-token-refresh';
import { redisStore } from 'axios-token-refresh/redis';
import { Redis } from 'ioredis';
import { startRedis } from '../__tests__/support/redis-server.js';
import { answerAtOnce } from './api.js';
import { measure, medianWithConfidence, percentile, quartiles, ratios } from './measure.js';
import { spread, table } from './table.js';
import { makeToken } from './token.js';

interface Subject {
  readonly instance: AxiosInstance;
  readonly session: TokenSession;
}

const MEMORY = 'memoryStore';

export async function stores(quick: boolean): Promise<string> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return 'Not measured: redis-server is not installed.';
  const redis = await startRedis();
  const client = new Redis(redis.url);
  const encryptionKey = new Uint8Array(32).fill(7);
  const subjects = new Map<string, Subject>([
    [MEMORY, await subject(memoryStore())],
    ['redisStore', await subject(redisStore(client, { key: 'bench' }))],
    ['redisStore, encrypted', await subject(redisStore(client, { key: 'bench-sealed', encryptionKey }))],
  ]);
  const refreshes = await timeRefreshes(subjects, quick ? 100 : 1_000);
  const requests = await requestTable(subjects, quick);
  for (const { session } of subjects.values()) session.dispose();
  client.disconnect();
  await redis.stop();
  return `A refresh whose callback answers at once, Redis on loopback, nobody else waiting\n\n${refreshes}\n\nA request with a valid token, no-op adapter\n\n${requests}`;
}

async function subject(store: TokenStore): Promise<Subject> {
  const instance = axios.create({ baseURL: 'https://api.example.com', adapter: answerAtOnce });
  const refresh = (): { accessToken: string; refreshToken: string } => ({
    accessToken: makeToken(3_600),
    refreshToken: makeToken(3_600),
  });
  const session = installTokenRefresh(instance, { store, refresh });
  await session.ready;
  await session.setTokens(refresh());
  return { instance, session };
}

/** In turn, so that a machine that gets slower does so for all of them. */
async function timeRefreshes(subjects: ReadonlyMap<string, Subject>, rounds: number): Promise<string> {
  const samples = new Map<string, number[]>([...subjects.keys()].map((name) => [name, []]));
  for (let round = -20; round < rounds; round += 1) {
    for (const [name, { session }] of subjects) {
      const start = performance.now();
      await session.refresh();
      if (round >= 0) samples.get(name)?.push(performance.now() - start);
    }
  }
  const rows = [...samples].map(([name, times]) => [
    name,
    ...[0.5, 0.99].map((fraction) => percentile(times, fraction).toFixed(2)),
  ]);
  return table(['store', 'p50 ms', 'p99 ms'], rows);
}

async function requestTable(subjects: ReadonlyMap<string, Subject>, quick: boolean): Promise<string> {
  const variants = [...subjects].map(([name, { instance }]) => ({ name, send: () => instance.get('/items/1') }));
  const plan = { rounds: quick ? 20 : 200, requestsPerRound: 200, concurrency: 1 };
  const samples = await measure(variants, plan);
  const rows = [...samples].map(([name, costs]) => [
    name,
    spread(quartiles(costs), 1),
    spread(medianWithConfidence(ratios(costs, samples.get(MEMORY) ?? [])), 3),
  ]);
  return table(['store', 'us/request (quartiles)', `to ${MEMORY} (95 %)`], rows);
}
