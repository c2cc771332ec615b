/** The public vocabulary: every type that a user of the main entry can name. */
import type { AxiosInstance, AxiosResponse } from 'axios';
import type { TokenError } from './errors.js';

declare module 'axios' {
  // No type parameters: they differ between versions of Axios.
  interface AxiosRequestConfig {
    /** `false` leaves this request alone: no token, no wait, no replay. @default true */
    tokenRefresh?: boolean;
  }
}

/**
 * What a sign-in or a refresh yields.
 *
 * The lifetime of the access token is `expiresIn`, else the JWT's `exp - iat`, else `expiresAt` (or `exp`) minus now.
 */
export interface TokenSet {
  /** What is attached to requests. Usually a JWT; may be opaque. Visible ASCII without spaces. */
  readonly accessToken: string;
  /** Credential for the next refresh (RFC 6749, section 1.5). When a refresh omits it, the previous one is kept. */
  readonly refreshToken?: string | undefined;
  /**
   * When the access token expires, in milliseconds since the epoch, by the server's clock; lengthens no JWT's `exp - iat`.
   * Rather than `Date.now()` and a lifetime give `expiresIn`: this machine's clock may be off. @default the JWT's `exp`
   */
  readonly expiresAt?: number | undefined;
  /**
   * Lifetime in seconds, as OAuth servers send it (RFC 6749, section 5.1). Wins over `expiresAt`. What is left of it, if
   * a refresh may bring a token that was issued earlier: of a JWT without it, and without a `Date` of the server's, the
   * older `iat` passes for a clock that is off.
   */
  readonly expiresIn?: number | undefined;
  /**
   * Origins that this token may go to. Narrows the option `origins`; another origin is an `AUTH_SCOPE_MISMATCH`. When a
   * refresh omits it, the previous one is kept.
   */
  readonly audience?: readonly string[] | undefined;
  /** Whose token it is. Without it the JWT's `sub` is used. When a refresh omits it, who signed in stays. */
  readonly subject?: string | undefined;
}

/** Claims of a decoded JWT (RFC 7519, section 4.1). The signature is not checked: that is the server's task. */
export interface TokenClaims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | string[];
  /** Expiry, in seconds since the epoch. */
  readonly exp?: number;
  /** Not valid before, in seconds since the epoch. */
  readonly nbf?: number;
  /** Issued at, in seconds since the epoch. */
  readonly iat?: number;
  readonly jti?: string;
  readonly [claim: string]: unknown;
}

/**
 * - `loading`: an asynchronous store is being read; requests wait for it.
 * - `signed-out`: no token set.
 * - `active`: a token set is held; its access token may be due for a refresh.
 * - `expired`: the refresh was refused for good, and the access token is dead: sign in again.
 */
export type SessionStatus = 'loading' | 'signed-out' | 'active' | 'expired';

/**
 * Why a refresh was made: a `request` needed a token, `ahead` of the refresh window, a 401 (`unauthorized`), the
 * `timer` of `schedule: true`, or `refresh()` (`manual`).
 */
export type RefreshTrigger = 'request' | 'ahead' | 'unauthorized' | 'timer' | 'manual';

/** What kind of fault ended an attempt: `protocol` is an answer that is no use, `callback` what the callback threw otherwise. */
export type FailureKind = 'network' | 'timeout' | 'throttled' | 'server' | 'refused' | 'protocol' | 'callback';

/** The part of a lifetime in which something is due: the lesser of the two limits, counted from the end. */
export interface RefreshWindow {
  /** Longest window, in milliseconds. More than 0. */
  readonly maxMs: number;
  /** Largest part of the lifetime, more than 0 and at most 1. */
  readonly ttlFraction: number;
}

/** How transient failures of a refresh are retried; a field that is missing has its default. */
export interface RetryOptions {
  /** Attempts after the first. A whole number, 0 to 100. @default 2 */
  readonly retries?: number;
  /** Ceiling of the first random delay, in milliseconds, at least 0; it doubles with every attempt. @default 250 */
  readonly minDelayMs?: number;
  /** Longest delay, and the most that a `Retry-After` is believed, in milliseconds, at least 0. @default 5_000 */
  readonly maxDelayMs?: number;
  /** How long one attempt may take before the next one is made, in milliseconds, more than 0. @default 5_000 */
  readonly attemptTimeoutMs?: number;
}

