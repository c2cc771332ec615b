/** A refresh endpoint on a clock that a test moves, and what its callers send. */
import {
  createRefreshEndpoint,
  generateSigningKey,
  memoryRefreshStore,
  type AuditRecord,
  type AuthErrorBody,
  type Connection,
  type Handler,
  type RefreshEndpoint,
  type RefreshEndpointOptions,
  type SigningKey,
  type StartSession,
  type Suspicion,
} from '../../../src/server/index.js';

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

let shared: Promise<SigningKey> | undefined;
/** One key for all tests: making one takes time. */
export const signingKey = (): Promise<SigningKey> => (shared ??= generateSigningKey());

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Partial<Record<'accessToken' | 'refreshToken', string>> & {
    readonly expiresIn?: number;
    readonly error?: AuthErrorBody['error'];
  };
  /** `error.code`, or the status of a yes. */
  readonly outcome: string | number;
}

export interface Sent {
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly connection?: Connection;
}

export interface Stage {
  readonly endpoint: RefreshEndpoint;
  readonly clock: { now(): number; advance(ms: number): void };
  readonly told: AuditRecord[];
  readonly suspicions: Suspicion[];
  readonly faults: unknown[];
  readonly key: SigningKey;
  signIn(session?: Partial<StartSession>): Promise<{ accessToken: string; refreshToken: string; sessionId: string }>;
  refresh(refreshToken: unknown, sent?: Sent): Promise<Answer>;
  signOut(refreshToken: unknown, sent?: Sent): Promise<Answer>;
  events(): string[];
}

export async function send(handler: Handler, body: unknown, sent: Sent = {}): Promise<Answer> {
  const { headers = {}, method = 'POST', connection } = sent;
  const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : encoded(body);
  const request = new Request('http://localhost/auth/refresh-token', {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(method !== 'GET' && bytes !== undefined && { body: bytes as BodyInit }),
  });
  return read(await handler(request, connection));
}

const encoded = (body: unknown): string | undefined => (body === undefined ? undefined : JSON.stringify(body));

export async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as Answer['body'];
  return { status: response.status, headers: response.headers, body, outcome: body.error?.code ?? response.status };
}

export async function stage(options: Partial<RefreshEndpointOptions> = {}): Promise<Stage> {
  let now = Date.UTC(2026, 0, 5, 12);
  const clock = { now: () => now, advance: (ms: number) => void (now += ms) };
  const told: AuditRecord[] = [];
  const suspicions: Suspicion[] = [];
  const faults: unknown[] = [];
  const key = await signingKey();
  const endpoint = createRefreshEndpoint({
    store: memoryRefreshStore(),
    accessTokens: { issuer: 'https://auth.test', audience: 'https://api.test', keys: [key] },
    audit: (record) => told.push(record),
    suspicion: { report: (suspicion) => suspicions.push(suspicion) },
    onFault: (error) => faults.push(error),
    limits: { byIp: false, byFamily: false },
    clock,
    ...options,
  });
  return {
    endpoint,
    clock,
    told,
    suspicions,
    faults,
    key,
    async signIn(session = {}) {
      const { body, sessionId } = await endpoint.startSession({ subject: 'ada', ...session });
      return { accessToken: body.accessToken, refreshToken: body.refreshToken ?? '', sessionId };
    },
    refresh: (refreshToken, sent) => send(endpoint.refresh, { refreshToken }, sent),
    signOut: (refreshToken, sent) => send(endpoint.signOut, { refreshToken }, sent),
    events: () => told.map(({ event }) => event),
  };
}
