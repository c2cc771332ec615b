/** Refreshes as OpenTelemetry spans and metrics. */
import { checked, hasMethods, type Rule, type Rules } from '../core/checks.js';
import { attempt, listen, type Reporter } from '../core/reporting.js';
import { followRefreshes, type EndedRefresh } from '../core/refreshes.js';
import type { TokenEvent } from '../types.js';
import { instrumentsOf, type Attributes, type Instruments, type MeterLike } from './instruments.js';
import { errorAttributes, spanReporter, type TracerLike } from './spans.js';

export interface OpenTelemetryReporterOptions {
  /** For a span `auth.token.refresh` per operation. */
  readonly tracer?: TracerLike;
  /** For the metrics; `docs/operations.md` lists them. */
  readonly meter?: MeterLike;
}

const withMethods = (...names: string[]): Rule => [
  `an object with ${names.join(', ')}`,
  (value) => hasMethods(value, names),
];

const rules: Rules<OpenTelemetryReporterOptions> = {
  tracer: withMethods('startSpan'),
  meter: withMethods('createCounter', 'createUpDownCounter', 'createHistogram'),
};

/**
 * A span `auth.token.refresh` per operation with its retries as span events, a span `auth.token.refresh.escalation` per
 * escalated streak, and metrics: duration and outcome of operations, retries, escalations, waiting and replayed
 * requests. `error.type` is set on failure only, to our error code.
 *
 * One reporter may be put on any number of sessions.
 *
 * @throws {TypeError} if neither a tracer nor a meter is given, for one that does not fit, and for an unknown option
 * @example
 * import { metrics, trace } from '@opentelemetry/api';
 *
 * const tracer = trace.getTracer('shop');
 * const meter = metrics.getMeter('shop');
 * const stop = openTelemetryReporter({ tracer, meter })(session);
 */
export function openTelemetryReporter(options: OpenTelemetryReporterOptions): Reporter {
  const { tracer, meter } = checked<OpenTelemetryReporterOptions>(options, rules, { of: 'openTelemetryReporter' });
  if (!tracer && !meter) throw new TypeError('openTelemetryReporter expects a "tracer", a "meter" or both.');
  const reportSpans = tracer && spanReporter(tracer);
  const reportMetrics = meter && metricReporter(meter);
  return (session) => {
    // Each listens for itself: the session keeps the faults of one from the other.
    const stopMetrics = reportMetrics?.(session);
    const stopSpans = reportSpans?.(session);
    return () => {
      stopMetrics?.();
      stopSpans?.();
    };
  };
}

function metricReporter(meter: MeterLike): Reporter {
  const instruments = instrumentsOf(meter);
  return (session) => {
    const levels = new Levels(instruments);
    const refreshes = followRefreshes((refresh) => count(instruments, refresh));
    // Nobody is told of what began before: those that wait already are counted from the snapshot.
    levels.wait(session.getSnapshot().waiting);

    const stopListening = listen(session, (event) => {
      refreshes.hear(event);
      countEvent(instruments, event);
      levels.hear(event, session.getSnapshot().waiting);
    });
    return () => {
      stopListening();
      levels.stop();
      attempt(() => refreshes.stop(Date.now()));
    };
  };
}

function count({ operations, duration }: Instruments, { trigger, outcome, durationMs, error }: EndedRefresh): void {
  const attributes: Attributes = {
    'auth.token.refresh.trigger': trigger,
    'auth.token.refresh.outcome': outcome,
    ...errorAttributes(error),
  };
  operations.add(1, attributes);
  // How long something took that was called off says nothing about the server.
  if (outcome !== 'cancelled') duration.record(durationMs / 1000, attributes);
}

function countEvent({ retries, escalations, replayed }: Instruments, event: TokenEvent): void {
  if (event.type === 'refresh.retried') retries.add(1, errorAttributes(event.error));
  if (event.type === 'refresh.escalated') escalations.add(1, errorAttributes(event.error));
  if (event.type === 'request.replayed') replayed.add(1);
}

/** What one session adds to the values that rise and fall, so that it can be taken back. */
class Levels {
  readonly #instruments: Instruments;
  #waiting = 0;
  #escalated = 0;

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
  }

  hear({ type }: TokenEvent, waiting: number): void {
    if (type === 'request.queued' || type === 'request.released') this.wait(waiting);
    if (type === 'refresh.escalated') this.#escalate(1);
    // New tokens end a streak, whether it is called a recovery or not; so does the end of the session.
    if (type === 'tokens.changed' || type === 'session.cleared' || type === 'session.expired') this.#escalate(0);
  }

  wait(waiting: number): void {
    const change = waiting - this.#waiting;
    this.#waiting = waiting;
    if (change !== 0) this.#instruments.waiting.add(change);
  }

  stop(): void {
    attempt(() => this.wait(0));
    attempt(() => this.#escalate(0));
  }

  #escalate(escalated: number): void {
    const change = escalated - this.#escalated;
    this.#escalated = escalated;
    if (change !== 0) this.#instruments.escalated.add(change);
  }
}
