/** Runs in a page: the same session over different stores, with a refresh and an API that take no time of their own. */
import axios, { type AxiosAdapter } from 'axios';
import { createTokenSession, memoryStore, type TokenSession, type TokenStore } from 'axios-token-refresh';
import { browserStore } from 'axios-token-refresh/browser';

export interface Cost {
  readonly store: string;
  /** Milliseconds, one for each refresh. */
  readonly refreshes: readonly number[];
  /** Microseconds per request with a valid token, one for each round. */
  readonly requests: readonly number[];
}

const stores: Readonly<Record<string, () => TokenStore>> = {
  'memoryStore()': memoryStore,
  'browserStore()': () => browserStore({ key: 'bench' }),
  "browserStore({ persist: 'local' })": () => browserStore({ key: 'bench-local', persist: 'local' }),
  "browserStore({ persist: 'memory' })": () => browserStore({ key: 'bench-memory', persist: 'memory' }),
};

const adapter: AxiosAdapter = async (config) => ({
  status: 200,
  statusText: '',
  headers: {},
  data: '',
  config,
  request: {},
});
// As long as an everyday JWT, and another one each time.
const tokenOf = (serial: number): string => `${String(serial).padStart(8, '0')}.${'x'.repeat(700)}`;

interface Candidate {
  readonly store: string;
  readonly session: TokenSession;
  readonly send: () => Promise<unknown>;
  readonly refreshes: number[];
  readonly requests: number[];
}

function candidate([store, make]: [string, () => TokenStore]): Candidate {
  let serial = 0;
  const session = createTokenSession({
    store: make(),
    refresh: () => ({ accessToken: tokenOf((serial += 1)), refreshToken: tokenOf(serial), expiresIn: 3_600 }),
  });
  const api = axios.create({ baseURL: 'https://api.example.com', adapter });
  session.attach(api);
  return { store, session, send: () => api.get('/orders'), refreshes: [], requests: [] };
}

// A writer of localStorage keeps others waiting for a moment: what is measured is a refresh that comes later.
const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 120));

export async function run(refreshes: number, rounds: number, requestsPerRound: number): Promise<Cost[]> {
  const candidates = Object.entries(stores).map(candidate);
  for (let index = -20; index < refreshes; index += 1) {
    await idle();
    for (const { session, refreshes: durations } of candidates) {
      const start = performance.now();
      await session.refresh();
      if (index >= 0) durations.push(performance.now() - start);
    }
  }
  for (let round = -5; round < rounds; round += 1) {
    for (const { send, requests } of candidates) {
      const start = performance.now();
      for (let index = 0; index < requestsPerRound; index += 1) await send();
      if (round >= 0) requests.push(((performance.now() - start) * 1_000) / requestsPerRound);
    }
  }
  for (const { session } of candidates) session.dispose();
  return candidates.map(({ store, refreshes, requests }) => ({ store, refreshes, requests }));
}

Object.assign(globalThis, { run });