/** What a refresh callback is given. */
export interface RefreshContext {
  /** The token set to renew; `undefined` where there is none yet (a session kept in a cookie). */
  readonly tokens: TokenSet | undefined;
  readonly trigger: RefreshTrigger;
  /** 1 for the first attempt of an operation. */
  readonly attempt: number;
  /** The same for all attempts of one operation, and in all its events. */
  readonly operationId: string;
  /**
   * Aborted when the answer is no longer wanted: after a sign-out, new tokens, an answer to another attempt, or long
   * after the deadline. Not at the deadline: a late answer may hold the only copy of the next refresh token. After
   * `dispose()` only where no option `store` was given: what you gave may outlive the session, and is still written.
   */
  readonly signal: AbortSignal;
  /**
   * A bare Axios client: the attached instance's `baseURL`, adapter, agents (with few sockets pass others), proxy, timeout and
   * `withCredentials`, without its headers, `params` and interceptors: no refresh waits for itself. `signal` is already set.
   */
  readonly http: AxiosInstance;
}

/** Returns the new token set, or the access token alone. Throw to fail; see the option `classifyFailure`. */
export type RefreshCallback = (context: RefreshContext) => TokenSet | string | Promise<TokenSet | string>;

/** Exact origins (`'https://api.example.com'`), or a predicate that also decides about plain `http:`. */
export type Origins = readonly string[] | ((url: URL) => boolean);

