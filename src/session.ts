/**
 * THE state, and the only place that changes it. The rest of the package has two verbs for it:
 * `acquire` a token for a turn, and report one `refused`.
 */
import type { AxiosInstance } from 'axios';
import { instantOf } from './clock.js';
import { classify, type Failure } from './core/failure.js';
import { cooldownMs, freshnessOf, hold, isSpaced, leftOf, patienceMs, spacingMs, type Held } from './core/freshness.js';
import { elapsed, type Instant } from './core/lifetime.js';
import { refreshError } from './core/outcome.js';
import { skewNoiseMs, skewOf } from './core/skew.js';
import { readTokens } from './core/tokens.js';
import { isTokenError, TokenError } from './errors.js';
import { Events } from './events.js';
import type { SeenDate } from './http.js';
import type { ResolvedOptions } from './options.js';
import { Persistence } from './persistence.js';
import { Queue, type Interruptible } from './queue.js';
import { Operation, type Answer, type FailedAttempt } from './refresher.js';
import { Scheduler } from './scheduler.js';
import type { RefreshTrigger, SessionSnapshot, SessionStatus, TokenSet } from './types.js';

/** Whose session it is: a sign-out or another user ends one holder and begins the next. */
export interface Holder {
  readonly id: number;
  readonly subject: string | undefined;
}

/** What a request is given. */
export interface Credential {
  readonly held: Held;
  readonly generation: number;
  readonly holder: Holder;
}

/** One request's standing with the session. */
export interface Turn extends Interruptible {
  /** Whose request it is; set with its first credential. */
  holder: Holder | undefined;
  /** It may wait for a better token than a valid one. */
  patient: boolean;
  /** The API refused credentials up to this generation; 0 for a request sent without one. */
  refused: number | undefined;
  /** What is left of the request's own timeout. */
  ownTimeMs(): number;
}

interface State {
  readonly status: SessionStatus;
  readonly generation: number;
  readonly holder: Holder;
  readonly credential: Credential | undefined;
  readonly operation: Operation | undefined;
  /** Signed out or refused: nothing refreshes by itself. */
  readonly dormant: boolean;
  /** Refused while the token lives on. */
  readonly ending: TokenError | undefined;
  readonly error: TokenError | undefined;
  readonly failures: number;
  readonly escalated: boolean;
  readonly pausedUntil: number;
  readonly refreshedAt: Instant | undefined;
  /** The last refresh that a 401 forced. */
  readonly forcedAt: Instant | undefined;
  readonly skewMs: number | undefined;
  readonly disposed: boolean;
}

const forcedEveryMs = 30_000;
// The operation settles those that wait as long as it does.
const operationFirstMs = 1_000;

const signedOut = { status: 'signed-out', credential: undefined, operation: undefined, ending: undefined } as const;
const healthy = { ending: undefined, error: undefined, failures: 0, escalated: false, pausedUntil: -Infinity } as const;

function sameHolder(a: Holder, b: Holder): boolean {
  return a.id === b.id || (a.subject !== undefined && a.subject === b.subject);
}

