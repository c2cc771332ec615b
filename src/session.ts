/**
 * THE state, and the only place that changes it. The rest of the package has two verbs for it: `acquire` a credential
 * for a turn, and report one `refused`.
 */
import type { AxiosInstance } from 'axios';
import { instantOf } from './clock.js';
import { classify, type Failure } from './core/failure.js';
import { freshnessOf, hold, leftOf, patienceMs, plannedAge, spacingLeft, type Held } from './core/freshness.js';
import { elapsed, type Instant } from './core/lifetime.js';
import { refreshError } from './core/outcome.js';
import { skewNoiseMs, skewOf } from './core/skew.js';
import * as states from './core/state.js';
import type { Credential, Holder, State } from './core/state.js';
import { readTokens } from './core/tokens.js';
import { TokenError } from './errors.js';
import { Events } from './events.js';
import type { SeenDate } from './http.js';
import type { ResolvedOptions } from './options.js';
import { Persistence } from './persistence.js';
import { Queue, type Interruptible } from './queue.js';
import { Operation, type Answer, type FailedAttempt } from './refresher.js';
import { Scheduler } from './scheduler.js';
import type { EventPayload, RefreshTrigger, SessionSnapshot, TokenEventType, TokenSet } from './types.js';

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

export type Given = Credential | undefined;

/** Makes the bare client of one attempt. */
export type HttpFactory = (signal: AbortSignal, seen: SeenDate) => AxiosInstance;

const forcedEveryMs = 30_000;
// An operation that ends together with a wait settles it itself.
const operationFirstMs = 1_000;

export class Session {
  readonly events: Events;
  readonly ready: Promise<void>;
  readonly #queue: Queue<Turn, Given>;
  readonly #scheduler: Scheduler;
  readonly #persistence: Persistence;
  readonly #subscribers = new Set<() => void>();
  readonly #jitter = Math.random();
  #snapshot: SessionSnapshot | undefined;
  #state: State<Operation> = states.initialState;