/** Time and timers, replaceable in tests. */
export interface Clock {
  /** Wall clock, in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never run backwards. */
  monotonic(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

/**
 * Where a token set lives. A store that answers with promises makes the session start as `loading`.
 * A store that throws or rejects never ends a session: it goes on in memory, and `store.failed` says so.
 *
 * `load`, `save` and `clear` make a store. With any of the others it is shared: several sessions, in other tabs or
 * processes, hold one token set, and each reads the store before it refreshes. A shared store answers with promises.
 *
 * In a store `expiresAt` is by the clock of the machine that reads it.
 */
export interface TokenStore {
  /** The token set that was saved last, every field of it; `undefined` for none. */
  load(): TokenSet | undefined | Promise<TokenSet | undefined>;
  /** Replaces all that was there. */
  save(tokens: TokenSet): void | Promise<void>;
  /** Empties the store; fine where it is empty. */
  clear(): void | Promise<void>;
  /**
   * In one step: puts `next` in the place of `expected` (`undefined`: nothing), or does nothing if the store no longer
   * holds that, by access and refresh token. Whether it did. Keeps a slow refresh from undoing a sign-in or a sign-out.
   */
  replace?(expected: TokenSet | undefined, next: TokenSet | undefined): Promise<boolean>;
  /**
   * Runs `work` once, while no other holder does, and settles as it does. When `signal` aborts while it still waits for
   * its turn it rejects. It never breaks into another's turn: the session waits for a bounded time and then goes on alone.
   */
  exclusive?<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Calls `changed` when another holder has written. Returns what ends that. */
  subscribe?(changed: () => void): () => void;
  /**
   * Whether this holder is the first to claim `what` since the record was last written, so that a trouble that all
   * holders share is told by one of them. Without it each tells.
   */
  claim?(what: 'escalation'): Promise<boolean>;
}

/** Durations are milliseconds and end in `Ms`. */
export interface TokenSessionOptions {
  /** Gets a new token set. Called once per attempt, never twice at the same time unless one takes too long. */
  readonly refresh: RefreshCallback;
  /** Token set to start with, unless the store already holds one. @default none */
  readonly tokens?: TokenSet | string;
  /** Where the token set lives. @default memoryStore() */
  readonly store?: TokenStore;
  /** The last part of a lifetime, in which requests wait for the new token. @default `{ maxMs: 120_000, ttlFraction: 0.2 }` */
  readonly refreshWindow?: RefreshWindow;
  /**
   * The part before it, in which a request starts a refresh in the background and leaves at once. `false` for none.
   * @default `{ maxMs: 300_000, ttlFraction: 0.4 }`
   */
  readonly refreshAhead?: RefreshWindow | false;
  /** Refresh by timer too, so that an idle session stays alive. @default false */
  readonly schedule?: boolean;
  /** How transient failures are retried; `false` for one attempt only. @default see {@link RetryOptions} */
  readonly retry?: RetryOptions | false;
  /** Deadline of a whole operation, retries included, in milliseconds. More than 0. @default 15_000 */
  readonly refreshTimeoutMs?: number;
  /**
   * Longest a request waits, in milliseconds; its own `timeout` and `signal` end the wait sooner. Nor does anybody wait
   * longer for the store. @default refreshTimeoutMs
   */
  readonly maxWaitMs?: number;
  /** Requests that may wait at once; further ones leave with a valid token or reject with `AUTH_QUEUE_FULL`. @default 1_000 */
  readonly maxWaiting?: number;
  /**
   * What a request without a token does: `'send'` (a 401 still refreshes), `'refresh'` first, or `'reject'` with
   * `AUTH_TOKEN_MISSING`. @default 'send'
   */
  readonly whenMissing?: 'send' | 'refresh' | 'reject';
  /** Where the token may go. @default the origin of the instance's `baseURL`; in a browser the page's own too */
  readonly origins?: Origins;
  /**
   * Whether requests that carry the token follow redirects. `false` answers with the redirect itself: neither the token
   * nor the body goes anywhere but to the URL of the request. The `xhr` adapter cannot be told. @default true
   */
  readonly followRedirects?: boolean;
  /** Request header that carries the token. A header that the caller set stays. @default 'Authorization' */
  readonly header?: string;
  /**
   * Makes the header's value (RFC 6750, section 2.1). Called once per token; for one that a refresh has brought while
   * the turn in a shared store lasts, so be quick. @default `` (token) => `Bearer ${token}` ``
   */
  readonly formatHeader?: (token: string) => string;
  /**
   * Whether a response means that the token was refused; `undefined` for the default. Called for every response of a
   * request that carries our token or lacked one. `response.data` is parsed if it is JSON.
   * @default status 401, except `insufficient_scope` (RFC 6750, section 3.1)
   */
  readonly shouldRefresh?: (response: AxiosResponse) => boolean | undefined;
  /**
   * Whether a refresh failure ends the session (`'terminal'`) or not (`'transient'`); `undefined` for the default.
   * @default a 400, 401 or 403 does, but for HTML and OAuth errors that do not blame the session, such as `invalid_client`
   */
  readonly classifyFailure?: (error: unknown) => 'terminal' | 'transient' | undefined;
  /** Consecutive failed operations before `refresh.escalated`. @default 3 */
  readonly escalateAfter?: number;
  /** For tests. @default the system's clock */
  readonly clock?: Clock;
}

export interface AttachOptions {
  /** Where requests of this instance may take the token. @default the session's option, else the origin of `baseURL` */
  readonly origins?: Origins;
}

/** A frozen picture of the session, without secrets: the same object until something changes. */
export interface SessionSnapshot {
  readonly status: SessionStatus;
  readonly isRefreshing: boolean;
  /** Rises by one each time the token set changes. */
  readonly generation: number;
  /** Expiry by this machine's clock, in milliseconds since the epoch; `undefined` if unknown. */
  readonly expiresAt: number | undefined;
  /**
   * When the session ends, in milliseconds since the epoch: the refresh has been refused, and the token lives on until
   * then. `undefined` while the session goes on, and where the token's expiry is unknown.
   */
  readonly endsAt: number | undefined;
  /** When a request would start a refresh, in milliseconds since the epoch; `undefined` if unknown. */
  readonly refreshAt: number | undefined;
  /** Requests that wait now. */
  readonly waiting: number;
  /** Refreshes that have failed in a row. */
  readonly consecutiveFailures: number;
  /** Server clock minus ours, in milliseconds; `undefined` until it has been seen. */
  readonly clockSkewMs: number | undefined;
  /** The last refresh failure; `undefined` after a success. */
  readonly error: TokenError | undefined;
}

/** Fields that every event has. In all events `…Ms` are milliseconds, `…At` and `at` are milliseconds since the epoch. */
export interface EventBase {
  readonly at: number;
  /** That of the session when it happened: see {@link SessionSnapshot}. */
  readonly generation: number;
}

/** What was asked of a store: its method of that name; a `replace` counts as `save` or `clear`. */
export type StoreAction = 'load' | 'save' | 'clear' | 'exclusive' | 'subscribe' | 'claim';

// An alias: whoever exports what is inferred from an event can spell it out.
type OperationFields = Readonly<{ operationId: string; trigger: RefreshTrigger }>;

interface EventFields {
  'refresh.started': OperationFields;
  'refresh.retried': OperationFields & {
    /** The attempt that is about to be made. */
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: TokenError;
  };
  'refresh.succeeded': OperationFields & {
    readonly attempt: number;
    readonly durationMs: number;
    /** The operation had already failed by its deadline. */
    readonly late: boolean;
    /** Another holder of the session had refreshed: its tokens were taken from the store. */
    readonly adopted: boolean;
  };
  'refresh.failed': OperationFields & {
    readonly attempt: number;
    readonly durationMs: number;
    readonly error: TokenError;
    readonly consecutiveFailures: number;
    /** The current token is still valid, so requests leave with it. */
    readonly servedCurrent: boolean;
  };
  'refresh.escalated': OperationFields & {
    readonly consecutiveFailures: number;
    /** The last failure. */
    readonly error: TokenError;
    /** The failures of the streak by kind. */
    readonly kinds: Readonly<Partial<Record<FailureKind, number>>>;
    readonly firstFailureAt: number;
    readonly lastFailureAt: number;
    /** What is left of the current token; 0 if there is none alive, `undefined` if its expiry is unknown. */
    readonly leftMs: number | undefined;
  };
  /** Without an operation where another holder of the session has refreshed. */
  'refresh.recovered': Partial<OperationFields> & { readonly consecutiveFailures: number };
  'session.started': object;
  'session.ending': { readonly endsAt: number | undefined; readonly error: TokenError };
  'session.expired': { readonly error: TokenError };
  'session.cleared': object;
  'tokens.changed': { readonly expiresAt: number | undefined };
  'request.queued': { readonly trigger: RefreshTrigger | undefined; readonly waiting: number };
  'request.released': {
    readonly durationMs: number;
    readonly outcome: 'sent' | 'rejected' | 'aborted';
    /** The request left with the current token because no new one came in time. */
    readonly servedCurrent: boolean;
  };
  'request.replayed': object;
  'clock.skewed': { readonly skewMs: number };
  'store.failed': { readonly action: StoreAction; readonly error: TokenErrorCause };
  /** `source` is the event, the option, or `subscribe`. */
  'listener.failed': { readonly source: string; readonly error: TokenErrorCause };
}

export type TokenEventType = keyof EventFields;

type Payloads = { [K in TokenEventType]: Readonly<EventBase & EventFields[K] & { type: K }> };

/** The payload of one event, or of any. */
export type TokenEvent<T extends TokenEventType = TokenEventType> = Payloads[T];

type Told = Payloads & { readonly event: TokenEvent };

/** Listener signatures by event name; `'event'` receives every one of them. */
export type TokenEvents = { [K in keyof Told]: (event: Told[K]) => unknown };

/** @internal the fields that an emitter must give for one event. */
export type EventPayload<T extends TokenEventType> = EventFields[T];

/** What is told of a foreign error: never its config, headers or body. */
export interface TokenErrorCause extends Error {
  readonly code?: string;
  readonly status?: number;
  readonly requestId?: string;
}

/** The one holder of a token set. Any number of Axios instances attach to it. */
export interface TokenSession {
  readonly status: SessionStatus;
  /** Resolves when the store has been read. Never rejects. Unlike the methods it holds no Node process. */
  readonly ready: Promise<void>;
  /**
   * Puts the session on an Axios instance. Returns what takes it off again.
   * @throws {TypeError} if the instance already has a session, or no origin is known to send the token to
   */
  attach(axios: AxiosInstance, options?: AttachOptions): () => void;
  /**
   * Takes over tokens from a sign-in or from elsewhere. Resolves when the store has them. They replace all of the previous
   * set: an access token alone forgets the refresh token, the audience and the subject.
   * A dead access token is accepted: the next request refreshes it. Another `subject` is another user:
   * requests that wait under the old one are rejected with `AUTH_SESSION_CLEARED`.
   * @throws {TokenError} `AUTH_TOKEN_MALFORMED` for a token that cannot be put in a header, `AUTH_SESSION_DISPOSED`
   */
  setTokens(tokens: TokenSet | string): Promise<void>;
  /** Drops the tokens, discards a refresh in flight and rejects all that wait. Resolves when the store is empty. */
  signOut(): Promise<void>;
  /**
   * A valid access token, for `fetch`, WebSocket or EventSource; waits like a request.
   * @throws {TokenError} as a request would; {@link GetAccessTokenOptions.signal}'s reason if that is aborted
   */
  getAccessToken(options?: GetAccessTokenOptions): Promise<string>;
  /** Refreshes now, or joins the refresh in flight. Resolves to the new access token; rejects with what made it fail. */
  refresh(): Promise<string>;
  /** Adds a listener of an event, or of all (`'event'`); an unknown one is a `TypeError`. Never awaited, and may throw (`listener.failed`). */
  on<T extends keyof TokenEvents>(event: T, listener: (event: Told[T]) => unknown): TokenSession;
  once<T extends keyof TokenEvents>(event: T, listener: (event: Told[T]) => unknown): TokenSession;
  off<T extends keyof TokenEvents>(event: T, listener: (event: Told[T]) => unknown): TokenSession;
  /** Calls `listener` after every change of the snapshot. Returns what ends that. */
  subscribe(listener: () => void): () => void;
  getSnapshot(): SessionSnapshot;
  /**
   * Ends everything: interceptors, timers, listeners, waiting requests (`AUTH_SESSION_DISPOSED`). Idempotent.
   *
   * A refresh that is under way is called off, unless the option `store` was given: then its answer, as long as one is
   * waited for (`refreshTimeoutMs`, and as long again), is still written to the store, for whoever holds that next.
   * Nothing is told of it, and no timer of it holds a process: await `session.refresh()` first, then your store's writes.
   */
  dispose(): void;
}

export interface GetAccessTokenOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}
