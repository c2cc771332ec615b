/**
 * THE state, and the only place that changes it. The rest of the package has two verbs for it: `acquire` a credential
 * for a turn, and report one `refused`.
 */
import type { AxiosInstance } from 'axios';
import { instantOf } from './clock.js';
import { accept } from './core/acceptance.js';
import { judge, type Failure } from './core/failure.js';
import { hold, type Held } from './core/freshness.js';
import { elapsed, type Instant } from './core/lifetime.js';
import { refreshError } from './core/outcome.js';
import { cleared, disposed } from './core/refusals.js';
import { skewNoiseMs, skewOf } from './core/skew.js';
import * as states from './core/state.js';
import type { Holder, State } from './core/state.js';
import { readTokens } from './core/tokens.js';
import { TokenError } from './errors.js';
import { Desk, type Given, type Host, type Turn } from './desk.js';
import { Events } from './events.js';
import type { SeenDate } from './http.js';
import type { ResolvedOptions } from './options.js';
import { Persistence } from './persistence.js';
import { Operation, type Answer, type FailedAttempt } from './refresher.js';
import { Scheduler } from './scheduler.js';
import type { EventPayload, RefreshTrigger, SessionSnapshot, TokenEventType, TokenSet } from './types.js';

/** Makes the bare client of one attempt. */
export type HttpFactory = (signal: AbortSignal, seen: SeenDate) => AxiosInstance;

