/**
 * THE state, and the only place that changes it. The rest of the package has two verbs for it: `acquire` a credential
 * for a turn, and report one `refused`.
 */
import { instantOf } from './clock.js';
import { holdGiven, holdStored, type Receiver } from './core/arrivals.js';
import { freshnessOf, refreshOf, storable, type Held } from './core/freshness.js';
import type { Instant } from './core/lifetime.js';
import { cleared, disposed } from './core/refusals.js';
import { skewNoiseMs } from './core/skew.js';
import * as states from './core/state.js';
import type { Holder, State } from './core/state.js';
import type { TokenError } from './errors.js';
import { whileHeld } from './deadline.js';
import { Desk, type Given, type Host, type Turn } from './desk.js';
import { Events } from './events.js';
import type { ResolvedOptions } from './options.js';
import { Persistence } from './persistence.js';
import { errorOf, planOf, type HttpFactory, type Refreshable } from './plan.js';
import { Operation, type Answer, type FailedAttempt } from './refresher.js';
import { Scheduler } from './scheduler.js';
import type { EventPayload, RefreshTrigger, SessionSnapshot, TokenEventType, TokenSet } from './types.js';

export class Session {
  readonly events: Events;
  readonly ready: Promise<void>;
  readonly #desk: Desk;
  readonly #scheduler: Scheduler;
  readonly #persistence: Persistence;
  readonly #jitter = Math.random();
  readonly #face: Host & Refreshable;
  #state: State<Operation> = states.initialState;
  #snapshot = states.pictureOf(states.initialState, 0);

