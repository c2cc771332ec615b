/** One refresh operation: its attempts, the pauses between them, its deadline. Knows nothing of sessions. */
import { instantOf, startTimer } from './clock.js';
import type { Failure } from './core/failure.js';
import type { Held } from './core/freshness.js';
import type { Instant } from './core/lifetime.js';
import type { Clock, RefreshTrigger, RetryOptions } from './types.js';

/** How an operation, or one attempt of it, failed. */
export interface FailedAttempt {
  readonly error: unknown;
  readonly failure: Failure;
  /** Ended by the operation's deadline. */
  readonly timedOut: boolean;
}

export interface Answer {
  readonly held: Held;
  readonly attempt: number;
  /** The operation had already failed. */
  readonly late: boolean;
}

/** One attempt, as whoever makes it sees it. */
export interface Attempt {
  readonly number: number;
  /** Aborted when its answer is no longer wanted. */
  readonly signal: AbortSignal;
  /** Resolves when nobody waits for it: its time is up, or its answer no longer wanted. */
  readonly over: Promise<void>;
  /** Its turn has come, and its time counts. Throws if the turn has come too late. */
  begin(): Instant;
}

export interface OperationPlan {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly retry: Required<RetryOptions> | false;
  attempt(attempt: Attempt): Promise<Held>;
  classify(error: unknown): Failure;
  retried(attempt: number, delayMs: number, failed: FailedAttempt): void;
  /** At most once, but possibly after `failed`. */
  succeeded(answer: Answer): void;
  /** At most once. */
  failed(failed: FailedAttempt): void;
}

const timedOut: Failure = {
  kind: 'timeout',
  terminal: false,
  mayHaveReached: true,
  status: undefined,
  retryAfterMs: 0,
};

interface Unanswered {
  /** Ends its turn. */
  readonly giveUp: () => void;
  /** Its turn has come. */
  hasBegun: boolean;
}

export class Operation {
  attempt = 0;
  #plan: OperationPlan;
  readonly #startedAt: number;
  /** Attempts without an answer. */
  readonly #unanswered = new Map<AbortController, Unanswered>();
  /** Stops of the timers in use. */
  readonly #timers = new Set<() => void>();
  /** An attempt that may have reached the server has been repeated: no second time. */
  #repeated = false;
  /** It has been decided that there is no further attempt. */
  #exhausted = false;
  #state: 'running' | 'failed' | 'over' = 'running';

  constructor(
    readonly id: string,
    readonly trigger: RefreshTrigger,
    plan: OperationPlan,
  ) {
    this.#plan = plan;
    this.#startedAt = plan.clock.monotonic();
  }

  /** It has failed, but an attempt of it may still bring tokens. */
  get isListening(): boolean {
    return this.#state === 'failed' && this.#unanswered.size > 0;
  }

  /** Milliseconds since its start. */
  get durationMs(): number {
    return this.#plan.clock.monotonic() - this.#startedAt;
  }

  /** Milliseconds until the deadline. */
  get leftMs(): number {
    return this.#plan.timeoutMs - this.durationMs;
  }

