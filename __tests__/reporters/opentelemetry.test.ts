/** What arrives in the real OpenTelemetry SDK. */
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type Histogram,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { describe, expect, test } from '@jest/globals';
import { openTelemetryReporter } from '../../src/reporters/index.js';
import { answered, hour, nth, settle, unreachable, watch, world } from '../properties/world.js';
import { holders, refreshTimes, scenes } from './scenes.js';

type Attributes = Record<string, unknown>;

function telemetry() {
  const spans = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('shop');
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
  const meter = new MeterProvider({ readers: [reader] }).getMeter('shop');
  const stops: (() => void)[] = [];
  const report = openTelemetryReporter({ tracer, meter });

  async function pointsOf<T>(name: string): Promise<DataPoint<T>[]> {
    metrics.reset();
    await reader.forceFlush();
    const all = metrics.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    return all
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints as DataPoint<T>[]);
  }
  return {
    report: (session: Parameters<typeof report>[0]) => {
      const stop = report(session);
      stops.push(stop);
      return stop;
    },
    stop: () => stops.forEach((stop) => stop()),
    spans: (): ReadableSpan[] => spans.getFinishedSpans(),
    /** By outcome. */
    async operations(): Promise<Record<string, number>> {
      const points = await pointsOf<number>('auth.token.refresh.operations');
      return Object.fromEntries(
        points.map(({ attributes, value }) => [String(attributes['auth.token.refresh.outcome']), value]),
      );
    },
    /** The sum over all attributes. */
    async value(name: string): Promise<number> {
      return (await pointsOf<number>(name)).reduce((sum, { value }) => sum + value, 0);
    },
    async attributes(name: string): Promise<Attributes[]> {
      return (await pointsOf<number>(name)).map(({ attributes }) => attributes);
    },
    async durations(): Promise<{ sum: number | undefined; boundaries: number[]; attributes: Attributes }[]> {
      return (await pointsOf<Histogram>('auth.token.refresh.duration')).map(({ value, attributes }) => ({
        sum: value.sum,
        boundaries: value.buckets.boundaries,
        attributes,
      }));
    },
  };
}

const secondsOf = ([seconds, nanos]: readonly [number, number]): number => seconds + nanos / 1e9;
const failure = { 'error.type': 'AUTH_TOKEN_REFRESH_FAILED', 'auth.token.refresh.failure_kind': 'server' };

