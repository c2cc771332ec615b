/** What runs in a tab: an app that uses the built package. The tests call it as `app`. */
import axios, { isAxiosError } from 'axios';
import {
  createTokenSession,
  isTokenError,
  type TokenEvent,
  type TokenSession,
  type TokenSet,
} from 'axios-token-refresh';
import { stores, type StoreName } from './stores.js';

export interface Settings {
  readonly api: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly store: StoreName;
  readonly key: string;
  /** @default 5000 */
  readonly attemptTimeoutMs?: number;
  /** The refresh credential is a cookie. */
  readonly cookie?: boolean;
}

export interface Answer {
  readonly status: number | undefined;
  /** Whose request the API took it for. */
  readonly subject: string | undefined;
  /** Code of the `TokenError`, if there was one. */
  readonly code: string | undefined;
}

/** Events worth a look from outside. */
export interface Told {
  readonly type: string;
  readonly action?: string;
  readonly code?: string | undefined;
  readonly name?: string;
  readonly adopted?: boolean;
}

export interface Page {
  readonly events: Told[];
  status(): string;
  generation(): number;
  /** The token that is in hand, as the tests' own secret. */
  token(): Promise<string>;
  signIn(tokens: TokenSet): Promise<void>;
  signOut(): Promise<void>;
  refresh(): Promise<void>;
  /** Lets the next refresh hang before it asks the server; resolves when it does. */
  stall(): Promise<void>;
  /** Sends requests at once. */
  send(count: number, at?: number): Promise<Answer[]>;
  /** What all databases and storages of this origin hold, as text. */
  stored(): Promise<string>;
  dispose(): void;
}

const settings = JSON.parse(document.body.dataset['settings'] ?? '') as Settings;
const api = axios.create({ baseURL: settings.api, withCredentials: settings.cookie === true });
const events: Told[] = [];
let stalled: (() => void) | undefined;

const session: TokenSession = createTokenSession({
  store: stores[settings.store](settings.key),
  retry: { attemptTimeoutMs: settings.attemptTimeoutMs ?? 5_000 },
  whenMissing: settings.cookie ? 'refresh' : 'reject',
  async refresh({ tokens, http, signal }) {
    if (stalled) {
      stalled();
      await new Promise(() => undefined);
    }
    if (settings.cookie) return (await http.post<TokenSet>('/session', undefined, { signal })).data;
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: settings.clientId,
      refresh_token: tokens?.refreshToken ?? '',
    });
    const { data } = await http.post<Record<'access_token' | 'refresh_token', string>>(settings.tokenEndpoint, form, {
      signal,
    });
    return { accessToken: data.access_token, refreshToken: data.refresh_token };
  },
});
session.on('event', (event: TokenEvent) => {
  const { type } = event;
  if (type === 'store.failed') {
    const { code, name } = event.error;
    events.push({ type, action: event.action, code, name });
  } else events.push(type === 'refresh.succeeded' ? { type, adopted: event.adopted } : { type });
});
session.attach(api);

async function answerOf(sent: Promise<{ status: number; data: { sub?: string } }>): Promise<Answer> {
  try {
    const { status, data } = await sent;
    return { status, subject: data.sub, code: undefined };
  } catch (error) {
    const reason: unknown = isAxiosError(error) ? error.cause : error;
    const status = isAxiosError(error) ? error.response?.status : undefined;
    return { status, subject: undefined, code: isTokenError(reason) ? reason.code : String(error) };
  }
}

async function databases(): Promise<unknown[]> {
  const all = await indexedDB.databases();
  return Promise.all(all.map(({ name = '' }) => contents(name)));
}

function contents(name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name);
    opening.onerror = () => reject(new Error(`cannot open ${name}`));
    opening.onsuccess = () => {
      const reading = opening.result.transaction('sessions').objectStore('sessions').getAll();
      reading.onsuccess = () => {
        opening.result.close();
        resolve(reading.result);
      };
    };
  });
}

const page: Page = {
  events,
  status: () => session.status,
  generation: () => session.getSnapshot().generation,
  token: () => session.getAccessToken(),
  signIn: (tokens) => session.setTokens(tokens),
  signOut: () => session.signOut(),
  refresh: async () => {
    await session.refresh();
  },
  stall: () =>
    new Promise((resolve) => {
      stalled = resolve;
    }),
  async send(count, at = 0) {
    const delayMs = at - Date.now();
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return Promise.all(Array.from({ length: count }, () => answerOf(api.get('/me'))));
  },
  stored: async () => JSON.stringify([await databases(), Object.entries(localStorage), Object.entries(sessionStorage)]),
  dispose: () => session.dispose(),
};
await session.ready;
Object.assign(window, { app: page });
