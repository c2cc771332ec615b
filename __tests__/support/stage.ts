/** A session on an Axios instance whose API, clock and refresh callback are in the test's hands. */
import { createTokenSession, installTokenRefresh } from '../../src/index.js';
import type { RefreshContext, TokenEvent, TokenSession, TokenSessionOptions } from '../../src/index.js';
import { fakeApi, type FakeApi } from './api.fake.js';
import { fakeClock, type FakeClock } from './clock.js';
import { tokenFor } from './jwt.js';

/** Called as the user's callback is; what it returns or throws reaches the session as it is, nonsense included. */
export type Refresh = (context: RefreshContext, stage: Pick<Stage, 'clock' | 'issue'>) => unknown;

export interface Stage {
  readonly clock: FakeClock;
  readonly api: FakeApi;
  readonly session: TokenSession;
  /** What the refresh callback was called with. */
  readonly calls: RefreshContext[];
  readonly events: TokenEvent[];
  /** A token issued now, for one hour if nothing else is said. */
  issue(ttlSeconds?: number, claims?: Record<string, unknown>): string;
  types(): string[];
}

type Options = Partial<Omit<TokenSessionOptions, 'refresh' | 'clock'>>;

/** By default the callback answers at once with a token issued now, and nobody is signed in. */
export function stage(
  given: (basis: Pick<Stage, 'clock' | 'issue'>) => Options = () => ({}),
  refresh?: Refresh,
): Stage {
  const clock = fakeClock();
  const issue = (ttlSeconds = 3_600, claims: Record<string, unknown> = {}): string =>
    tokenFor(clock, ttlSeconds, claims);
  const api = fakeApi();
  const calls: RefreshContext[] = [];
  const events: TokenEvent[] = [];
  const session = installTokenRefresh(api.instance, {
    ...given({ clock, issue }),
    clock,
    refresh: (context) => {
      calls.push(context);
      return refresh ? (refresh(context, { clock, issue }) as string) : issue();
    },
  });
  session.on('event', (event) => {
    events.push(event);
  });
  return { clock, api, session, calls, events, issue, types: () => events.map(({ type }) => type) };
}

/** A session without an instance. */
export function lone(options: Partial<TokenSessionOptions> = {}): TokenSession {
  return createTokenSession({ refresh: () => 'renewed', ...options });
}

/** A promise that can be asked how it stands. Its rejection counts as handled. */
export interface Followed<T> {
  state: 'pending' | 'resolved' | 'rejected';
  value: T | undefined;
  error: unknown;
}

export function follow<T>(promise: Promise<T>): Followed<T> {
  const followed: Followed<T> = { state: 'pending', value: undefined, error: undefined };
  promise.then(
    (value) => Object.assign(followed, { state: 'resolved', value }),
    (error: unknown) => Object.assign(followed, { state: 'rejected', error }),
  );
  return followed;
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => undefined;
  let reject: Deferred<T>['reject'] = () => undefined;
  const promise = new Promise<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

/** What a function throws. */
export function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}