describe('a refresh as a span', () => {
  test('that succeeds has its trigger, its attempts and no error', async () => {
    const t = telemetry();
    const w = await scenes.success(t.report);
    const [span] = t.spans();
    expect(t.spans()).toHaveLength(1);
    expect(span).toMatchObject({
      name: 'auth.token.refresh',
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
      events: [],
    });
    expect(span?.attributes).toEqual({
      'auth.token.refresh.trigger': 'manual',
      'auth.token.refresh.operation_id': nth(w.calls, 0).context.operationId,
      'auth.token.refresh.outcome': 'success',
      'auth.token.refresh.attempts': 1,
    });
  });

  test('that fails has the error code, its status and the request’s', async () => {
    const t = telemetry();
    await scenes.failure(t.report);
    const [span] = t.spans();
    expect(span?.attributes).toMatchObject({
      ...failure,
      'auth.token.refresh.outcome': 'failure',
      'http.response.status_code': 503,
    });
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
    expect(span?.status.message).toContain('after 1 attempt');
  });

  test('has its retries as events, at their time, and lasts as long as it did', async () => {
    const t = telemetry();
    const w = await scenes.retried(t.report);
    const [span] = t.spans();
    const [retry] = w.told('refresh.retried');
    const [done] = w.told('refresh.succeeded');
    expect(span?.attributes).toMatchObject({
      'auth.token.refresh.attempts': 2,
      'auth.token.refresh.outcome': 'success',
    });
    expect(span?.attributes).not.toHaveProperty('error.type');
    expect(span?.events).toMatchObject([
      {
        name: 'auth.token.refresh.retry',
        attributes: {
          ...failure,
          'auth.token.refresh.attempt': 2,
          'auth.token.refresh.delay_s': (retry?.delayMs ?? NaN) / 1_000,
        },
      },
    ]);
    expect(secondsOf(span?.events[0]?.time ?? [0, 0])).toBeCloseTo((retry?.at ?? NaN) / 1_000, 3);
    expect(secondsOf(span?.startTime ?? [0, 0])).toBeCloseTo(w.clock.now() / 1_000 - 1, 3);
    expect(secondsOf(span?.duration ?? [0, 0])).toBeCloseTo((done?.durationMs ?? NaN) / 1_000, 2);
  });

  test.each([
    ['adopted', 'adopted'],
    ['cancelled', 'cancelled'],
  ] as const)('that is %s says so, without an error', async (scene, outcome) => {
    const t = telemetry();
    await scenes[scene](t.report);
    expect(t.spans().map(({ attributes }) => attributes['auth.token.refresh.outcome'])).toStrictEqual([outcome]);
    expect(t.spans()[0]?.attributes).not.toHaveProperty('error.type');
    expect(t.spans()[0]?.status.code).toBe(SpanStatusCode.UNSET);
    expect(await t.operations()).toEqual({ [outcome]: 1 });
  });

  test('that is cancelled after a retry has both attempts', async () => {
    const t = telemetry();
    const w = world({
      retry: { retries: 1, minDelayMs: 1 },
      refresh: ({ attempt }) => {
        if (attempt === 1) throw unreachable();
        return new Promise(() => undefined);
      },
    });
    t.report(w.session);
    void watch(w.session.refresh());
    await w.clock.advance(1_000);
    await w.session.signOut();
    expect(t.spans()[0]?.attributes).toMatchObject({
      'auth.token.refresh.outcome': 'cancelled',
      'auth.token.refresh.attempts': 2,
    });
    expect(secondsOf(t.spans()[0]?.duration ?? [0, 0])).toBeCloseTo(1, 3);
  });

  test('whose answer comes late has ended as a failure; the next one is cancelled by it', async () => {
    const t = telemetry();
    await scenes.late(t.report);
    expect(t.spans().map(({ attributes }) => attributes['auth.token.refresh.outcome'])).toStrictEqual([
      'failure',
      'cancelled',
    ]);
    expect(t.spans()[0]?.attributes).toMatchObject({ 'error.type': 'AUTH_TOKEN_REFRESH_TIMEOUT' });
    expect(await t.operations()).toEqual({ failure: 1, late: 1, cancelled: 1 });
  });

  test('goes on where a listener starts it while the one before is still being told of', async () => {
    const t = telemetry();
    const w = world({ refresh: 'open', retry: false });
    w.session.once('refresh.succeeded', () => void watch(w.session.refresh()));
    t.report(w.session);
    void watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).answer();
    await settle();
    expect(w.events.map(({ type }) => type)).toEqual(expect.arrayContaining(['tokens.changed']));
    expect(t.spans()).toHaveLength(1);
    nth(w.calls, 1).answer();
    await settle();
    expect(t.spans().map(({ attributes }) => attributes['auth.token.refresh.outcome'])).toStrictEqual([
      'success',
      'success',
    ]);
  });

  test('needs no meter, and the metrics need no tracer', async () => {
    const spans = new InMemorySpanExporter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('shop');
    await scenes.streak(openTelemetryReporter({ tracer }));
    expect(spans.getFinishedSpans()).toHaveLength(15);
    const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
    await scenes.streak(openTelemetryReporter({ meter: new MeterProvider({ readers: [reader] }).getMeter('shop') }));
    await reader.forceFlush();
    expect(metrics.getMetrics()[0]?.scopeMetrics[0]?.metrics.map(({ descriptor }) => descriptor.name)).toEqual(
      expect.arrayContaining(['auth.token.refresh.operations', 'auth.token.refresh.escalations']),
    );
  });
});

