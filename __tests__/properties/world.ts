/** An Axios instance with a session on it, an API and a refresh callback that a test steers, on a clock of its own. */
import type { AxiosInstance } from 'axios';
import { installTokenRefresh } from '../../src/index.js';
import type {
  RefreshContext,
  TokenEvent,
  TokenEventType,
  TokenSession,
  TokenSessionOptions,
  TokenSet,
} from '../../src/index.js';
import { fakeApi, type FakeApi } from '../support/api.fake.js';
import { fakeClock, settle, type FakeClock } from '../support/clock.js';
import { tokenFor } from '../support/jwt.js';

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** One call of the refresh callback. */
export interface Call {
  readonly context: RefreshContext;
  /** When it was made, by the wall clock. */
  readonly at: number;
  /** Ends a call that is left open; by default with a new token. */
  readonly answer: (tokens?: TokenSet | string) => void;
  readonly fail: (error: unknown) => void;
}

export interface World {
  readonly clock: FakeClock;
  readonly api: FakeApi;
  readonly instance: AxiosInstance;
  readonly session: TokenSession;
  /** Calls of the refresh callback, in order. */
  readonly calls: Call[];
  readonly events: TokenEvent[];
  /** A token issued now. */
  readonly issue: (ttlSeconds?: number, claims?: Record<string, unknown>) => string;
  readonly told: <T extends TokenEventType>(type: T) => TokenEvent<T>[];
  /** The access tokens that reached the API, in order. */
  readonly sent: () => (string | undefined)[];
}

export interface WorldOptions extends Omit<Partial<TokenSessionOptions>, 'refresh' | 'tokens' | 'clock'> {
  /** A clock that several worlds share. */
  readonly clock?: FakeClock;
  /** `'open'`: every call stays open until the test ends it. By default each one answers at once with a new token. */
  readonly refresh?: 'open' | ((context: RefreshContext, world: Pick<World, 'clock' | 'issue'>) => unknown);
  /** By default a token issued now; `null` for none. */
  readonly tokens?: TokenSet | string | null | ((world: Pick<World, 'clock' | 'issue'>) => TokenSet | string);
  /** Lifetime of the tokens issued. */
  readonly ttlSeconds?: number;
  /** What an app does to its instance before the session is installed. */
  readonly before?: ((instance: AxiosInstance, clock: FakeClock) => void) | undefined;
}

export function world(given: WorldOptions = {}): World {
  const { refresh, tokens, ttlSeconds = 3_600, before, clock = fakeClock(), ...options } = given;
  const api = fakeApi();
  const calls: Call[] = [];
  const events: TokenEvent[] = [];
  const issue = (ttl = ttlSeconds, claims: Record<string, unknown> = {}): string => tokenFor(clock, ttl, claims);
  const basis = { clock, issue };
  before?.(api.instance, clock);
  const seed = typeof tokens === 'function' ? tokens(basis) : tokens === undefined ? issue() : tokens;
  const session = installTokenRefresh(api.instance, {
    ...options,
    clock,
    ...(seed !== null && { tokens: seed }),
    refresh: (context) =>
      new Promise((resolve, reject) => {
        const call: Call = {
          context,
          at: clock.now(),
          answer: (answer = issue()) => {
            resolve(answer);
          },
          fail: reject,
        };
        calls.push(call);
        if (refresh === undefined) call.answer();
        // What the callback throws or returns is the test's business, nonsense included.
        else if (refresh !== 'open') resolve(refresh(context, basis) as TokenSet);
      }),
  });
  session.on('event', (event) => {
    events.push(event);
  });
  return {
    clock,
    api,
    instance: api.instance,
    session,
    calls,
    events,
    issue,
    told: <T extends TokenEventType>(type: T) => events.filter((event) => event.type === type) as TokenEvent<T>[],
    sent: () => api.seen.map(({ token }) => token),
  };
}

/** A promise that can be asked how it stands; its rejection counts as handled. */
export class Watched<T> {
  state: 'pending' | 'resolved' | 'rejected' = 'pending';
  value: T | undefined;
  error: unknown;

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.state = 'resolved';
        this.value = value;
      },
      (error: unknown) => {
        this.state = 'rejected';
        this.error = error;
      },
    );
  }
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  return new Watched(promise);
}

/** How each of several requests stands. */
export function states(watched: readonly Watched<unknown>[]): string[] {
  return watched.map(({ state }) => state);
}

/** An entry that must be there. */
export function nth<T>(list: readonly T[], index: number): T {
  const entry = list.at(index);
  if (entry === undefined) throw new Error(`There is no entry ${String(index)} of ${String(list.length)}.`);
  return entry;
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Time that a server or an app takes. It holds no process: that is asked of our own timers. */
export function pause(clock: FakeClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(resolve, ms) as { unref: () => void };
    timer.unref();
  });
}

/** Nothing answers at the server's address: the request never reached it. */
export function unreachable(): Error {
  return Object.assign(new Error('connect ECONNREFUSED 192.0.2.1:443'), { code: 'ECONNREFUSED' });
}

/** The connection broke before the answer: the request may have reached the server. */
export function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}

/** An answer other than 2xx. */
export function answered(status: number, headers: Record<string, string> = {}, data: unknown = ''): Error {
  return Object.assign(new Error(`Request failed with status code ${String(status)}`), {
    response: { status, headers, data },
  });
}

/** The refresh token is no good any more. */
export function refused(): Error {
  return answered(400, {}, { error: 'invalid_grant' });
}

export { settle };
