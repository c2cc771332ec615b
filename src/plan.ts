/** What a session's operation is made of: whom it asks, how a failure is read, and how it is put. Changes no state. */
import type { AxiosInstance } from 'axios';
import { refreshOnce, type Refreshed } from './attempt.js';
import { judge, type Failure } from './core/failure.js';
import { refreshError } from './core/outcome.js';
import { secretsOf } from './core/redact.js';
import { skewOf } from './core/skew.js';
import type { TokenError } from './errors.js';
import type { Events } from './events.js';
import type { SeenDate } from './http.js';
import type { Answer, FailedAttempt, Operation, OperationPlan } from './refresher.js';
import type { RefreshTrigger } from './types.js';

/** Makes the bare client of one attempt. */
export type HttpFactory = (signal: AbortSignal, seen: SeenDate) => AxiosInstance;

/** What an operation needs of the session. */
export interface Refreshable extends Refreshed {
  readonly events: Events;
  readonly http: HttpFactory;
  /** An answer has told how far the server's clock is ahead of ours. */
  skewed(skewMs: number): void;
}

/** What becomes of an operation. */
export interface Ending {
  succeeded(answer: Answer): void;
  failed(failed: FailedAttempt): void;
}

export function planOf(session: Refreshable, id: string, trigger: RefreshTrigger, ending: Ending): OperationPlan {
  const { options, events, http } = session;
  const { clock, retry, refreshTimeoutMs: timeoutMs } = options;
  const client = (signal: AbortSignal): AxiosInstance =>
    http(signal, (date, sentAt) => {
      const skewMs = skewOf(Date.parse(date), sentAt, clock.now());
      if (Number.isFinite(skewMs)) session.skewed(skewMs);
    });
  const classify = (error: unknown): Failure => {
    const fault = (thrown: unknown): void => events.failed('classifyFailure', thrown);
    const failure = judge(error, options.classifyFailure, fault, clock.now());
    // While an attempt is unanswered, a refusal may only mean that it was the one that succeeded.
    const terminal = failure.terminal && !session.state.late.some((late) => late.isListening);
    return { ...failure, terminal, retryAfterMs: Math.min(failure.retryAfterMs, retry ? retry.maxDelayMs : 5_000) };
  };
  return {
    clock,
    timeoutMs,
    retry,
    classify,
    attempt: (attempt) =>
      refreshOnce(attempt, {
        session,
        operation: { id, trigger },
        client,
        isRefusal: (error) => classify(error).terminal,
      }),
    retried: (attempt, delayMs, failed) => {
      const error = errorOf(session, { id, attempt: attempt - 1 }, failed);
      events.emit('refresh.retried', { operationId: id, trigger, attempt, delayMs, error });
    },
    ...ending,
  };
}

export function errorOf(
  { state, options }: Pick<Refreshable, 'state' | 'options'>,
  { id, attempt }: Pick<Operation, 'id' | 'attempt'>,
  failed: FailedAttempt,
): TokenError {
  return refreshError({
    ...failed,
    attempts: attempt,
    operationId: id,
    refreshTimeoutMs: options.refreshTimeoutMs,
    secrets: secretsOf([state.credential?.held.tokens]),
  });
}