describe('refreshes as metrics', () => {
  test('count each outcome once, and take the time of those that ended by themselves', async () => {
    const t = telemetry();
    await scenes.retried(t.report);
    await scenes.failure(t.report);
    await scenes.cancelled(t.report);
    expect(await t.operations()).toEqual({ success: 1, failure: 1, cancelled: 1 });
    expect((await t.durations()).map(({ attributes }) => attributes)).toStrictEqual([
      { 'auth.token.refresh.trigger': 'manual', 'auth.token.refresh.outcome': 'success' },
      { 'auth.token.refresh.trigger': 'manual', 'auth.token.refresh.outcome': 'failure', ...failure },
    ]);
    expect(await t.value('auth.token.refresh.retries')).toBe(1);
    expect(await t.attributes('auth.token.refresh.retries')).toStrictEqual([failure]);
  });

  test('are in seconds, and so are the buckets', async () => {
    const t = telemetry();
    await scenes.late(t.report);
    const durations = await t.durations();
    expect(durations.map(({ sum }) => sum)).toStrictEqual([5, 7]);
    expect(durations[0]?.boundaries).toStrictEqual([0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30]);
  });

  test('follow the requests that wait, back to none', async () => {
    const t = telemetry();
    const w = await scenes.waiting(t.report);
    expect(await t.value('auth.token.requests.waiting')).toBe(3);
    nth(w.calls, 0).answer();
    await settle();
    expect(await t.value('auth.token.requests.waiting')).toBe(0);
  });

  test('count the requests that waited before the reporter came', async () => {
    const t = telemetry();
    const w = await scenes.waiting(() => () => undefined);
    t.report(w.session);
    expect(await t.value('auth.token.requests.waiting')).toBe(3);
    nth(w.calls, 0).answer();
    await settle();
    expect(await t.value('auth.token.requests.waiting')).toBe(0);
    expect(await t.operations()).toEqual({ success: 1 });
  });

  test('count replays', async () => {
    const t = telemetry();
    await scenes.replayed(t.report);
    expect(await t.value('auth.token.requests.replayed')).toBe(1);
  });

  test('have no attribute that differs with each operation', async () => {
    const t = telemetry();
    await scenes.streak(t.report);
    const names = (await t.attributes('auth.token.refresh.operations')).flatMap((attributes) =>
      Object.keys(attributes),
    );
    expect([...new Set(names)].sort()).toStrictEqual([
      'auth.token.refresh.failure_kind',
      'auth.token.refresh.outcome',
      'auth.token.refresh.trigger',
      'error.type',
    ]);
  });
});

describe('an escalation', () => {
  const escalations = (spans: readonly ReadableSpan[]): ReadableSpan[] =>
    spans.filter(({ name }) => name === 'auth.token.refresh.escalation');

  test('is one span over the streak, with its failures by kind and the time left', async () => {
    const t = telemetry();
    const w = await scenes.streak(t.report);
    const [told] = w.told('refresh.escalated');
    const [span] = escalations(t.spans());
    expect(escalations(t.spans())).toHaveLength(1);
    expect(span?.attributes).toMatchObject({
      'auth.token.refresh.consecutive_failures': 3,
      'auth.token.refresh.failures.server': 1,
      'auth.token.refresh.failures.network': 2,
      'auth.token.refresh.remaining_s': (told?.leftMs ?? NaN) / 1_000,
      'error.type': 'AUTH_TOKEN_REFRESH_FAILED',
    });
    expect(secondsOf(span?.startTime ?? [0, 0])).toBeCloseTo((told?.firstFailureAt ?? NaN) / 1_000, 3);
    expect(secondsOf(span?.endTime ?? [0, 0])).toBeCloseTo((told?.lastFailureAt ?? NaN) / 1_000, 3);
    expect(await t.value('auth.token.refresh.escalations')).toBe(1);
  });

  test('stands until the recovery', async () => {
    const t = telemetry();
    const { all, works } = await holders(3, () => t.report);
    for (const w of all) await refreshTimes(w, 3);
    expect(await t.value('auth.token.sessions.escalated')).toBe(1);
    works(true);
    await refreshTimes(nth(all, 2), 1);
    await settle();
    expect(await t.value('auth.token.sessions.escalated')).toBe(0);
    expect(escalations(t.spans())).toHaveLength(1);
  });

  test.each<[string, (w: Awaited<ReturnType<typeof scenes.streak>>) => Promise<void>]>([
    ['a sign-in', (w) => w.session.setTokens(w.issue())],
    ['a sign-out', (w) => w.session.signOut()],
  ])('ends with %s', async (_what, act) => {
    const t = telemetry();
    const w = await scenes.failure(t.report);
    await refreshTimes(w, 2);
    expect(await t.value('auth.token.sessions.escalated')).toBe(1);
    await act(w);
    expect(await t.value('auth.token.sessions.escalated')).toBe(0);
    expect(await t.value('auth.token.refresh.escalations')).toBe(1);
  });

  test('ends with the session, which nobody can refresh any more', async () => {
    let status = 503;
    const t = telemetry();
    const w = world({
      retry: false,
      refresh: () => {
        throw answered(status);
      },
    });
    t.report(w.session);
    await refreshTimes(w, 3);
    expect(await t.value('auth.token.sessions.escalated')).toBe(1);
    status = 401;
    await refreshTimes(w, 1);
    await w.clock.advance(hour);
    expect(w.told('session.expired')).toHaveLength(1);
    expect(await t.value('auth.token.sessions.escalated')).toBe(0);
  });
});

