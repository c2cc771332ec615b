/** Section `refreshes`: how many refreshes a burst of 401s costs, and how many requests it loses. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import axios, { type AxiosInstance } from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import { applyAuthTokenInterceptor, setAuthTokens } from 'axios-jwt';
import { installTokenRefresh } from 'axios-token-refresh';
import { makeApi } from './api.js';
import { forCommonJs, memoryStorage } from './contenders.js';
import { table } from './table.js';
import { makeToken } from './token.js';

const CONCURRENT = 1_000;
const STAGGERED = 5;
const REFRESH_MS = 20;

type Refresh = () => Promise<string>;
type Install = (instance: AxiosInstance, refusedToken: string, refresh: Refresh) => void | Promise<void>;

const installers = new Map<string, Install>([
  ['axios-token-refresh', installOurs],
  ['axios-auth-refresh', (...given) => installAuthRefresh(true, ...given)],
  ['axios-auth-refresh, deduplicateRefresh: false', (...given) => installAuthRefresh(false, ...given)],
  ['axios-jwt (has no 401 path)', installJwt],
]);

export async function refreshes(): Promise<string> {
  const header = ['variant', 'refreshes', 'requests answered', 'requests failed', 'sent in all'];
  const concurrent: string[][] = [];
  const staggered: string[][] = [];
  for (const [name, install] of installers) {
    concurrent.push([name, ...(await burst(install))]);
    staggered.push([name, ...(await stagger(install))]);
  }
  return [
    `${CONCURRENT} concurrent 401s, all before the refresh has ended\n\n${table(header, concurrent)}`,
    `${STAGGERED} staggered 401s, each after the request before it has ended\n\n${table(header, staggered)}`,
  ].join('\n\n');
}

async function burst(install: Install): Promise<string[]> {
  const api = makeApi(() => setImmediate());
  const instance = await prepare(install, api);
  const outcomes = await Promise.allSettled(Array.from({ length: CONCURRENT }, () => instance.get('/items/1')));
  return summary(api, outcomes);
}

/** All are sent with the old token, then their 401s arrive one by one. */
async function stagger(install: Install): Promise<string[]> {
  const arrivals: (() => void)[] = [];
  // Only the first answers are held: a 401 for a replay comes at once.
  const api = makeApi((accepted) =>
    accepted || arrivals.length === STAGGERED ? Promise.resolve() : new Promise((resolve) => arrivals.push(resolve)),
  );
  const instance = await prepare(install, api);
  const requests = Array.from({ length: STAGGERED }, () => instance.get('/items/1'));
  const ended = requests.map((request) => Promise.allSettled([request]));
  while (arrivals.length < STAGGERED) await setImmediate();
  for (const [index, arrive] of arrivals.entries()) {
    arrive();
    await ended[index];
  }
  return summary(api, await Promise.allSettled(requests));
}

async function prepare(install: Install, api: ReturnType<typeof makeApi>): Promise<AxiosInstance> {
  const instance = axios.create({ baseURL: 'https://api.example.com', adapter: api.adapter });
  await install(instance, makeToken(3600), async () => {
    await setTimeout(REFRESH_MS);
    return api.refresh();
  });
  return instance;
}

function summary(api: ReturnType<typeof makeApi>, outcomes: readonly PromiseSettledResult<unknown>[]): string[] {
  const answered = outcomes.filter(({ status }) => status === 'fulfilled').length;
  return [api.refreshes, answered, outcomes.length - answered, api.requests].map(String);
}

function installOurs(instance: AxiosInstance, refusedToken: string, refresh: Refresh): void {
  installTokenRefresh(instance, { tokens: { accessToken: refusedToken, refreshToken: 'refresh-token' }, refresh });
}

function installAuthRefresh(
  deduplicateRefresh: boolean,
  instance: AxiosInstance,
  refusedToken: string,
  refresh: Refresh,
): void {
  let token = refusedToken;
  instance.interceptors.request.use((config) => {
    config.headers.set('Authorization', `Bearer ${token}`);
    return config;
  });
  const refreshCall = async (): Promise<void> => {
    token = await refresh();
  };
  createAuthRefresh(forCommonJs(instance), refreshCall, { deduplicateRefresh });
}

async function installJwt(instance: AxiosInstance, refusedToken: string, refresh: Refresh): Promise<void> {
  applyAuthTokenInterceptor(forCommonJs(instance), { requestRefresh: refresh, getStorage: memoryStorage });
  await setAuthTokens({ accessToken: refusedToken, refreshToken: 'refresh-token' });
}
