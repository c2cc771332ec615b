/** Instances whose requests are held until `open()`: by a refresh that takes so long, or by the adapter. */
import axios, { type AxiosAdapter, type AxiosInstance } from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import { applyAuthTokenInterceptor, setAuthTokens } from 'axios-jwt';
import { installTokenRefresh } from 'axios-token-refresh';
import { AUTH_REFRESH, BARE, forCommonJs, JWT, memoryStorage, NOISE, OURS } from './contenders.js';
import { answer, makeApi } from './api.js';
import { makeToken } from './token.js';

export interface Held {
  readonly send: () => Promise<unknown>;
  /** Lets the refresh, or the adapter, go on. */
  readonly open: () => void;
  readonly close: () => void;
  readonly refreshes: () => number;
}

const BASE_URL = 'https://api.example.com';

export const holders = new Map<string, () => Promise<Held>>([
  [BARE, holdByAdapter],
  [NOISE, holdByAdapter],
  [OURS, holdOurs],
  [AUTH_REFRESH, holdAuthRefresh],
  [JWT, holdJwt],
]);

async function holdByAdapter(): Promise<Held> {
  const gate = makeGate();
  const adapter: AxiosAdapter = async (config) => {
    await gate.opened;
    return answer(config, 200);
  };
  return held(axios.create({ baseURL: BASE_URL, adapter }), gate.open, () => 0);
}

async function holdOurs(): Promise<Held> {
  const { instance, gate, refresh, refreshes } = makeHeldApi();
  const session = installTokenRefresh(instance, {
    tokens: { accessToken: makeToken(-60), refreshToken: 'refresh-token' },
    refresh,
    maxWaiting: 20_000,
  });
  return held(instance, gate.open, refreshes, () => session.dispose());
}

/** It refreshes after a 401 only: one request meets it first, the others then queue in its request interceptor. */
async function holdAuthRefresh(): Promise<Held> {
  const { instance, gate, refresh, refreshes } = makeHeldApi();
  let token = makeToken(3600);
  instance.interceptors.request.use((config) => {
    config.headers.set('Authorization', `Bearer ${token}`);
    return config;
  });
  const started = new Promise<void>((resolve) => {
    createAuthRefresh(forCommonJs(instance), async () => {
      resolve();
      token = await refresh();
    });
  });
  void instance.get('/items/1');
  await started;
  return held(instance, gate.open, refreshes);
}

async function holdJwt(): Promise<Held> {
  const { instance, gate, refresh, refreshes } = makeHeldApi();
  applyAuthTokenInterceptor(forCommonJs(instance), { requestRefresh: refresh, getStorage: memoryStorage });
  await setAuthTokens({ accessToken: makeToken(-60), refreshToken: 'refresh-token' });
  return held(instance, gate.open, refreshes);
}

function makeHeldApi() {
  const gate = makeGate();
  const api = makeApi();
  const refresh = async (): Promise<string> => {
    await gate.opened;
    return api.refresh();
  };
  const instance = axios.create({ baseURL: BASE_URL, adapter: api.adapter });
  return { instance, gate, refresh, refreshes: () => api.refreshes };
}

function held(instance: AxiosInstance, open: () => void, refreshes: () => number, close = (): void => undefined): Held {
  return { send: () => instance.get('/items/1'), open, close, refreshes };
}

function makeGate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
