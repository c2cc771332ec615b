/** Plays one fault: an Axios instance with the plugin sends requests steadily, and everything is counted. */
import axios, { type AxiosInstance } from 'axios';
import { installTokenRefresh, isTokenError, type TokenEventType } from '../../src/index.js';
import { startOrdersApi, type Order } from './api.js';
import { Authority } from './authority.js';
import { playedMs, signInMs, type Fault, type Table } from './faults.js';
import { user } from './misbehaviours.js';
import { startTime, type Ticker, type Time } from './time.js';
import { startTokenEndpoint } from './token-endpoint.js';

export const adapters = ['http', 'fetch'] as const;
export type AdapterName = (typeof adapters)[number];

export interface Figures {
  readonly sent: number;
  /** Requests that failed, by the code of their error. */
  readonly failed: ReadonlyMap<string, number>;
  /** Requests of the last tenth of the time that failed. */
  readonly failedAtLast: number;
  /** Answers that were somebody else's, or not to what was asked. */
  readonly wrong: number;
  /** Requests that reached the API as somebody else's. */
  readonly strangers: number;
  /** Requests that reached the API with a token that had long been dead. */
  readonly dead: number;
  /** Calls of the refresh callback. */
  readonly attempts: number;
  /** Events of the session, by name. */
  readonly events: ReadonlyMap<string, number>;
  /** Times that the server saw a spent refresh token. */
  readonly reuses: number;
  /** Requests to the token endpoint that met the fault. */
  readonly met: number;
}

export async function play(
  fault: Fault,
  table: Table,
  adapter: AdapterName,
  ticker: Ticker,
  requests: number,
): Promise<Figures> {
  const { does, forgiving = false, dates = true, clockError = () => 0 } = fault;
  const { lastsMs, rounds } = table;
  const time = startTime(ticker);
  const authority = new Authority(time, forgiving);
  const schedule = does && { does, lastsMs, rounds };
  const endpoint = await startTokenEndpoint({ authority, time, schedule, dates });
  const api = await startOrdersApi({ authority, time, user, fault: fault.api });
  const instance = axios.create({ baseURL: api.url, adapter, timeout: 30_000 });
  const tokens = authority.signIn(user);
  const events = new Map<string, number>();
  let attempts = 0;
  let over = false;
  const session = installTokenRefresh(instance, {
    ...fault.options,
    tokens,
    clock: time.clock(clockError),
    async refresh({ tokens, http }) {
      attempts += 1;
      const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: tokens?.refreshToken ?? '' });
      const { data } = await http.post<Record<string, string>>(endpoint.url, body);
      return { accessToken: data['access_token'] ?? '', refreshToken: data['refresh_token'] };
    },
  });
  session.on('event', ({ type }) => count(events, type));
  session.on('session.expired', async () => {
    await time.pause(signInMs);
    if (!over) await session.setTokens(authority.signIn(user));
  });
  try {
    const traffic = await send(instance, time, requests);
    return {
      ...traffic,
      strangers: api.strangers,
      dead: api.dead,
      attempts,
      events,
      reuses: authority.reuses,
      met: endpoint.met,
    };
  } finally {
    over = true;
    session.dispose();
    await Promise.all([endpoint.close(), api.close()]);
  }
}

type Traffic = Pick<Figures, 'sent' | 'failed' | 'failedAtLast' | 'wrong'>;

/** Evenly over the time that is played. Resolves when the last request has been answered. */
async function send(instance: AxiosInstance, time: Time, requests: number): Promise<Traffic> {
  const failed = new Map<string, number>();
  let failedAtLast = 0;
  let wrong = 0;
  const one = async (index: number): Promise<void> => {
    const url = `/orders/${index}`;
    const note = index % 2 === 0 ? '' : JSON.stringify({ note: index });
    try {
      const { data } = await instance.request<Order>({ url, ...(note && { method: 'post', data: { note: index } }) });
      if (data.subject !== user || data.order !== url || data.note !== note) wrong += 1;
    } catch (error) {
      count(failed, codeOf(error));
      if (index >= requests * 0.9) failedAtLast += 1;
    }
  };
  const start = time.elapsed();
  const all: Promise<void>[] = [];
  for (let index = 0; index < requests; index += 1) {
    await time.pause(start + (index * playedMs) / requests - time.elapsed());
    all.push(one(index));
  }
  await Promise.all(all);
  return { sent: requests, failed, failedAtLast, wrong };
}

/** `401`, the code of a `TokenError`, or both: `401 (AUTH_TOKEN_REJECTED)`. */
function codeOf(error: unknown): string {
  if (isTokenError(error)) return error.code;
  if (!axios.isAxiosError(error)) return String(error);
  const code = String(error.response?.status ?? error.code);
  return isTokenError(error.cause) ? `${code} (${error.cause.code})` : code;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

export function eventCount({ events }: Figures, type: TokenEventType): number {
  return events.get(type) ?? 0;
}

export function failures({ failed }: Figures): number {
  return [...failed.values()].reduce((sum, each) => sum + each, 0);
}