  constructor(
    readonly options: ResolvedOptions,
    private readonly http: HttpFactory,
  ) {
    this.events = new Events(() => ({ at: options.clock.now(), generation: this.#state.generation }));
    this.#queue = new Queue(options.clock);
    this.#scheduler = new Scheduler(options.clock, (online) => this.#look(online));
    this.#persistence = new Persistence(options.store, (action, error) => {
      this.#emit('store.failed', { action, error });
    });
    this.ready = this.#restore();
  }

  // --- what requests ask ---

  /** Who is signed in, if anybody. */
  get holder(): Holder | undefined {
    return this.#state.credential?.holder;
  }

  /** Whether `acquire` would do more than hand out the current credential. */
  get mustWait(): boolean {
    const { status, credential, operation } = this.#state;
    if (!credential) return status === 'loading' || operation !== undefined || this.options.whenMissing !== 'send';
    const freshness = freshnessOf(credential.held, this.#now());
    return freshness === 'due' || freshness === 'expired';
  }

  /** A credential for this turn, now or later; none where the request is to go without. */
  acquire(turn: Turn): Given | Promise<Given> {
    this.#admit(turn);
    const { status, credential, ending } = this.#state;
    if (status === 'loading') return this.#acquireLoaded(turn);
    if (!credential) return this.#acquireMissing(turn);
    const now = this.#now();
    const freshness = freshnessOf(credential.held, now);
    if (freshness === 'expired') {
      if (ending) {
        this.#expire(ending);
        return this.acquire(turn);
      }
      return this.#waitForNew(turn, 'request');
    }
    if (freshness === 'ahead') this.#startAhead('ahead', now);
    if (freshness === 'due' && turn.patient && this.#startAhead('request', now) && this.#hasRoom()) {
      return this.#wait(
        turn,
        Math.min(patienceMs(leftOf(credential.held, now), turn.ownTimeMs()), this.options.maxWaitMs),
      );
    }
    turn.holder = credential.holder;
    return credential;
  }

  /** The API refused `credential`, or a request without one. Another one to send the request with again. */
  refused(turn: Turn, credential: Given): Given | Promise<Given> {
    const refused = credential?.generation ?? 0;
    turn.refused = refused;
    this.#admit(turn);
    const { credential: current, ending, dormant, operation, forcedAt } = this.#state;
    const newer = this.#usable(turn);
    if (newer) return newer;
    if (ending) this.#expire(ending);
    if (!operation) {
      if (ending || dormant) throw this.#whyNot();
      if (forcedAt && elapsed(forcedAt, this.#now()) < forcedEveryMs) throw rejectedToken();
    }
    const turnOver = this.#waitForNew(turn, 'unauthorized');
    if (current?.generation === refused)
      this.#change({ credential: { ...current, held: { ...current.held, refused: true } } });
    return turnOver;
  }

  // --- what the user asks ---

  getSnapshot(): SessionSnapshot {
    return (this.#snapshot ??= states.pictureOf(this.#state, this.#queue.size));
  }

  subscribe(listener: () => void): () => void {
    const tell = (): void => this.events.guard('subscribe', listener)(undefined);
    this.#subscribers.add(tell);
    return () => this.#subscribers.delete(tell);
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
    this.#cancel();
    this.#change(states.adopted(before, held));
    const { holder } = this.#state;
    const moved = holder.id !== before.holder.id;
    // Those who waited for a refresh need it no longer, unless these tokens are dead as well.
    const alive = this.#usable() !== undefined;
    this.#queue.release(
      (turn) => this.#verdict(turn, cleared),
      (turn) => alive || (turn.holder !== undefined && !states.sameHolder(turn.holder, holder)),
    );
    if (moved && before.status === 'active') this.#emit('session.cleared', {});
    this.#announce(before.status !== 'active' || moved);
    if (this.#queue.size > 0 && !this.#state.operation) this.#start('request');
    await this.#save();
  }

  async signOut(): Promise<void> {
    this.assertUsable();
    const { operation, status } = this.#state;
    this.#cancel();
    this.#change(states.signedOut(this.#state));
    this.#release(cleared);
    if (operation || status !== 'signed-out') this.#emit('session.cleared', {});
    await this.#save();
  }

  async refresh(turn: Turn): Promise<string> {
    this.assertUsable();
    if (this.#state.status === 'loading') await this.ready;
    this.assertUsable();
    turn.refused = this.#state.generation;
    if (!this.#state.operation) this.#start('manual');
    return this.#tokenOf(await this.#wait(turn, Infinity));
  }

  async accessToken(turn: Turn): Promise<string> {
    return this.#tokenOf(await this.acquire(turn));
  }

  dispose(): void {
    if (this.#state.disposed) return;
    this.#cancel();
    this.#change({ disposed: true, operation: undefined });
    this.#release(disposed);
    this.#scheduler.stop();
    this.events.clear();
    this.#subscribers.clear();
  }

  assertUsable(): void {
    if (this.#state.disposed) throw disposed();
  }

  // --- waiting ---

  #admit({ holder }: Turn): void {
    this.assertUsable();
    if (holder && !states.sameHolder(holder, this.#state.holder)) throw cleared();
  }

  /** The current credential if it may be sent: alive, and not one that the API refused this turn. */
  #usable(turn?: Turn): Given {
    const { credential } = this.#state;
    if (!credential || credential.generation <= (turn?.refused ?? 0)) return undefined;
    return freshnessOf(credential.held, this.#now()) === 'expired' ? undefined : credential;
  }

  async #acquireLoaded(turn: Turn): Promise<Given> {
    await this.#wait(turn);
    turn.patient = true;
    return this.acquire(turn);
  }

  #acquireMissing(turn: Turn): undefined | Promise<Given> {
    const { whenMissing } = this.options;
    const { status, operation, dormant } = this.#state;
    // A request that was somebody's when it was first sent is not sent again as nobody's.
    if (turn.holder) throw this.#whyNot();
    if (operation && whenMissing !== 'reject') return this.#wait(turn);
    if (whenMissing === 'send') return undefined;
    if (whenMissing === 'reject' || (dormant && status !== 'expired')) throw this.#whyNot();
    return this.#waitForNew(turn, 'request');
  }

  /** Joins the refresh in flight, or starts one. Throws the last error while the server is left in peace. */
  #waitForNew(turn: Turn, trigger: RefreshTrigger): Promise<Given> {
    const { operation, pausedUntil, error } = this.#state;
    if (!operation) {
      if (error && this.options.clock.monotonic() < pausedUntil) throw error;
      this.#start(trigger);
    }
    return this.#wait(turn);
  }

  #hasRoom(): boolean {
    return this.#queue.size < this.options.maxWaiting;
  }

  async #wait(turn: Turn, limitMs = Math.min(turn.ownTimeMs(), this.options.maxWaitMs)): Promise<Given> {
    if (!this.#hasRoom()) {
      const count = String(this.options.maxWaiting);
      throw new TokenError('AUTH_QUEUE_FULL', `${count} requests wait for a token already (option "maxWaiting").`, {
        retryable: true,
      });
    }
    const { operation, credential } = this.#state;
    turn.holder ??= credential?.holder;
    turn.patient = false;
    const turnOver = this.#queue.join(
      turn,
      operation && limitMs >= operation.leftMs ? operation.leftMs + operationFirstMs : limitMs,
      () => this.#verdict(turn, waitTimeout),
      ({ outcome, durationMs }) => {
        this.#touch();
        const servedCurrent = outcome === 'sent' && !!credential && credential.generation === this.#state.generation;
        this.#emit('request.released', { outcome, durationMs, servedCurrent });
      },
    );
    this.#touch();
    this.#emit('request.queued', { trigger: operation?.trigger, waiting: this.#queue.size });
    return turnOver;
  }

  /** What a turn that has waited goes on with. */
  #verdict(turn: Turn, otherwise: () => TokenError): Given {
    this.#admit(turn);
    const usable = this.#usable(turn);
    if (usable) {
      turn.holder = usable.holder;
      return usable;
    }
    const { credential, status } = this.#state;
    const goesWithout =
      !credential && !turn.holder && turn.refused === undefined && this.options.whenMissing === 'send';
    if (goesWithout || status === 'loading') return undefined;
    throw otherwise();
  }

  /** Settles all that wait: with the credential they can have, or with `why`. */
  #release(why: () => TokenError = () => this.#whyNot()): void {
    this.#queue.release((turn) => this.#verdict(turn, why));
  }

  #whyNot(): TokenError {
    return this.#state.error ?? missing();
  }