describe('the end of a reporter', () => {
  test('leaves no open span, nothing waiting, nothing escalated, and tells no more', async () => {
    const t = telemetry();
    const waiting = await scenes.waiting(t.report);
    const streak = await scenes.failure(t.report);
    await refreshTimes(streak, 2);
    t.stop();
    t.stop();
    expect(await t.value('auth.token.requests.waiting')).toBe(0);
    expect(await t.value('auth.token.sessions.escalated')).toBe(0);
    expect(await t.operations()).toEqual({ cancelled: 1, failure: 3 });
    const told = t.spans().length;
    expect(t.spans().at(-1)?.attributes['auth.token.refresh.outcome']).toBe('cancelled');
    nth(waiting.calls, 0).answer();
    await refreshTimes(streak, 1);
    expect(t.spans()).toHaveLength(told);
    expect(await t.operations()).toEqual({ cancelled: 1, failure: 3 });
  });

  test('does so after the session’s own end, too', async () => {
    const t = telemetry();
    const w = await scenes.waiting(t.report);
    w.session.dispose();
    await settle();
    t.stop();
    expect(await t.value('auth.token.requests.waiting')).toBe(0);
    expect(t.spans().map(({ attributes }) => attributes['auth.token.refresh.outcome'])).toStrictEqual(['cancelled']);
  });
});

describe('a vendor that throws at the end', () => {
  const broken = (): never => {
    throw new Error('The exporter is closed.');
  };
  const nothing = (): undefined => undefined;
  const levelsOf = (change: () => void = nothing) => {
    const levels: Record<string, number> = {};
    const instrument = (name: string) => ({
      add: (value: number): void => {
        levels[name] = (levels[name] ?? 0) + value;
        if (value < 0) change();
      },
      record: nothing,
    });
    return {
      levels,
      meter: { createCounter: instrument, createUpDownCounter: instrument, createHistogram: instrument },
    };
  };
  const spanOf = (end: () => void) => {
    const span = { setAttributes: nothing, addEvent: nothing, setStatus: nothing, end };
    return { startSpan: () => span };
  };

  test.each<[string, () => void, () => void]>([
    ['a span that cannot be ended', broken, nothing],
    ['a metric that cannot be changed', nothing, broken],
    ['both', broken, broken],
  ])('harms nobody, and everything is stopped all the same: %s', async (_what, end, change) => {
    let ended = 0;
    const tracer = spanOf(() => {
      ended += 1;
      end();
    });
    const { levels, meter } = levelsOf(change);
    const stops: (() => void)[] = [];
    const w = await scenes.waiting((session) => {
      const stop = openTelemetryReporter({ tracer, meter })(session);
      stops.push(stop);
      return stop;
    });
    expect(() => stops.forEach((stop) => stop())).not.toThrow();
    expect(ended).toBe(1);
    expect(levels).toMatchObject({ 'auth.token.requests.waiting': 0, 'auth.token.refresh.operations': 1 });
    await w.session.signOut();
    expect(levels).toMatchObject({ 'auth.token.requests.waiting': 0, 'auth.token.refresh.operations': 1 });
  });

  test('has its level taken back of an escalation, too', async () => {
    const { levels, meter } = levelsOf(broken);
    const stops: (() => void)[] = [];
    const w = await scenes.failure((session) => {
      const stop = openTelemetryReporter({ meter })(session);
      stops.push(stop);
      return stop;
    });
    await refreshTimes(w, 2);
    for (const stop of stops) stop();
    expect(levels).toMatchObject({ 'auth.token.sessions.escalated': 0 });
  });
});

describe('two sessions', () => {
  test('of one reporter are told apart: the end of one does not end what the other does', async () => {
    const t = telemetry();
    const one = await scenes.waiting(t.report);
    const two = await scenes.waiting(t.report);
    expect(await t.value('auth.token.requests.waiting')).toBe(6);
    await one.session.signOut();
    expect(t.spans()).toHaveLength(1);
    expect(await t.value('auth.token.requests.waiting')).toBe(3);
    nth(two.calls, 0).answer();
    await settle();
    expect(await t.operations()).toEqual({ cancelled: 1, success: 1 });
    expect(await t.value('auth.token.requests.waiting')).toBe(0);
  });
});