export class Session {
  readonly events: Events;
  readonly ready: Promise<void>;
  readonly #desk: Desk;
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
    this.#desk = new Desk(this.#host());
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
    return this.#desk.mustWait;
  }

  acquire(turn: Turn): Given | Promise<Given> {
    return this.#desk.acquire(turn);
  }

  refused(turn: Turn, credential: Given): Given | Promise<Given> {
    return this.#desk.refused(turn, credential);
  }

  // --- what the user asks ---

  getSnapshot(): SessionSnapshot {
    return (this.#snapshot ??= states.pictureOf(this.#state, this.#desk.waiting));
  }

  subscribe(listener: () => void): () => void {
    const guarded = this.events.guard('subscribe', listener);
    const tell = (): void => guarded(undefined);
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
    const held = this.#hold(reading.tokens);
    this.#cancel();
    this.#change(states.adopted(before, held));
    const { holder } = this.#state;
    const moved = holder.id !== before.holder.id;
    // Those who waited for a refresh need it no longer, unless these tokens are dead as well.
    const alive = this.#desk.usable() !== undefined;
    this.#desk.release(
      cleared,
      (turn) => alive || (turn.holder !== undefined && !states.sameHolder(turn.holder, holder)),
    );
    if (moved && before.status === 'active') this.#emit('session.cleared', {});
    this.#announce(before.status !== 'active' || moved);
    if (this.#desk.waiting > 0 && !this.#state.operation) this.#start('request');
    await this.#save();
  }

  async signOut(): Promise<void> {
    this.assertUsable();
    const { operation, status } = this.#state;
    this.#cancel();
    this.#change(states.signedOut(this.#state));
    this.#desk.release(cleared);
    if (operation || status !== 'signed-out') this.#emit('session.cleared', {});
    this.#scheduler.look();
    await this.#save();
  }

  async refresh(turn: Turn): Promise<string> {
    this.assertUsable();
    if (this.#state.status === 'loading') await this.ready;
    this.assertUsable();
    turn.refused = this.#state.generation;
    turn.holder = this.holder;
    if (!this.#state.operation) this.#start('manual');
    return this.#tokenOf(await this.#desk.wait(turn, Infinity));
  }

  async accessToken(turn: Turn): Promise<string> {
    return this.#tokenOf(await this.#desk.acquire(turn));
  }

  dispose(): void {
    if (this.#state.disposed) return;
    this.#cancel();
    this.#change({ disposed: true, operation: undefined });
    this.#desk.release(disposed);
    this.#scheduler.stop();
    this.#persistence.stop();
    this.events.clear();
    this.#subscribers.clear();
  }

  assertUsable(): void {
    if (this.#state.disposed) throw disposed();
  }

  #tokenOf(credential: Given): string {
    if (!credential) throw this.#desk.whyNot();
    return credential.held.tokens.accessToken;
  }

  /** The session as the desk sees it. */
  #host(): Host {
    const current = (): State<Operation> => this.#state;
    return {
      options: this.options,
      get state() {
        return current();
      },
      now: () => this.#now(),
      start: (trigger) => this.#start(trigger),
      expire: (error) => this.#expire(error),
      markRefused: () => this.#change(states.refused(this.#state)),
      queued: (trigger) => {
        this.#touch();
        this.#emit('request.queued', { trigger, waiting: this.#desk.waiting });
      },
      released: (released, servedCurrent) => {
        this.#touch();
        this.#emit('request.released', { ...released, servedCurrent });
      },
    };
  }

  // --- refreshing ---

  #start(trigger: RefreshTrigger): void {
    const { clock, refreshTimeoutMs: timeoutMs, retry, refresh } = this.options;
    const { generation, holder } = this.#state;
    const operationId = Math.random().toString(36).slice(2, 12);
    const operation: Operation = new Operation(operationId, trigger, this.#now(), {
      clock,
      timeoutMs,
      retry,
      call: (attempt, signal) => {
        const http = this.http(signal, (date, sentAt) => {
          const skewMs = skewOf(Date.parse(date), sentAt, clock.now());
          const before = this.getSnapshot();
          if (Number.isFinite(skewMs)) this.#change({ skewMs });
          this.#tellSkew(before);
        });
        const tokens = this.#state.credential?.held.tokens;
        return refresh(Object.freeze({ tokens, trigger, attempt, operationId, signal, http }));
      },
      read: (returned, askedAt) => {
        const { credential, skewMs } = this.#state;
        return accept({ returned, askedAt, now: this.#now(), current: credential?.held, skewMs }, this.options);
      },
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
    for (const late of this.#state.late) late.cancel();
  }

  #succeed(operation: Operation, { held, attempt, late }: Answer): void {
    const { status, escalated, failures } = this.#state;
    const before = this.getSnapshot();
    this.#cancel();
    const now = this.#now();
    const { id: operationId, trigger } = operation;
    this.#change(states.adopted(this.#state, held, now, trigger === 'unauthorized'));
    this.#desk.release();
    this.#emit('refresh.succeeded', {
      operationId,
      trigger,
      attempt,
      durationMs: elapsed(operation.startedAt, now),
      late,
    });
    if (escalated) this.#emit('refresh.recovered', { operationId, trigger, consecutiveFailures: failures });
    this.#tellSkew(before);
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
    const refusal = terminal ? error : ending;
    const servedCurrent = this.#desk.usable() !== undefined && !(refusal && credential?.held.refused);
    this.#change(states.failed(this.#state, error, now, Math.random()));
    const { failures: consecutiveFailures } = this.#state;
    const escalating = !escalated && consecutiveFailures >= this.options.escalateAfter;
    this.#change({ escalated: escalated || escalating, ending: refusal });
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
    if (refusal && !servedCurrent) {
      this.#expire(refusal, tell);
      return;
    }
    this.#desk.release();
    tell();
    if (terminal && !ending) this.#emit('session.ending', { endsAt: this.getSnapshot().expiresAt, error });
    this.#scheduler.look();
  }

  #expire(error: TokenError, tellFirst?: () => void): void {
    const before = this.#state.status;
    this.#change(states.expired(this.#state, error, this.options.whenMissing === 'refresh'));
    this.#desk.release();
    this.#scheduler.look();
    tellFirst?.();
    if (this.#state.status === 'expired' && before !== 'expired') this.#emit('session.expired', { error });
    void this.#save();
  }

  #classify(error: unknown): Failure {
    const { classifyFailure } = this.options;
    const failure = judge(error, classifyFailure, (thrown) => this.events.failed('classifyFailure', thrown));
    // While an attempt is unanswered, a refusal may only mean that it was the one that succeeded.
    return { ...failure, terminal: failure.terminal && !this.#state.late.some((late) => late.isListening) };
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

  /** Tells of a skew that is news. */
  #tellSkew(before: SessionSnapshot): void {
    const { clockSkewMs: skewMs } = this.getSnapshot();
    if (skewMs !== undefined && Math.abs(skewMs - (before.clockSkewMs ?? 0)) >= skewNoiseMs)
      this.#emit('clock.skewed', { skewMs });
  }

  /** Does what is due without a request: a planned refresh, or the end of a session. Tells when to look again. */
  #look(online: boolean): number | undefined {
    if (online) this.#change({ pausedUntil: -Infinity });
    const { ending, operation, disposed } = this.#state;
    const nextMs =
      disposed || (ending && operation)
        ? Infinity
        : states.nextLookMs(this.#state, this.#now(), this.options.schedule, this.#jitter);
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

  /** Tokens from a sign-in, the options or the store: of any age. */
  #hold(tokens: TokenSet): Held {
    const { skewMs, credential } = this.#state;
    const now = this.#now();
    return hold(tokens, this.options, { anchor: now, now, fresh: false, skewMs, previous: credential?.held });
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
      this.#desk.reopen();
    });
  }

  #begin(stored: TokenSet | undefined, seed: TokenSet | undefined): void {
    const tokens = stored ?? seed;
    if (!tokens) return;
    this.#change(states.adopted(this.#state, this.#hold(tokens)));
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