  #tokenOf(credential: Given): string {
    if (!credential) throw this.#whyNot();
    return credential.held.tokens.accessToken;
  }

  // --- refreshing ---

  /** Starts a refresh of a token that still lives, if one is worthwhile now. Whether one is under way then. */
  #startAhead(trigger: RefreshTrigger, now: Instant): boolean {
    const { operation, credential, ending, refreshedAt, pausedUntil } = this.#state;
    if (operation) return true;
    if (!credential || ending || now.monotonic < pausedUntil) return false;
    if (!credential.held.refused && spacingLeft(refreshedAt, credential.held, now) > 0) return false;
    this.#start(trigger);
    return true;
  }

  #start(trigger: RefreshTrigger): void {
    const { clock, refreshTimeoutMs: timeoutMs, retry, refresh } = this.options;
    const { generation, holder } = this.#state;
    const operationId = Math.random().toString(36).slice(2, 12);
    const operation: Operation = new Operation(operationId, trigger, this.#now(), {
      clock,
      timeoutMs,
      retry,
      call: (attempt, signal) => {
        const http = this.http(signal, (date, sentAt) => this.#noteSkew(skewOf(Date.parse(date), sentAt, clock.now())));
        const tokens = this.#state.credential?.held.tokens;
        return refresh(Object.freeze({ tokens, trigger, attempt, operationId, signal, http }));
      },
      read: (returned, startedAt) => this.#read(returned, startedAt),
      classify: (error) => this.#classify(error),
      retried: (attempt, delayMs, failed) => {
        this.#emit('refresh.retried', {
          operationId,
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
      failed: (failed) => this.#fail(operation, failed),
    });
    this.#change({ operation });
    this.#emit('refresh.started', { operationId, trigger });
    operation.run();
  }

  /** Lets go of refreshes whose answers are no longer wanted. */
  #cancel(): void {
    this.#state.operation?.cancel();
    this.#state.late?.cancel();
  }

  /** Checks what a refresh returned. */
  #read(returned: unknown, startedAt: Instant): Held {
    const reading = readTokens(returned);
    if ('problem' in reading) throw invalid(reading.problem);
    const current = this.#state.credential?.held;
    const tokens = { ...reading.tokens, refreshToken: reading.tokens.refreshToken ?? current?.tokens.refreshToken };
    const same = current?.tokens.accessToken === tokens.accessToken;
    if (same && current.refused) throw invalid('it is the very token that the API refused');
    // The same token again has not become younger.
    const held = same && tokens.expiresIn === undefined ? { ...current, tokens } : this.#hold(tokens, startedAt, true);
    if (freshnessOf(held, this.#now()) === 'expired')
      throw invalid('it has expired already ("expiresAt" is in milliseconds)');
    if (current?.subject !== undefined && held.subject !== undefined && held.subject !== current.subject) {
      throw invalid("it is another user's");
    }
    return held;
  }

  #succeed(operation: Operation, { held, attempt, late }: Answer): void {
    const { status, escalated, failures } = this.#state;
    this.#cancel();
    const now = this.#now();
    const { id: operationId, trigger } = operation;
    this.#change(states.adopted(this.#state, held, now, trigger === 'unauthorized'));
    this.#release();
    this.#emit('refresh.succeeded', {
      operationId,
      trigger,
      attempt,
      durationMs: elapsed(operation.startedAt, now),
      late,
    });
    if (escalated) this.#emit('refresh.recovered', { operationId, trigger, consecutiveFailures: failures });
    this.#announce(status !== 'active');
    void this.#save();
  }

  #fail(operation: Operation, failed: FailedAttempt): void {
    const { credential, escalated, ending } = this.#state;
    const { id: operationId, trigger, attempt } = operation;
    const { terminal } = failed.failure;
    const now = this.#now();
    const error = this.#errorOf(operation, failed);
    // A token refused by the API and by the refresh is dead, whatever its expiry says.
    const servedCurrent = this.#usable() !== undefined && !(terminal && credential?.held.refused);
    this.#change(states.failed(this.#state, error, now, Math.random()));
    const { failures: consecutiveFailures } = this.#state;
    const escalating = !escalated && consecutiveFailures >= this.options.escalateAfter;
    this.#change({ escalated: escalated || escalating, ending: terminal && servedCurrent ? error : ending });
    const tell = (): void => {
      const durationMs = elapsed(operation.startedAt, now);
      this.#emit('refresh.failed', {
        operationId,
        trigger,
        attempt,
        durationMs,
        error,
        consecutiveFailures,
        servedCurrent,
      });
      if (escalating) this.#emit('refresh.escalated', { operationId, trigger, consecutiveFailures, error });
    };
    if (terminal && !servedCurrent) {
      this.#expire(error, tell);
      return;
    }
    this.#release();
    tell();
    if (terminal && !ending) this.#emit('session.ending', { endsAt: this.getSnapshot().expiresAt, error });
    this.#scheduler.look();
  }

  #expire(error: TokenError, tellFirst?: () => void): void {
    const before = this.#state.status;
    this.#change(states.expired(this.#state, error, this.options.whenMissing === 'refresh'));
    this.#release();
    tellFirst?.();
    if (this.#state.status === 'expired' && before !== 'expired') this.#emit('session.expired', { error });
    void this.#save();
  }

  #classify(error: unknown): Failure {
    const reading = classify(error);
    // While an earlier attempt is unanswered, a refusal may only mean that it was the one that succeeded.
    const failure = { ...reading, terminal: reading.terminal && !this.#state.late?.isListening };
    try {
      const verdict: unknown = this.options.classifyFailure?.(error);
      if (verdict === undefined) return failure;
      if (verdict === 'terminal' || verdict === 'transient') return { ...failure, terminal: verdict === 'terminal' };
      throw new TypeError("classifyFailure must return 'terminal', 'transient' or undefined");
    } catch (thrown) {
      this.events.failed('classifyFailure', thrown);
      return failure;
    }
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

  #noteSkew(skewMs: number): void {
    if (!Number.isFinite(skewMs)) return;
    const before = this.#state.skewMs ?? 0;
    this.#change({ skewMs });
    if (Math.abs(skewMs - before) >= skewNoiseMs) this.#emit('clock.skewed', { skewMs });
  }

  /** Does what is due without a request: a planned refresh, or the end of a session. Tells when to look again. */
  #look(online: boolean): number | undefined {
    if (online) this.#change({ pausedUntil: -Infinity });
    const { credential, ending, pausedUntil, disposed: over, refreshedAt, operation } = this.#state;
    if (over || !credential) return undefined;
    const now = this.#now();
    const { held } = credential;
    const age = elapsed(held.anchor, now);
    const pauseMs = pausedUntil - now.monotonic;
    const nextMs = ending
      ? held.expiryAge - age
      : this.options.schedule
        ? Math.max(plannedAge(held, this.#jitter) - age, pauseMs, spacingLeft(refreshedAt, held, now))
        : // Nothing is due; but the network may come back and end the pause.
          Math.max(pauseMs, 0) || Infinity;
    if (nextMs === Infinity) return undefined;
    if (nextMs > 0) return nextMs;
    if (ending) this.#expire(ending);
    else if (!operation) this.#start('timer');
    return undefined;
  }

  // --- state ---

  #now(): Instant {
    return instantOf(this.options.clock);
  }

  #hold(tokens: TokenSet, anchor: Instant, fresh: boolean): Held {
    return hold(tokens, this.options, anchor, fresh, this.#state.skewMs);
  }

  #announce(started: boolean): void {
    if (started) this.#emit('session.started', {});
    this.#emit('tokens.changed', { expiresAt: this.getSnapshot().expiresAt });
    this.#scheduler.look();
  }

  #emit<T extends TokenEventType>(type: T, fields: EventPayload<T>): void {
    this.events.emit(type, fields);
  }

  #change(change: Partial<State<Operation>>): void {
    this.#state = { ...this.#state, ...change };
    this.#touch();
  }

  #touch(): void {
    this.#snapshot = undefined;
    for (const tell of this.#subscribers) tell();
  }

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
      try {
        this.#begin(stored, seed?.tokens);
      } catch (error) {
        this.events.failed('formatHeader', error);
      }
      // Each asks anew, now that there is something to ask for.
      this.#queue.release(() => undefined);
    });
  }

  #begin(stored: TokenSet | undefined, seed: TokenSet | undefined): void {
    const tokens = stored ?? seed;
    if (!tokens) return;
    this.#change(states.adopted(this.#state, this.#hold(tokens, this.#now(), false)));
    this.#announce(true);
    if (!stored) void this.#save();
  }

  #save(): Promise<void> {
    return this.#persistence.save(() => {
      const tokens = this.#state.credential?.held.tokens;
      // A lifetime means nothing to whoever loads it later: the store gets a moment.
      return tokens?.expiresIn === undefined
        ? tokens
        : { ...tokens, expiresIn: undefined, expiresAt: this.getSnapshot().expiresAt };
    });
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

function invalid(problem: string): TokenError {
  return new TokenError('AUTH_REFRESH_RESPONSE_INVALID', `The refresh callback returned no usable token: ${problem}.`, {
    kind: 'protocol',
  });
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
