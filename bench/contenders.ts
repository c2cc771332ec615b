/** The instances that are compared: each with its plugin, ready to send requests with a valid token. */
import axios, { type AxiosAdapter, type AxiosInstance, type CreateAxiosDefaults } from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import { applyAuthTokenInterceptor, setAuthTokens } from 'axios-jwt';
import { installTokenRefresh } from 'axios-token-refresh';
import { answer } from './api.js';

export const BARE = 'bare Axios';
export const NOISE = 'bare Axios again (noise)';
export const LIMIT = 'sync interceptor, constant header (limit)';
export const OURS = 'axios-token-refresh';
export const AUTH_REFRESH = 'axios-auth-refresh + the interceptor';
export const JWT = 'axios-jwt (memory storage)';

type Install = (instance: AxiosInstance, token: string) => void | Promise<void>;

const installers = new Map<string, Install>([
  [BARE, () => undefined],
  [NOISE, () => undefined],
  [LIMIT, installConstantHeader],
  [OURS, installOurs],
  [AUTH_REFRESH, installAuthRefresh],
  [JWT, installJwt],
]);

export const ALL = [...installers.keys()];

export async function makeInstance(name: string, defaults: CreateAxiosDefaults, token: string): Promise<AxiosInstance> {
  const install = installers.get(name);
  if (!install) throw new Error(`No contender is called ${name}`);
  const instance = axios.create(defaults);
  await install(instance, token);
  await checkHeader(instance, name === BARE || name === NOISE ? undefined : `Bearer ${token}`);
  return instance;
}

/** The plugins' types name the CommonJS half of Axios, whose types are others; the instance is the same. */
export function forCommonJs(instance: AxiosInstance): Parameters<typeof createAuthRefresh>[0] {
  return instance as unknown as Parameters<typeof createAuthRefresh>[0];
}

function installConstantHeader(instance: AxiosInstance, token: string): void {
  const value = `Bearer ${token}`;
  instance.interceptors.request.use(
    (config) => {
      config.headers.set('Authorization', value);
      return config;
    },
    null,
    { synchronous: true },
  );
}

function installOurs(instance: AxiosInstance, token: string): void {
  installTokenRefresh(instance, { tokens: token, refresh: refuseToRefresh });
}

function installAuthRefresh(instance: AxiosInstance, token: string): void {
  installConstantHeader(instance, token);
  createAuthRefresh(forCommonJs(instance), async () => refuseToRefresh());
}

async function installJwt(instance: AxiosInstance, token: string): Promise<void> {
  applyAuthTokenInterceptor(forCommonJs(instance), {
    requestRefresh: async () => refuseToRefresh(),
    getStorage: memoryStorage,
  });
  await setAuthTokens({ accessToken: token, refreshToken: 'refresh-token' });
}

export function memoryStorage(): ReturnType<typeof storageOf> {
  return storageOf(new Map());
}

function storageOf(values: Map<string, string>) {
  return {
    get: async (key: string): Promise<string | null> => values.get(key) ?? null,
    set: async (key: string, value: string): Promise<void> => void values.set(key, value),
    remove: async (key: string): Promise<void> => void values.delete(key),
  };
}

function refuseToRefresh(): never {
  throw new Error('Nothing is due: a refresh here would spoil the measurement');
}

/** A contender that forgets the token would look fast. */
async function checkHeader(instance: AxiosInstance, expected: string | undefined): Promise<void> {
  let sent: unknown;
  const adapter: AxiosAdapter = async (config) => {
    sent = config.headers.get('Authorization') ?? undefined;
    return answer(config, 200);
  };
  await instance.get('/items/1', { adapter });
  if (sent !== expected) throw new Error(`Expected the header ${String(expected)}, got ${String(sent)}`);
}
