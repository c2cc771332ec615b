/** Refreshes and escalations as spans. */
import { followRefreshes, type EndedRefresh } from '../core/refreshes.js';
import { attempt, listen, type Reporter } from '../core/reporting.js';
import type { TokenEvent } from '../types.js';
import type { Attributes } from './instruments.js';

/** What is used of a span of `@opentelemetry/api`. */
export interface SpanLike {
  setAttributes(attributes: Attributes): unknown;
  addEvent(name: string, attributes: Attributes, time: Date): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(time: Date): void;
}

/** What is used of a tracer of `@opentelemetry/api`. */
export interface TracerLike {
  startSpan(name: string, options: { kind: number; startTime: Date; attributes: Attributes }): SpanLike;
}

// SpanKind.INTERNAL and CLIENT, SpanStatusCode.ERROR of @opentelemetry/api.
const internal = 0;
const client = 2;
const statusError = 2;

/** What is wrong, in as few different words as a dashboard can group by: our error code. */
export function errorAttributes(error: { code: string; kind?: string } | undefined): Attributes {
  if (!error) return {};
  return {
    'error.type': error.code,
    ...(error.kind !== undefined && { 'auth.token.refresh.failure_kind': error.kind }),
  };
}

export function spanReporter(tracer: TracerLike): Reporter {
  return (session) => {
    const spans = new Spans(tracer);
    const refreshes = followRefreshes((refresh) => spans.ended(refresh));
    const stopListening = listen(session, (event) => {
      refreshes.hear(event);
      if (event.type === 'refresh.started') spans.started(event);
      if (event.type === 'refresh.retried') spans.retried(event);
      if (event.type === 'refresh.escalated') spans.escalated(event);
    });
    return () => {
      stopListening();
      attempt(() => refreshes.stop(Date.now()));
    };
  };
}

class Spans {
  readonly #tracer: TracerLike;
  #open: { readonly operationId: string; readonly span: SpanLike } | undefined;

  constructor(tracer: TracerLike) {
    this.#tracer = tracer;
  }

  started({ operationId, trigger, at }: TokenEvent<'refresh.started'>): void {
    const span = this.#tracer.startSpan('auth.token.refresh', {
      kind: client,
      startTime: new Date(at),
      attributes: { 'auth.token.refresh.trigger': trigger, 'auth.token.refresh.operation_id': operationId },
    });
    this.#open = { operationId, span };
  }

  retried({ operationId, attempt, delayMs, error, at }: TokenEvent<'refresh.retried'>): void {
    if (this.#open?.operationId !== operationId) return;
    const attributes = { 'auth.token.refresh.attempt': attempt, 'auth.token.refresh.delay_s': delayMs / 1000 };
    this.#open.span.addEvent('auth.token.refresh.retry', { ...attributes, ...errorAttributes(error) }, new Date(at));
  }

  ended({ operationId, outcome, attempts, error, at }: EndedRefresh): void {
    // The span of an operation whose answer came late has ended as a failure.
    if (this.#open?.operationId !== operationId) return;
    const { span } = this.#open;
    this.#open = undefined;
    span.setAttributes({
      'auth.token.refresh.outcome': outcome,
      'auth.token.refresh.attempts': attempts,
      ...errorAttributes(error),
      ...(error?.status !== undefined && { 'http.response.status_code': error.status }),
    });
    if (error) span.setStatus({ code: statusError, message: error.message });
    span.end(new Date(at));
  }

  /** From the first failure of the streak to the last. */
  escalated(event: TokenEvent<'refresh.escalated'>): void {
    const { error, kinds, firstFailureAt, lastFailureAt, leftMs, consecutiveFailures, operationId, trigger } = event;
    const span = this.#tracer.startSpan('auth.token.refresh.escalation', {
      kind: internal,
      startTime: new Date(firstFailureAt),
      attributes: {
        'auth.token.refresh.trigger': trigger,
        'auth.token.refresh.operation_id': operationId,
        'auth.token.refresh.consecutive_failures': consecutiveFailures,
        ...Object.fromEntries(
          Object.entries(kinds).map(([kind, count]) => [`auth.token.refresh.failures.${kind}`, count]),
        ),
        ...(leftMs !== undefined && { 'auth.token.refresh.remaining_s': leftMs / 1000 }),
        ...errorAttributes(error),
      },
    });
    span.setStatus({ code: statusError, message: error.message });
    span.end(new Date(lastFailureAt));
  }
}
