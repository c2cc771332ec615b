/** The metrics that are reported, by name, unit and meaning. `docs/operations.md` explains them. */

export type Attributes = Record<string, string | number | boolean>;

interface InstrumentOptions {
  description: string;
  unit: string;
}

interface HistogramOptions extends InstrumentOptions {
  advice: { explicitBucketBoundaries: number[] };
}

export interface CounterLike {
  add(value: number, attributes?: Attributes): void;
}

export interface HistogramLike {
  record(value: number, attributes?: Attributes): void;
}

/** What is used of a meter of `@opentelemetry/api`. */
export interface MeterLike {
  createCounter(name: string, options: InstrumentOptions): CounterLike;
  createUpDownCounter(name: string, options: InstrumentOptions): CounterLike;
  createHistogram(name: string, options: HistogramOptions): HistogramLike;
}

export interface Instruments {
  readonly duration: HistogramLike;
  readonly operations: CounterLike;
  readonly retries: CounterLike;
  readonly escalations: CounterLike;
  readonly escalated: CounterLike;
  readonly waiting: CounterLike;
  readonly replayed: CounterLike;
}

export function instrumentsOf(meter: MeterLike): Instruments {
  return {
    duration: meter.createHistogram('auth.token.refresh.duration', {
      description: 'Duration of token refreshes, retries included.',
      unit: 's',
      // The default ones are for milliseconds.
      advice: { explicitBucketBoundaries: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30] },
    }),
    operations: meter.createCounter('auth.token.refresh.operations', {
      description: 'Token refreshes by outcome.',
      unit: '{operation}',
    }),
    retries: meter.createCounter('auth.token.refresh.retries', {
      description: 'Attempts after the first.',
      unit: '{attempt}',
    }),
    escalations: meter.createCounter('auth.token.refresh.escalations', {
      description: 'Streaks of failed refreshes that were escalated.',
      unit: '{escalation}',
    }),
    escalated: meter.createUpDownCounter('auth.token.sessions.escalated', {
      description: 'Sessions in an escalated streak that has not ended.',
      unit: '{session}',
    }),
    waiting: meter.createUpDownCounter('auth.token.requests.waiting', {
      description: 'Requests that wait for a token.',
      unit: '{request}',
    }),
    replayed: meter.createCounter('auth.token.requests.replayed', {
      description: 'Requests sent again after a 401.',
      unit: '{request}',
    }),
  };
}