export class Session {
  readonly options: ResolvedOptions;
  readonly events: Events;
  readonly ready: Promise<void>;
  readonly #http: (signal: AbortSignal, seen: SeenDate) => AxiosInstance;
  readonly #queue: Queue<Turn, Credential | undefined>;
  readonly #scheduler: Scheduler;
  readonly #persistence: Persistence;
  readonly #subscribers = new Set<() => void>();
  #snapshot: SessionSnapshot | undefined;
  #state: State = Object.freeze({
    ...signedOut,
    ...healthy,
    generation: 0,
    holder: { id: 0, subject: undefined },
    dormant: false,
    refreshedAt: undefined,
    forcedAt: undefined,
    skewMs: undefined,
    disposed: false,
  });

  constructor(options: ResolvedOptions, http: (signal: AbortSignal, seen: SeenDate) => AxiosInstance) {
    this.options = options;
    this.#http = http;
    this.events = new Events(() => ({ at: options.clock.now(), generation: this.#state.generation }));
    this.#queue = new Queue(options.clock);
    this.#scheduler = new Scheduler(options.clock, (online) => this.#look(online));
    this.#persistence = new Persistence(options.store, (action, error) => {
      this.events.emit('store.failed', { action, error });
    });
    this.ready = this.#restore();
  }

  // --- what the rest asks ---

  /** Whether `acquire` would do more than hand out the current credential. */
  get mustWait(): boolean {
    const { status, credential, operation } = this.#state;
    if (credential === undefined)
      return status === 'loading' || operation !== undefined || this.options.whenMissing !== 'send';
    const freshness = freshnessOf(credential.held, this.#now());
    return freshness === 'due' || freshness === 'expired';
  }

  /** A credential for this turn, now or later; `undefined` where the request is to go without one. */
  acquire(turn: Turn): Credential | undefined | Promise<Credential | undefined> {
    this.#admit(turn);
    const { status, credential } = this.#state;
    if (status === 'loading') return this.#acquireLoaded(turn);
    if (credential === undefined) return this.#acquireMissing(turn);
    const now = this.#now();
    switch (freshnessOf(credential.held, now)) {
      case 'fresh':
        break;
      case 'ahead':
        this.#startAhead('ahead', now);
        break;
      case 'due':
        if (!turn.patient || !this.#startAhead('request', now) || this.#queue.size >= this.options.maxWaiting) break;
        return this.#wait(
          turn,
          Math.min(this.#limitMs(turn), patienceMs(leftOf(credential.held, now), turn.ownTimeMs())),
        );
      case 'expired':
        if (this.#state.ending) {
          this.#expire(this.#state.ending);
          return this.acquire(turn);
        }
        this.#startNeeded('request');
        return this.#wait(turn);
    }
    turn.holder = credential.holder;
    return credential;
  }

  /** The API refused `credential` (or a request without one). Another one to send the request with again. */
  refused(turn: Turn, credential: Credential | undefined): Credential | undefined | Promise<Credential | undefined> {
    turn.refused = credential?.generation ?? 0;
    this.#admit(turn);
    const { credential: current, ending, dormant, operation, forcedAt } = this.#state;
    const now = this.#now();
    if (current && current.generation > turn.refused && freshnessOf(current.held, now) !== 'expired') return current;
    if (ending) this.#expire(ending);
    if (this.#state.status === 'expired' || (dormant && !operation)) throw this.#whyNot();
    if (!operation && forcedAt && elapsed(forcedAt, now) < forcedEveryMs) throw rejectedToken();
    this.#startNeeded('unauthorized');
    if (current?.generation === turn.refused && !current.held.refused) {
      this.#change({ credential: { ...current, held: { ...current.held, refused: true } } });
    }
    return this.#wait(turn);
  }

  // --- what the user asks ---

  getSnapshot(): SessionSnapshot {
    return (this.#snapshot ??= this.#picture());
  }

  subscribe(listener: () => void): () => void {
    const guarded = (): void => {
      this.events.guard('subscribe', listener)(undefined);
    };
    this.#subscribers.add(guarded);
    return () => {
      this.#subscribers.delete(guarded);
    };
  }

  async setTokens(given: TokenSet | string): Promise<void> {
    this.assertUsable();
    if (typeof given !== 'string' && (typeof given !== 'object' || (given as unknown) === null)) {
      throw new TypeError('setTokens expects a token set or an access token.');
    }
    const reading = readTokens(given);
    if ('problem' in reading) throw new TokenError('AUTH_TOKEN_MALFORMED', `setTokens: ${reading.problem}.`);
    const before = this.#state;
    const held = this.#hold(reading.tokens, this.#now(), false);
    const holder = this.#holderOf(held);
    const moved = holder.id !== before.holder.id;
    before.operation?.cancel();
    this.#adopt(held, holder, { ...healthy, operation: undefined, forcedAt: undefined, refreshedAt: undefined });
    if (moved && before.status === 'active') this.events.emit('session.cleared', {});
    this.#announce(before.status === 'active' && !moved);
    const alive = freshnessOf(held, this.#now()) !== 'expired';
    // Those who waited for a refresh need it no longer, unless these tokens are dead as well.
    this.#queue.release(
      (turn) => this.#verdict(turn, cleared),
      (turn) => alive || (turn.holder !== undefined && !sameHolder(turn.holder, holder)),
    );
    if (this.#queue.size > 0) this.#start('request');
    await this.#save();
  }

  async signOut(): Promise<void> {
    this.assertUsable();
    const { operation, status, generation, holder } = this.#state;
    operation?.cancel();
    const held = status !== 'signed-out';
    this.#change({
      ...signedOut,
      ...healthy,
      dormant: true,
      generation: held ? generation + 1 : generation,
      holder: { id: holder.id + 1, subject: undefined },
      refreshedAt: undefined,
      forcedAt: undefined,
    });
    this.#release(cleared);
    if (held || operation) this.events.emit('session.cleared', {});
    await this.#save();
  }

  async refresh(turn: Turn): Promise<string> {
    this.assertUsable();
    if (this.#state.status === 'loading') await this.ready;
    this.assertUsable();
    turn.refused = this.#state.generation;
    turn.holder = this.#state.credential?.holder;
    if (!this.#state.operation) this.#start('manual');
    const credential = await this.#wait(turn, Infinity);
    if (!credential) throw this.#whyNot();
    return credential.held.tokens.accessToken;
  }

  async accessToken(turn: Turn): Promise<string> {
    const credential = await this.acquire(turn);
    if (!credential) throw this.#whyNot();
    return credential.held.tokens.accessToken;
  }

  dispose(): void {
    if (this.#state.disposed) return;
    this.#state.operation?.cancel();
    this.#change({ disposed: true, operation: undefined });
    this.#release(disposed);
    this.#scheduler.stop();
    this.events.clear();
    this.#subscribers.clear();
  }

  assertUsable(): void {
    if (this.#state.disposed) throw disposed();
  }

  // --- decisions ---

  #admit(turn: Turn): void {
    this.assertUsable();
    if (turn.holder && !sameHolder(turn.holder, this.#state.holder)) throw cleared();
  }

  async #acquireLoaded(turn: Turn): Promise<Credential | undefined> {
    await this.#wait(turn);
    turn.patient = true;
    return this.acquire(turn);
  }

  #acquireMissing(turn: Turn): undefined | Promise<Credential | undefined> {
    const { whenMissing } = this.options;
    const { status, operation, dormant } = this.#state;
    // A request that was somebody's when it was first sent is not sent again as nobody's.
    if (turn.holder) throw this.#whyNot();
    if (operation && whenMissing !== 'reject') return this.#wait(turn);
    if (whenMissing === 'send') return undefined;
    if (whenMissing === 'reject' || (dormant && status !== 'expired')) throw this.#whyNot();
    this.#startNeeded('request');
    return this.#wait(turn);
  }

  /** Starts a refresh of a token that still lives, if one is worthwhile now. Whether one is under way then. */
  #startAhead(trigger: RefreshTrigger, now: Instant): boolean {
    const { operation, credential, ending, refreshedAt, pausedUntil } = this.#state;
    if (operation) return true;
    if (!credential || ending || now.monotonic < pausedUntil) return false;
    if (!credential.held.refused && !isSpaced(refreshedAt, credential.held.lifetimeMs, now)) return false;
    this.#start(trigger);
    return true;
  }

  /** Starts a refresh, or joins the one under way. Throws the last error while the server is left in peace. */
  #startNeeded(trigger: RefreshTrigger): void {
    const { operation, pausedUntil, error } = this.#state;
    if (operation) return;
    if (error && this.options.clock.monotonic() < pausedUntil) throw error;
    this.#start(trigger);
  }

  #limitMs(turn: Turn): number {
    return Math.min(this.options.maxWaitMs, turn.ownTimeMs());
  }

  async #wait(turn: Turn, limitMs = this.#limitMs(turn)): Promise<Credential | undefined> {
    const { maxWaiting } = this.options;
    const { operation, credential } = this.#state;
    if (this.#queue.size >= maxWaiting) {
      throw new TokenError(
        'AUTH_QUEUE_FULL',
        `${String(maxWaiting)} requests wait for a token already (option "maxWaiting").`,
        { retryable: true },
      );
    }
    turn.holder ??= credential?.holder;
    turn.patient = false;
    const turnOver = this.#queue.join(
      turn,
      operation && limitMs >= operation.leftMs ? operation.leftMs + operationFirstMs : limitMs,
      () => this.#verdict(turn, waitTimeout),
      ({ outcome, durationMs }) => {
        this.#touch();
        const servedCurrent =
          outcome === 'sent' &&
          credential !== undefined &&
          this.#state.credential?.generation === credential.generation;
        this.events.emit('request.released', { outcome, durationMs, servedCurrent });
      },
    );
    this.#touch();
    this.events.emit('request.queued', { trigger: operation?.trigger, waiting: this.#queue.size });
    return turnOver;
  }

  /** What a turn that has waited goes on with. */
  #verdict(turn: Turn, otherwise: () => TokenError): Credential | undefined {
    this.#admit(turn);
    const { credential } = this.#state;
    if (
      credential &&
      credential.generation > (turn.refused ?? 0) &&
      freshnessOf(credential.held, this.#now()) !== 'expired'
    ) {
      turn.holder = credential.holder;
      return credential;
    }
    if (!credential && !turn.holder && turn.refused === undefined && this.options.whenMissing === 'send')
      return undefined;
    throw otherwise();
  }

  #whyNot(): TokenError {
    return this.#state.error ?? missing();
  }

  /** Settles all that wait: with the credential they can have, or with `why`. */
  #release(why: () => TokenError = () => this.#whyNot()): void {
    this.#queue.release((turn) => this.#verdict(turn, why));
  }

  // --- refreshing ---

  #start(trigger: RefreshTrigger): void {
    const { clock, refreshTimeoutMs, retry, refresh } = this.options;
    const { generation, holder } = this.#state;
    const id = Math.random().toString(36).slice(2, 12);
    const operation: Operation = new Operation(id, trigger, this.#now(), {
      clock,
      timeoutMs: refreshTimeoutMs,
      retry,
      call: (attempt, signal) => {
        const http = this.#http(signal, (date, sentAt) => {
          this.#noteSkew(skewOf(Date.parse(date), sentAt, clock.now()));
        });
        const tokens = this.#state.credential?.held.tokens;
        return refresh(Object.freeze({ tokens, trigger, attempt, operationId: id, signal, http }));
      },
      read: (returned) => this.#read(returned),
      classify: (error) => this.#classify(error),
      retried: (attempt, delayMs, failed) => {
        this.events.emit('refresh.retried', {
          operationId: id,
          trigger,
          attempt,
          delayMs,
          error: this.#errorOf(operation, failed),
        });
      },
      succeeded: (answer) => {
        // A slower, older refresh must not overwrite what has come since.
        if (this.#state.generation === generation && this.#state.holder === holder) this.#succeed(operation, answer);
      },
      failed: (failed) => {
        if (this.#state.operation === operation) this.#fail(operation, failed);
      },
    });
    this.#change({ operation });
    this.events.emit('refresh.started', { operationId: id, trigger });
    operation.run();
  }

  /** Checks what a refresh returned. */
  #read(returned: unknown): TokenSet {
    const invalid = (problem: string): TokenError =>
      new TokenError('AUTH_REFRESH_RESPONSE_INVALID', `The refresh callback returned no usable token: ${problem}.`, {
        kind: 'protocol',
      });
    const reading = readTokens(returned);
    if ('problem' in reading) throw invalid(reading.problem);
    const current = this.#state.credential?.held;
    const tokens = { ...reading.tokens, refreshToken: reading.tokens.refreshToken ?? current?.tokens.refreshToken };
    const same = current?.tokens.accessToken === tokens.accessToken;
    if (same && current.refused) throw invalid('it is the very token that the API refused');
    const held = this.#hold(tokens, this.#now(), true);
    if (freshnessOf(same ? current : held, this.#now()) === 'expired')
      throw invalid('it has expired already (is "expiresAt" in milliseconds?)');
    if (current?.subject !== undefined && held.subject !== undefined && current.subject !== held.subject) {
      throw invalid("it is another user's");
    }
    return tokens;
  }

  #succeed(operation: Operation, { tokens, startedAt, attempt, late }: Answer): void {
    const { credential, status, escalated, failures, operation: latest } = this.#state;
    if (latest !== operation) latest?.cancel();
    const same = credential?.held.tokens.accessToken === tokens.accessToken && tokens.expiresIn === undefined;
    // The same token again has not become younger.
    const held = same ? { ...credential.held, tokens } : this.#hold(tokens, startedAt, true);
    const now = this.#now();
    const fields = { operationId: operation.id, trigger: operation.trigger };
    this.#adopt(held, this.#holderOf(held), {
      ...healthy,
      operation: undefined,
      refreshedAt: now,
      ...(operation.trigger === 'unauthorized' && { forcedAt: now }),
    });
    this.#release();
    this.events.emit('refresh.succeeded', { ...fields, attempt, durationMs: elapsed(operation.startedAt, now), late });
    if (escalated) this.events.emit('refresh.recovered', { ...fields, consecutiveFailures: failures });
    this.#announce(status === 'active');
    void this.#save();
  }

  #fail(operation: Operation, failed: FailedAttempt): void {
    const { credential, failures, escalated, ending } = this.#state;
    const now = this.#now();
    const error = this.#errorOf(operation, failed);
    const consecutiveFailures = failures + 1;
    const leftMs = credential ? leftOf(credential.held, now) : 0;
    const refusedByAll = failed.failure.terminal && (credential?.held.refused ?? false);
    const servedCurrent = leftMs > 0 && !refusedByAll;
    const escalating = !escalated && consecutiveFailures >= this.options.escalateAfter;
    this.#change({
      operation: undefined,
      error,
      failures: consecutiveFailures,
      escalated: escalated || escalating,
      pausedUntil: now.monotonic + cooldownMs(consecutiveFailures, leftMs, Math.random()),
      ...(failed.failure.terminal && servedCurrent && { ending: error }),
    });
    const fields = { operationId: operation.id, trigger: operation.trigger };
    const durationMs = elapsed(operation.startedAt, now);
    const tell = (): void => {
      this.events.emit('refresh.failed', {
        ...fields,
        attempt: operation.attempt,
        durationMs,
        error,
        consecutiveFailures,
        servedCurrent,
      });
      if (escalating) this.events.emit('refresh.escalated', { ...fields, consecutiveFailures, error });
    };
    if (failed.failure.terminal && !servedCurrent) {
      this.#expire(error, tell);
      return;
    }
    this.#release();
    tell();
    if (failed.failure.terminal && !ending)
      this.events.emit('session.ending', { endsAt: this.getSnapshot().expiresAt, error });
    this.#scheduler.look();
  }

  /** The session is over: refused, and no living token left. */
  #expire(error: TokenError, first?: () => void): void {
    const { credential, generation, status } = this.#state;
    // Who was never signed in is still signed out; a service that starts from nothing has a session to lose.
    const existed = status !== 'signed-out' || this.options.whenMissing === 'refresh';
    this.#change({
      ...signedOut,
      status: existed ? 'expired' : 'signed-out',
      error,
      dormant: true,
      generation: credential ? generation + 1 : generation,
    });
    this.#release();
    first?.();
    if (existed && status !== 'expired') this.events.emit('session.expired', { error });
    void this.#save();
  }

  #classify(error: unknown): Failure {
    const failure: Failure = isTokenError(error)
      ? {
          kind: error.kind ?? 'callback',
          terminal: error.code === 'AUTH_SESSION_EXPIRED',
          mayHaveReached: true,
          status: error.status,
          retryAfterMs: 0,
        }
      : classify(error);
    try {
      const verdict = this.options.classifyFailure?.(error);
      if (verdict === 'terminal') return { ...failure, terminal: true };
      if (verdict === 'transient') return { ...failure, terminal: false };
      if (verdict !== undefined)
        this.events.failed(
          'classifyFailure',
          new TypeError("classifyFailure must return 'terminal', 'transient' or undefined"),
        );
    } catch (thrown) {
      this.events.failed('classifyFailure', thrown);
    }
    return failure;
  }

  #errorOf(operation: Operation, failed: FailedAttempt): TokenError {
    const { accessToken, refreshToken } = this.#state.credential?.held.tokens ?? {};
    return refreshError({
      ...failed,
      attempts: operation.attempt,
      operationId: operation.id,
      refreshTimeoutMs: this.options.refreshTimeoutMs,
      secrets: [accessToken, refreshToken].filter((secret) => secret !== undefined),
    });
  }

  // --- state ---

  #now(): Instant {
    return instantOf(this.options.clock);
  }

  #hold(tokens: TokenSet, anchor: Instant, fresh: boolean): Held {
    return hold(tokens, this.options, anchor, fresh, this.#state.skewMs);
  }

  #holderOf({ subject }: Held): Holder {
    const { holder } = this.#state;
    if (subject === undefined || subject === holder.subject) return holder;
    return { id: holder.subject === undefined ? holder.id : holder.id + 1, subject };
  }

  #adopt(held: Held, holder: Holder, change: Partial<State>): void {
    const generation = this.#state.generation + 1;
    this.#change({
      ...change,
      status: 'active',
      dormant: false,
      generation,
      holder,
      credential: Object.freeze({ held, generation, holder }),
    });
  }

  #announce(wasActive: boolean): void {
    if (!wasActive) this.events.emit('session.started', {});
    this.events.emit('tokens.changed', { expiresAt: this.getSnapshot().expiresAt });
    this.#scheduler.look();
  }

  #change(change: Partial<State>): void {
    this.#state = Object.freeze({ ...this.#state, ...change });
    this.#touch();
  }

  #touch(): void {
    this.#snapshot = undefined;
    for (const tell of this.#subscribers) tell();
  }

  #picture(): SessionSnapshot {
    const { status, operation, generation, credential, failures, skewMs, error } = this.#state;
    const at = (age: number | undefined): number | undefined =>
      credential && age !== undefined && Number.isFinite(age) ? credential.held.anchor.wall + age : undefined;
    return Object.freeze({
      status,
      isRefreshing: operation !== undefined,
      generation,
      expiresAt: at(credential?.held.expiryAge),
      refreshAt: at(credential?.held.aheadAge),
      waiting: this.#queue.size,
      consecutiveFailures: failures,
      clockSkewMs: skewMs,
      error,
    });
  }

  #noteSkew(skewMs: number): void {
    if (!Number.isFinite(skewMs)) return;
    const before = this.#state.skewMs ?? 0;
    this.#change({ skewMs });
    if (Math.abs(skewMs - before) >= skewNoiseMs) this.events.emit('clock.skewed', { skewMs });
  }

  /** What is due without a request: a planned refresh, or the end of a session. */
  #look(online: boolean): number | undefined {
    const { credential, ending, pausedUntil, disposed: over, refreshedAt } = this.#state;
    if (over || !credential) return undefined;
    const now = this.#now();
    const { held } = credential;
    if (ending) {
      const leftMs = leftOf(held, now);
      if (leftMs <= 0) this.#expire(ending);
      return leftMs <= 0 || leftMs === Infinity ? undefined : leftMs;
    }
    if (online) this.#change({ pausedUntil: -Infinity });
    if (!this.options.schedule || held.aheadAge === Infinity) return undefined;
    const dueMs = this.#planned(held) - elapsed(held.anchor, now);
    const pauseMs = online ? 0 : pausedUntil - now.monotonic;
    const spacing = refreshedAt ? spacingMs(held.lifetimeMs) - elapsed(refreshedAt, now) : 0;
    const nextMs = Math.max(dueMs, pauseMs, spacing);
    if (nextMs > 0) return nextMs;
    if (!this.#state.operation) this.#start('timer');
    return undefined;
  }

  /** The age at which the timer refreshes: spread over the first half of the refresh-ahead window, or before the other. */
  #planned({ aheadAge, dueAge, lifetimeMs }: Held): number {
    const spread = dueAge > aheadAge ? (dueAge - aheadAge) / 2 : -lifetimeMs * 0.1;
    return aheadAge + spread * this.#jitter;
  }

  readonly #jitter = Math.random();

  // --- store ---

  #restore(): Promise<void> {
    const { tokens, clock, maxWaitMs } = this.options;
    const seed = tokens === undefined ? undefined : readTokens(tokens);
    if (seed && 'problem' in seed) throw new TokenError('AUTH_TOKEN_MALFORMED', `Option "tokens": ${seed.problem}.`);
    const loaded = this.#persistence.load(clock, maxWaitMs);
    if (!(loaded instanceof Promise)) {
      this.#begin(loaded, seed?.tokens);
      return Promise.resolve();
    }
    this.#change({ status: 'loading' });
    return loaded.then((stored) => {
      // A sign-in or sign-out that came first is newer than the store.
      if (this.#state.status !== 'loading' || this.#state.disposed) return;
      this.#change({ status: 'signed-out' });
      this.#begin(stored, seed?.tokens);
      // Each asks anew, now that there is something to ask for.
      this.#queue.release(() => undefined);
    });
  }

  #begin(stored: TokenSet | undefined, seed: TokenSet | undefined): void {
    const reading = stored === undefined ? undefined : readTokens(stored);
    const restored = reading && 'tokens' in reading ? reading.tokens : undefined;
    const tokens = restored ?? seed;
    if (!tokens) return;
    const held = this.#hold(tokens, this.#now(), false);
    this.#adopt(held, this.#holderOf(held), {});
    this.#announce(false);
    if (!restored) void this.#save();
  }

  #save(): Promise<void> {
    return this.#persistence.save(() => {
      const tokens = this.#state.credential?.held.tokens;
      return tokens && this.#toStore(tokens);
    });
  }

  /** A lifetime means nothing to whoever loads it later: the store gets a moment. */
  #toStore({ expiresIn, ...tokens }: TokenSet): TokenSet {
    return expiresIn === undefined ? tokens : { ...tokens, expiresAt: this.getSnapshot().expiresAt };
  }
}

function missing(): TokenError {
  return new TokenError(
    'AUTH_TOKEN_MISSING',
    'There is no access token, and none can be had: call setTokens() after a sign-in.',
  );
}

function cleared(): TokenError {
  return new TokenError(
    'AUTH_SESSION_CLEARED',
    'The user who made this request has signed out, or another one has signed in.',
  );
}

function disposed(): TokenError {
  return new TokenError('AUTH_SESSION_DISPOSED', 'The session has been disposed of: make a new one.');
}

function waitTimeout(): TokenError {
  return new TokenError(
    'AUTH_WAIT_TIMEOUT',
    'No token came within the request\'s own timeout or the option "maxWaitMs".',
    { retryable: true },
  );
}

export function rejectedToken(): TokenError {
  return new TokenError(
    'AUTH_TOKEN_REJECTED',
    'The API refuses a freshly issued token: check its audience, scope and issuer.',
  );
}
