/** Where requests ask for credentials and wait for them. It reads the state; only the session changes it. */
import { cleared, disposed, missing, queueFull, rejectedToken, waitTimeout } from './core/refusals.js';
import { freshnessOf, isDue, leftOf, patienceMs, spacingLeft } from './core/freshness.js';
import { elapsed, type Instant } from './core/lifetime.js';
import { sameHolder, type Credential, type Holder, type State } from './core/state.js';
import { TokenError } from './errors.js';
import type { ResolvedOptions } from './options.js';
import { Queue, type Interruptible, type Released } from './queue.js';
import type { Operation } from './refresher.js';
import type { RefreshTrigger } from './types.js';

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

/** A credential, or none where the request is to go without. */
export type Given = Credential | undefined;

/** What the desk needs of the session. */
export interface Host {
  readonly options: ResolvedOptions;
  readonly state: State<Operation>;
  now(): Instant;
  start(trigger: RefreshTrigger): void;
  /** The refused token has died. */
  expire(error: TokenError): void;
  /** The API refused the current token before its time. */
  markRefused(): void;
  queued(trigger: RefreshTrigger | undefined): void;
  released(released: Released, servedCurrent: boolean): void;
}

/** A 401 forces a refresh once in this time, whoever has it. */
export const forcedEveryMs = 30_000;
// An operation that ends together with a wait settles it itself.
const operationFirstMs = 1_000;

export class Desk {
  readonly #host: Host;
  readonly #queue: Queue<Turn, Given>;

