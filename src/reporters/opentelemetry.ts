/** Refreshes as OpenTelemetry spans and metrics. */
import type { RefreshTrigger, TokenEvent, TokenEventType } from '../types.js';
import { instrumentsOf, type MeterLike } from './instruments.js';
import { errorTypeOf, listen, type Reporter } from './reporter.js';

export type Attributes = Record<string, string | number | boolean>;

/** What is used of a span of `@opentelemetry/api`. */
export interface SpanLike {
  setAttributes(attributes: Attributes): unknown;
  addEvent(name: string, attributes: Attributes, time: number): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(time?: number): void;
}

/** What is used of a tracer of `@opentelemetry/api`. */
export interface TracerLike {
  startSpan(name: string, options: { kind: number; startTime: number; attributes: Attributes }): SpanLike;
}

export interface OpenTelemetryReporterOptions {
  /** For a span `auth.token.refresh` per operation. */
  readonly tracer?: TracerLike;
  /** For the metrics; `docs/operations.md` lists them. */
  readonly meter?: MeterLike;
}

type Outcome = 'success' | 'adopted' | 'failure' | 'cancelled';

interface OpenOperation {
  readonly id: string;
  readonly trigger: RefreshTrigger;
  readonly span: SpanLike | undefined;
}

// SpanKind.CLIENT and SpanStatusCode.ERROR of @opentelemetry/api.
const client = 2;
const statusError = 2;

/**
 * A span `auth.token.refresh` per operation, its retries as span events, and metrics: duration and outcome of
 * operations, waiting and replayed requests, escalations. `error.type` is set on failure only, to our error code.
 *
 * @throws {TypeError} if neither a tracer nor a meter is given
 * @example
 * import { metrics, trace } from '@opentelemetry/api';
 *
 * const tracer = trace.getTracer('shop');
 * const meter = metrics.getMeter('shop');
 * const stop = openTelemetryReporter({ tracer, meter })(session);
 */
export function openTelemetryReporter({ tracer, meter }: OpenTelemetryReporterOptions): Reporter {
  if (!tracer && !meter) throw new TypeError('openTelemetryReporter expects a "tracer", a "meter" or both.');
  const instruments = meter && instrumentsOf(meter);
  return (session) => {
    let open: OpenOperation | undefined;
    let waiting = 0;

    const wait = (change: number): void => {
      waiting += change;
      instruments?.waiting.add(change);
    };
    const end = (outcome: Outcome, at?: number, error?: Error): void => {
      const span = open?.span;
      open = undefined;
      span?.setAttributes({ 'auth.token.refresh.outcome': outcome, ...errorAttributes(error) });
      if (error) span?.setStatus({ code: statusError, message: error.message });
      span?.end(at);
    };
    const count = (outcome: Outcome, trigger: RefreshTrigger, durationMs?: number, error?: Error): void => {
      const attributes: Attributes = {
        'auth.token.refresh.trigger': trigger,
        'auth.token.refresh.outcome': outcome,
        ...errorAttributes(error),
      };
      instruments?.operations.add(1, attributes);
      if (durationMs !== undefined) instruments?.duration.record(durationMs / 1000, attributes);
    };
    // A sign-out, or tokens from elsewhere, have made a refresh needless.
    const cancel = (at?: number): void => {
      if (open) count('cancelled', open.trigger);
      end('cancelled', at);
    };

    const hear: Hearers = {
      'refresh.started': ({ operationId: id, trigger, at: startTime }) => {
        const attributes = { 'auth.token.refresh.trigger': trigger, 'auth.token.refresh.operation_id': id };
        const span = tracer?.startSpan('auth.token.refresh', { kind: client, startTime, attributes });
        open = { id, trigger, span };
      },
      'refresh.retried': ({ attempt, delayMs, error, at }) => {
        const attributes = { 'auth.token.refresh.attempt': attempt, 'auth.token.refresh.delay_ms': delayMs };
        open?.span?.addEvent('auth.token.refresh.retry', { ...attributes, ...errorAttributes(error) }, at);
      },
      'refresh.succeeded': ({ operationId, trigger, durationMs, adopted, at }) => {
        const outcome = adopted ? 'adopted' : 'success';
        count(outcome, trigger, durationMs);
        // A late answer belongs to an operation whose span has ended as a failure.
        if (open?.id === operationId) end(outcome, at);
      },
      'refresh.failed': ({ trigger, durationMs, error, at }) => {
        count('failure', trigger, durationMs, error);
        end('failure', at, error);
      },
      'refresh.escalated': ({ error }) => instruments?.escalations.add(1, errorAttributes(error)),
      'request.queued': () => wait(1),
      'request.released': () => wait(-1),
      'request.replayed': () => instruments?.replayed.add(1),
      'session.cleared': ({ at }) => cancel(at),
      'tokens.changed': ({ at }) => cancel(at),
    };

    const stopListening = listen(session, (event) => {
      (hear[event.type] as ((event: TokenEvent) => void) | undefined)?.(event);
    });
    return () => {
      stopListening();
      cancel();
      if (waiting !== 0) wait(-waiting);
    };
  };
}

type Hearers = { readonly [T in TokenEventType]?: (event: TokenEvent<T>) => void };

function errorAttributes(error: Error | undefined): Attributes {
  return error ? { 'error.type': errorTypeOf(error) } : {};
}