  constructor(
    readonly options: ResolvedOptions,
    http: HttpFactory,
  ) {
    this.events = new Events(() => ({ at: options.clock.now(), generation: this.#state.generation }));
    this.#persistence = new Persistence(options.store, options.clock, options.maxWaitMs, (action, error) => {
      this.#emit('store.failed', { action, error });
    });
    this.#face = this.#faceFor(http);
    this.#desk = new Desk(this.#face);
    this.#scheduler = new Scheduler(options.clock, (online) => this.#look(online));
    this.ready = this.#restore();
    this.#persistence.follow(() => void this.#follow());
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
    return this.#snapshot;
  }

  async setTokens(given: TokenSet | string): Promise<void> {
    this.assertUsable();
    if (typeof given !== 'string' && (typeof given !== 'object' || (given as unknown) === null)) {
      throw new TypeError('setTokens expects a token set or an access token.');
    }
    const held = holdGiven(given, 'setTokens', this.#receiver);
    // First in line: a refresh that these tokens start reads the store.
    const saved = this.#save();
    this.#take(held);
    await whileHeld(this.options, saved);
  }

  async signOut(): Promise<void> {
    this.assertUsable();
    this.#leave();
    await whileHeld(this.options, this.#save());
  }

  async refresh(turn: Turn): Promise<string> {
    if (this.#state.status === 'loading') await whileHeld(this.options, this.ready);
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
    // An answer that is on its way is the only copy of what the next holder of the store must ask with.
    this.#letGo(this.options.isStoreGiven ? 'leave' : 'cancel');
    this.#change({ disposed: true, operation: undefined });
    this.#desk.release(disposed);
    this.#scheduler.stop();
    this.#persistence.stop();
    this.events.close();
  }

  assertUsable(): void {
    if (this.#state.disposed) throw disposed();
  }

  // --- whose session it is ---

  /** Tokens from a sign-in, or from another holder of the session. */
  #take(held: Held, refreshedAt?: Instant): void {
    this.events.together(() => {
      const before = this.#state;
      this.#letGo();
      this.#change(states.adopted(before, held, refreshedAt));
      const { holder } = this.#state;
      const moved = holder.id !== before.holder.id;
      // Those who waited for a refresh need it no longer, unless these tokens are dead as well.
      const alive = this.#desk.usable() !== undefined;
      if (moved && before.status === 'active') this.#emit('session.cleared', {});
      this.#announce(before.status !== 'active' || moved);
      this.#desk.release(
        cleared,
        (turn) => alive || (turn.holder !== undefined && !states.sameHolder(turn.holder, holder)),
      );
    });
    if (this.#desk.waiting > 0 && !this.#state.operation) this.#start('request');
  }

  #leave(): void {
    this.events.together(() => {
      const { operation, status } = this.#state;
      this.#letGo();
      this.#change(states.signedOut(this.#state));
      if (operation || status !== 'signed-out') this.#emit('session.cleared', {});
      this.#desk.release(cleared);
      this.#scheduler.look();
    });
  }

  /** Does what another holder of the session has done. */
  async #follow(): Promise<void> {
    await this.ready;
    const news = await this.#persistence.news();
    if (!news || this.#state.disposed || !this.#persistence.take(news)) return;
    // Who has been refused as well has emptied it: no sign-out.
    if (!news.tokens && this.#state.status !== 'expired') this.#leave();
    if (!news.tokens) return;
    const held = this.#holdStored(news.tokens);
    if (!held) return;
    const { operation, escalated, failures: consecutiveFailures } = this.#state;
    const isAnswer = freshnessOf(held, this.#now()) !== 'expired' && states.isSameUser(this.#state, held);
    if (operation && isAnswer) {
      this.#succeed(operation, { held, attempt: operation.attempt, late: false }, true);
      return;
    }
    // A refresh of another holder counts for the spacing of ours.
    this.#take(held, isAnswer ? refreshOf(held, this.#now(), this.#state.refreshedAt) : undefined);
    if (escalated === 'here' && isAnswer) this.#emit('refresh.recovered', { consecutiveFailures });
  }

  #tokenOf(credential: Given): string {
    if (!credential) throw this.#desk.whyNot();
    return credential.held.tokens.accessToken;
  }

  /** The session as the desk and the operations see it. */
  #faceFor(http: HttpFactory): Host & Refreshable {
    const current = (): State<Operation> => this.#state;
    return {
      options: this.options,
      persistence: this.#persistence,
      events: this.events,
      http,
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
      follow: () => this.#follow(),
      rotated: (refreshToken) => this.#rotate(refreshToken),
      skewed: (skewMs) => this.#learnSkew(skewMs),
    };
  }

  // --- refreshing ---

  #start(trigger: RefreshTrigger): void {
    const operationId = Math.random().toString(36).slice(2, 12);
    const plan = planOf(this.#face, operationId, trigger, {
      succeeded: (answer) => {
        if (!this.#state.disposed) this.#succeed(operation, answer);
        // In a shared store it is already.
        else if (!this.#persistence.isShared) void this.#persistence.bequeath(storable(answer.held));
      },
      failed: (failed) => this.events.together(() => this.#fail(operation, failed)),
    });
    const operation = new Operation(operationId, trigger, plan);
    this.events.together(() => {
      this.#change({ operation });
      this.#emit('refresh.started', { operationId, trigger });
    });
    operation.run();
  }

  /** Lets go of refreshes: their answers are no longer wanted, or `leave`, not here. */
  #letGo(how: 'cancel' | 'leave' = 'cancel'): void {
    this.#state.operation?.[how]();
    for (const late of this.#state.late) late[how]();
  }

  #succeed(operation: Operation, { held, attempt, late }: Answer, adopted = false): void {
    this.events.together(() => {
      const { status, escalated, failures } = this.#state;
      const before = this.#snapshot;
      this.#letGo();
      const now = this.#now();
      const { id: operationId, trigger, durationMs } = operation;
      const refreshedAt = adopted ? refreshOf(held, now, this.#state.refreshedAt) : now;
      this.#change(states.adopted(this.#state, held, refreshedAt, trigger === 'unauthorized' && !adopted));
      this.#emit('refresh.succeeded', { operationId, trigger, attempt, durationMs, late, adopted });
      if (escalated === 'here')
        this.#emit('refresh.recovered', { operationId, trigger, consecutiveFailures: failures });
      this.#tellSkew(before);
      this.#announce(status !== 'active');
      this.#desk.release();
    });
    // In a shared store it is already.
    if (!this.#persistence.isShared) void this.#save();
  }

  #fail(operation: Operation, failed: FailedAttempt): void {
    const { credential, escalated, ending } = this.#state;
    const { id: operationId, trigger, attempt, durationMs } = operation;
    const { terminal, retryAfterMs } = failed.failure;
    const now = this.#now();
    const error = errorOf(this.#face, operation, failed);
    // A token refused by the API and by the refresh is dead, whatever its expiry says.
    const refusal = terminal ? error : ending;
    const servedCurrent = this.#desk.usable() !== undefined && !(refusal && credential?.held.refused);
    // Those that were answered meanwhile are done with.
    const late = this.#state.late.filter(({ isListening }) => isListening);
    this.#change(states.failed({ ...this.#state, late }, error, now, Math.random(), retryAfterMs));
    const { failures: consecutiveFailures } = this.#state;
    const escalating = !escalated && consecutiveFailures >= this.options.escalateAfter;
    this.#change({ ending: servedCurrent ? refusal : undefined });
    const told = { operationId, trigger, attempt, durationMs, error, consecutiveFailures, servedCurrent };
    const tell = (): void => {
      this.#emit('refresh.failed', told);
      if (escalating) this.#escalate(operation, error);
    };
    if (refusal && !servedCurrent) {
      this.#expire(refusal, tell);
      return;
    }
    tell();
    if (terminal && !ending) this.#emit('session.ending', { endsAt: this.#snapshot.expiresAt, error });
    this.#desk.release();
    this.#scheduler.look();
  }

  /** Once per streak; of several holders one does it for all. */
  #escalate({ id: operationId, trigger }: Operation, error: TokenError): void {
    const trouble = states.troubleOf(this.#state, this.#now());
    const tell = (mayTell: boolean): void => {
      // It may have ended while the store was asked.
      if (!mayTell || this.#state.streak?.firstAt !== trouble.firstFailureAt) return;
      this.#change({ escalated: 'here' });
      this.#emit('refresh.escalated', { operationId, trigger, error, ...trouble });
    };
    this.#change({ escalated: 'elsewhere' });
    const verdict = this.#persistence.mayEscalate();
    if (verdict === true) tell(true);
    else void verdict.then(tell);
  }

  #expire(error: TokenError, tellFirst?: () => void): void {
    const { status: before, credential } = this.#state;
    this.events.together(() => {
      this.#letGo();
      this.#change(states.expired(this.#state, error, this.options.whenMissing === 'refresh'));
      tellFirst?.();
      if (this.#state.status === 'expired' && before !== 'expired') this.#emit('session.expired', { error });
      this.#desk.release();
      this.#scheduler.look();
    });
    // Who held nothing ends nothing: a store that could not be read may hold what others go on with.
    if (credential) void this.#keep();
  }

  /** An answer that was no use has brought the next refresh token all the same. */
  #rotate(refreshToken: string): void {
    this.#change(states.rotated(this.#state, refreshToken));
    void (this.#state.disposed ? this.#persistence.bequeath(this.#storable()) : this.#keep());
  }

  /** Counts at once, for the answer that has told it; whoever hears of it is not to prolong an exclusive section. */
  #learnSkew(skewMs: number): void {
    if (this.#state.disposed || this.#state.skewMs === skewMs) return;
    const before = this.#snapshot;
    this.#state = { ...this.#state, skewMs };
    this.#snapshot = states.pictureOf(this.#state, this.#desk.waiting, before);
    this.#persistence.outside(() => {
      this.events.changed();
      this.#tellSkew(before);
    });
  }

  /** Tells of a skew that is news. */
  #tellSkew(before: SessionSnapshot): void {
    const { clockSkewMs: skewMs } = this.#snapshot;
    if (skewMs !== undefined && Math.abs(skewMs - (before.clockSkewMs ?? 0)) >= skewNoiseMs)
      this.#emit('clock.skewed', { skewMs });
  }

  /** Does what is due without a request: a planned refresh, or the end of a session. Tells when to look again. */
  #look(online: boolean): number {
    if (online) this.#change({ pausedUntil: states.unpaused });
    if (this.#dueMs() <= 0) {
      const { ending } = this.#state;
      if (ending) this.#expire(ending);
      else this.#start('timer');
    }
    // Asked anew: whoever heard of that may have brought tokens.
    return this.#dueMs();
  }

  #dueMs(): number {
    const { operation, disposed } = this.#state;
    if (operation || disposed) return Infinity;
    return states.nextLookMs(this.#state, this.#now(), this.options.schedule, this.#jitter);
  }

  // --- state ---

  #now(): Instant {
    return instantOf(this.options.clock);
  }

  /** What the store holds; nothing if it makes no header here. */
  #holdStored(tokens: TokenSet): Held | undefined {
    try {
      return holdStored(tokens, this.#receiver);
    } catch (error) {
      this.#persistence.outside(() => this.events.failed('formatHeader', error));
      return undefined;
    }
  }

  get #receiver(): Receiver {
    return { state: this.#state, options: this.options, now: this.#now() };
  }

  #announce(started: boolean): void {
    if (started) this.#emit('session.started', {});
    this.#emit('tokens.changed', { expiresAt: this.#snapshot.expiresAt });
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
    const snapshot = states.pictureOf(this.#state, this.#desk.waiting, this.#snapshot);
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    this.events.changed();
  }

  // --- store ---

  #restore(): Promise<void> {
    const { tokens } = this.options;
    const seed = tokens === undefined ? undefined : holdGiven(tokens, 'Option "tokens"', this.#receiver);
    const loaded = this.#persistence.load();
    if (!(loaded instanceof Promise)) {
      this.#begin(loaded, seed);
      return Promise.resolve();
    }
    this.#change({ status: 'loading' });
    return loaded.then((stored) => {
      // A sign-in or sign-out that came first is newer than the store.
      if (this.#state.status !== 'loading' || this.#state.disposed) return;
      this.events.together(() => {
        this.#change({ status: 'signed-out' });
        this.#begin(stored, seed);
      });
      // Each asks anew, now that there is something to ask for.
      this.#desk.reopen();
    });
  }

  #begin(stored: TokenSet | undefined, seed: Held | undefined): void {
    const held = stored ? this.#holdStored(stored) : seed;
    if (!held) return;
    this.#change(states.adopted(this.#state, held));
    this.#announce(true);
    if (!stored) void this.#keep();
  }

  #save(): Promise<void> {
    return this.#persistence.save(() => this.#storable());
  }

  /** Saves unless another holder has written meanwhile: that one is followed. */
  async #keep(): Promise<void> {
    if (!(await this.#persistence.replace(() => this.#storable()))) await this.#follow();
  }

  #storable(): TokenSet | undefined {
    const { credential } = this.#state;
    return credential && storable(credential.held);
  }
}