  constructor(host: Host) {
    this.#host = host;
    this.#queue = new Queue(host.options.clock);
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Whether `acquire` would do more than hand out the current credential. */
  get mustWait(): boolean {
    const { state, options } = this.#host;
    if (!state.credential) {
      return state.status === 'loading' || state.operation !== undefined || options.whenMissing !== 'send';
    }
    return isDue(state.credential.held, this.#host.now());
  }

  /** A credential for this turn, now or later. */
  acquire(turn: Turn): Given | Promise<Given> {
    this.#admit(turn);
    const { state, options } = this.#host;
    const { status, credential, ending, operation } = state;
    if (status === 'loading') return this.#acquireLoaded(turn);
    if (!credential) return this.#acquireMissing(turn);
    const now = this.#host.now();
    const freshness = freshnessOf(credential.held, now);
    if (freshness === 'expired') {
      // A refresh in flight decides, even of a session that was ending.
      if (!ending || operation) return this.#waitForNew(turn, 'request');
      this.#host.expire(ending);
      return this.acquire(turn);
    }
    turn.holder = credential.holder;
    if (freshness === 'ahead') this.#startAhead('ahead', now);
    if (freshness === 'due' && turn.patient && this.#startAhead('request', now) && this.waiting < options.maxWaiting) {
      const longestMs = Math.min(turn.ownTimeMs(), options.maxWaitMs);
      const patience = Math.min(patienceMs(leftOf(credential.held, now), turn.ownTimeMs()), longestMs);
      // A sleep may outlast the token: then the request waits as long as any other.
      const moreMs = (): number => (this.usable(turn) ? 0 : now.monotonic + longestMs - this.#host.now().monotonic);
      return this.wait(turn, patience, moreMs);
    }
    return this.#host.state.credential === credential ? credential : this.#verdict(turn);
  }

  /** The API refused `credential`, or a request without one. Another one to send the request with again. */
  refused(turn: Turn, credential: Given): Given | Promise<Given> {
    turn.refused = credential?.generation ?? 0;
    this.#admit(turn);
    const newer = this.usable(turn);
    if (newer) return newer;
    const { ending, dormant, operation, forcedAt } = this.#host.state;
    if (!operation) {
      if (ending) this.#host.expire(ending);
      if (ending || dormant) throw this.whyNot();
      if (forcedAt && elapsed(forcedAt, this.#host.now()) < forcedEveryMs) throw rejectedToken();
    }
    const turnOver = this.#waitForNew(turn, 'unauthorized');
    if (this.#host.state.credential?.generation === turn.refused) this.#host.markRefused();
    return turnOver;
  }

  /** Waits for the operation in flight, at most `limitMs`, and then for what `moreMs` allows. */
  async wait(
    turn: Turn,
    limitMs = Math.min(turn.ownTimeMs(), this.#host.options.maxWaitMs),
    moreMs = (): number => 0,
  ): Promise<Given> {
    const { options, state } = this.#host;
    if (this.waiting >= options.maxWaiting) throw queueFull(options.maxWaiting);
    const { operation, credential } = state;
    turn.holder ??= credential?.holder;
    turn.patient = false;
    // A listener of the start may have ended it already: nobody would wake this turn.
    if (!operation && state.status !== 'loading') return this.#verdict(turn);
    const turnOver = this.#queue.join(
      turn,
      operation && limitMs >= operation.leftMs ? operation.leftMs + operationFirstMs : limitMs,
      moreMs,
      () => this.#verdict(turn, waitTimeout),
      (released) => {
        const same = credential?.generation === this.#host.state.generation;
        this.#host.released(released, same && released.outcome === 'sent');
      },
    );
    this.#host.queued(operation?.trigger);
    return turnOver;
  }

  /** Settles all that wait, or those that `which` names: with the credential they can have, or else with `why`. */
  release(why?: () => TokenError, which?: (turn: Turn) => boolean): void {
    this.#queue.release((turn) => this.#verdict(turn, why), which);
  }

  /** The store has been read: each that waited for that asks anew. */
  reopen(): void {
    this.#queue.release(() => undefined);
  }

  /** The current credential if it may be sent: alive, and not one that the API refused this turn. */
  usable(turn?: Turn): Given {
    const { credential } = this.#host.state;
    if (!credential || credential.generation <= (turn?.refused ?? 0)) return undefined;
    return freshnessOf(credential.held, this.#host.now()) === 'expired' ? undefined : credential;
  }

  /** One for each: Axios writes the place of the request into the stack of what it rejects with. */
  whyNot(): TokenError {
    const { error } = this.#host.state;
    return error ? new TokenError(error.code, error.message, error) : missing();
  }

  #admit({ holder }: Turn): void {
    const { state } = this.#host;
    if (state.disposed) throw disposed();
    if (holder && !sameHolder(holder, state.holder)) throw cleared();
  }

  async #acquireLoaded(turn: Turn): Promise<Given> {
    await this.wait(turn);
    turn.patient = true;
    return this.acquire(turn);
  }

  #acquireMissing(turn: Turn): undefined | Promise<Given> {
    const { whenMissing } = this.#host.options;
    const { status, operation, dormant } = this.#host.state;
    // A request that was somebody's when it was made is not sent as nobody's.
    if (turn.holder) throw this.whyNot();
    if (operation && whenMissing !== 'reject') return this.wait(turn);
    if (whenMissing === 'send') return undefined;
    if (whenMissing === 'reject' || (dormant && status !== 'expired')) throw this.whyNot();
    return this.#waitForNew(turn, 'request');
  }

  /** Joins the refresh in flight, or starts one. Throws the last error while the server is left in peace. */
  #waitForNew(turn: Turn, trigger: RefreshTrigger): Promise<Given> {
    const { operation, pausedUntil, error, credential } = this.#host.state;
    if (!operation) {
      if (error && elapsed(pausedUntil, this.#host.now()) < 0) throw this.whyNot();
      turn.holder ??= credential?.holder;
      this.#host.start(trigger);
    }
    return this.wait(turn);
  }

  /** Starts a refresh of a token that still lives, if one is worthwhile now. Whether one is under way then. */
  #startAhead(trigger: RefreshTrigger, now: Instant): boolean {
    const { operation, credential, ending, refreshedAt, pausedUntil } = this.#host.state;
    if (operation) return true;
    if (!credential || ending || elapsed(pausedUntil, now) < 0) return false;
    if (!credential.held.refused && spacingLeft(refreshedAt, credential.held, now) > 0) return false;
    this.#host.start(trigger);
    return true;
  }

  /** What a turn that has waited goes on with. */
  #verdict(turn: Turn, why?: () => TokenError): Given {
    this.#admit(turn);
    const credential = this.usable(turn);
    if (credential) {
      turn.holder = credential.holder;
      return credential;
    }
    if (why) throw why();
    const goesWithout = !turn.holder && turn.refused === undefined && this.#host.options.whenMissing === 'send';
    if (!goesWithout) throw this.whyNot();
    return undefined;
  }
}