  run(): void {
    // Whoever heard of its start may have ended it.
    if (this.#state !== 'running') return;
    this.#after(this.#plan.timeoutMs, () => {
      this.#fail({ error: undefined, failure: timedOut, timedOut: true });
    });
    this.#try();
  }

  /** Ends it without a word: its answer is no longer wanted. */
  cancel(): void {
    this.#state = 'over';
    this.#stopTimers();
    for (const controller of this.#unanswered.keys()) controller.abort();
    this.#unanswered.clear();
  }

  /** Nobody waits for it any more: nothing further is asked, and nothing told but an answer to what has been asked. */
  leave(): void {
    this.#exhausted = true;
    this.#plan = { ...this.#plan, classify: () => timedOut, failed: () => undefined };
    for (const [controller, { hasBegun }] of this.#unanswered) {
      if (hasBegun) continue;
      this.#unanswered.delete(controller);
      controller.abort();
    }
    if (this.#unanswered.size === 0) this.cancel();
  }

  #try(): void {
    if (this.#exhausted) return;
    const { clock, retry } = this.#plan;
    const number = ++this.attempt;
    const controller = new AbortController();
    const { signal } = controller;
    let overdue = false;
    let stopTimer: (() => void) | undefined;
    let giveUp = (): void => undefined;
    const over = new Promise<void>((resolve) => (giveUp = resolve));
    signal.addEventListener('abort', giveUp);
    const unanswered = { giveUp, hasBegun: false };
    this.#unanswered.set(controller, unanswered);
    const begin = (): Instant => {
      if (this.#state !== 'running' || signal.aborted) throw new Error('The operation has ended.');
      unanswered.hasBegun = true;
      if (retry) {
        stopTimer ??= this.#after(retry.attemptTimeoutMs, () => {
          overdue = true;
          giveUp();
          this.#attemptFailed({ error: undefined, failure: timedOut, timedOut: false });
        });
      }
      return instantOf(clock);
    };
    const ended = (): void => {
      stopTimer?.();
      this.#unanswered.delete(controller);
    };
    this.#plan.attempt({ number, signal, over, begin }).then(
      (held) => {
        ended();
        this.#answered(held, number);
      },
      (error: unknown) => {
        ended();
        this.#errored(error, overdue);
      },
    );
  }

  #answered(held: Held, attempt: number): void {
    if (this.#state === 'over') return;
    const late = this.#state === 'failed';
    this.cancel();
    this.#plan.succeeded({ held, attempt, late });
  }

  #errored(error: unknown, overdue: boolean): void {
    if (this.#state !== 'running') return;
    // A repeat is already under way or due: the error of an attempt given up on changes nothing.
    if (overdue && (this.#unanswered.size > 0 || this.#timers.size > 1)) return;
    this.#attemptFailed({ error, failure: this.#plan.classify(error), timedOut: false });
  }

  #attemptFailed(failed: FailedAttempt): void {
    if (this.#state !== 'running') return;
    const pause = this.#pauseBefore(failed.failure);
    if (pause === undefined) {
      this.#exhausted = true;
      // An attempt that has not been answered may still bring the token: the deadline decides.
      if (this.#unanswered.size === 0) this.#fail(failed);
      return;
    }
    this.#after(pause, () => this.#try());
    // Whoever hears of it may end the operation, and the pause with it.
    this.#plan.retried(this.attempt + 1, pause, failed);
  }

  /** Milliseconds until the next attempt, or `undefined` if there is none. */
  #pauseBefore(failure: Failure): number | undefined {
    const { retry } = this.#plan;
    if (!retry || this.#exhausted || this.attempt > retry.retries) return undefined;
    // While an attempt is unanswered, a refusal may only mean that it was the one that succeeded.
    if (failure.terminal) return undefined;
    if (failure.mayHaveReached) {
      if (this.#repeated) return undefined;
      this.#repeated = true;
      return 0;
    }
    const ceiling = Math.min(retry.maxDelayMs, retry.minDelayMs * 2 ** (this.attempt - 1));
    const pause = Math.max(Math.round(Math.random() * ceiling), failure.retryAfterMs);
    return pause < this.leftMs ? pause : undefined;
  }

  #fail(failed: FailedAttempt): void {
    if (this.#state !== 'running') return;
    this.#state = 'failed';
    this.#stopTimers();
    for (const { giveUp } of this.#unanswered.values()) giveUp();
    if (this.#unanswered.size > 0) {
      this.#after(this.#plan.timeoutMs, () => this.cancel());
    }
    this.#plan.failed(failed);
  }

  #after(delayMs: number, act: () => void): () => void {
    const stop = startTimer(
      this.#plan.clock,
      () => {
        this.#timers.delete(stopped);
        act();
      },
      delayMs,
    );
    const stopped = (): void => {
      this.#timers.delete(stopped);
      stop();
    };
    this.#timers.add(stopped);
    return stopped;
  }

  #stopTimers(): void {
    for (const stop of this.#timers) stop();
  }
}
