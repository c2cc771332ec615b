/** `docs/operations.md` and the dashboard name what the code emits, as it arrives in the real SDK and exporter. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openTelemetryReporter } from '../../src/reporters/index.js';
import { scenes } from '../reporters/scenes.js';
import { root } from './documents.js';

interface Panel {
  readonly id: number;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets: readonly { readonly expr: string; readonly refId: string }[];
}

const text = readFileSync(join(root, 'docs', 'operations.md'), 'utf8');
const dashboard = JSON.parse(readFileSync(join(root, 'docs', 'grafana-dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};
const rules = /^```yaml\n(.*?)^```$/ms.exec(text)?.[1] ?? '';
const alerts = rules.split(/^ +- alert: /m).slice(1);
const expressions = {
  alerts: alerts.map((alert) => /expr: (?:\|\n)?(.*?)\n +(?:for|labels):/s.exec(alert)?.[1] ?? ''),
  dashboard: dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
};

let emitted: ResourceMetrics;
let metrics: MetricData[];
/** Names of spans, of their events and of attributes. */
const names = new Set<string>();
beforeAll(async () => {
  const spans = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('shop');
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meter = new MeterProvider({ readers: [reader] }).getMeter('shop');
  for (const play of Object.values(scenes)) await play(openTelemetryReporter({ tracer, meter }));
  await reader.forceFlush();
  [emitted] = exporter.getMetrics() as [ResourceMetrics];
  metrics = emitted.scopeMetrics.flatMap((scope) => scope.metrics);
  const nameAttributes = (attributes: object): void => {
    for (const name of Object.keys(attributes)) names.add(name.replace(/\.failures\.\w+$/, '.failures'));
  };
  for (const span of spans.getFinishedSpans()) {
    names.add(span.name);
    nameAttributes(span.attributes);
    for (const event of span.events) {
      names.add(event.name);
      nameAttributes(event.attributes ?? {});
    }
  }
  for (const { descriptor, dataPoints } of metrics) {
    names.add(descriptor.name);
    for (const { attributes } of dataPoints) nameAttributes(attributes);
  }
});

const underscored = (name: string): string => name.replaceAll(/\W/g, '_');
const isCounter = ({ dataPointType, ...metric }: MetricData): boolean =>
  dataPointType === DataPointType.SUM && (metric as { isMonotonic: boolean }).isMonotonic;

/** OpenTelemetry's rules for Prometheus: units in braces are notes, seconds are spelt out, counters end in `_total`. */
function inPrometheus(metric: MetricData): string {
  const unit = metric.descriptor.unit === 's' ? '_seconds' : '';
  return `${underscored(metric.descriptor.name)}${unit}${isCounter(metric) ? '_total' : ''}`;
}

/** The rows of the first table under a heading, as the code words of their cells. */
function table(heading: string): string[][] {
  const section = text.split(`${heading}\n`)[1] ?? '';
  const [rows = ''] = /^\|.*?\n\n/ms.exec(section) ?? [];
  return rows
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .flatMap((cell) => /`([^`]+)`/.exec(cell)?.[1] ?? []),
    );
}

describe('the document', () => {
  test('lists every metric, and no other', () => {
    const listed = table('## Metrics').map(([name]) => name);
    expect(listed.sort()).toEqual(metrics.map(({ descriptor }) => descriptor.name).sort());
  });

  test('says what each is called in Prometheus', () => {
    const listed = Object.fromEntries(
      table('### Their names in Prometheus').map((row) => row.slice(0, 2)) as [string, string][],
    );
    expect(listed).toEqual(Object.fromEntries(metrics.map((metric) => [metric.descriptor.name, inPrometheus(metric)])));
  });

  test('says what the exporter of a Node process calls them: the same, without the unit', () => {
    const served = new PrometheusSerializer().serialize(emitted);
    const families = [...served.matchAll(/^# TYPE (auth_\w+) /gm)].map(([, name]) => name);
    expect(families.sort()).toEqual(metrics.map((metric) => inPrometheus(metric).replace('_seconds', '')).sort());
  });

  test('names no span and no attribute that is not emitted, and leaves none out', () => {
    const mentioned = new Set([...text.matchAll(/\bauth\.token\.[a-z_.]*[a-z_]/g)].map(([name]) => name));
    expect([...mentioned].filter((name) => !names.has(name))).toStrictEqual([]);
    expect([...names].filter((name) => name.startsWith('auth.') && !mentioned.has(name))).toStrictEqual([]);
  });
});

describe.each(['alerts', 'dashboard'] as const)('the %s', (where) => {
  const labels = (): string[] => [...names].map(underscored);

  test('use every metric, and no other', () => {
    const used = new Set(
      expressions[where].flatMap((expression) =>
        // What stands in braces or after "by" are labels.
        [...expression.replaceAll(/\{[^}]*\}|by \([^)]*\)/g, '').matchAll(/auth_\w+/g)].map(([name]) =>
          name.replace(/_(bucket|sum|count)$/, ''),
        ),
      ),
    );
    expect([...used].sort()).toEqual(metrics.map(inPrometheus).sort());
  });

  test('select and group by attributes that are emitted', () => {
    const used = expressions[where].flatMap((expression) => [
      ...[...expression.matchAll(/(\w+)=~?"/g)].map(([, label]) => label),
      ...[...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */)),
    ]);
    expect(used.filter((label) => label !== undefined && !['job', 'le', ...labels()].includes(label))).toStrictEqual(
      [],
    );
  });

  test('compare with outcomes and codes that occur', () => {
    const values = new Set(
      metrics.flatMap(({ dataPoints }) =>
        dataPoints.flatMap(({ attributes }) => Object.values(attributes).map(String)),
      ),
    );
    const compared = expressions[where].flatMap((expression) =>
      [...expression.matchAll(/(?<!job)=~?"([^"]+)"/g)].flatMap(([, value = '']) => value.split('|')),
    );
    expect(compared.length).toBeGreaterThan(0);
    expect(compared.filter((value) => !values.has(value))).toStrictEqual([]);
  });

  test('have brackets in pairs', () => {
    for (const expression of expressions[where]) {
      expect(expression).not.toBe('');
      for (const pair of ['()', '{}', '[]']) {
        expect(expression.split(pair[0] ?? '').length).toBe(expression.split(pair[1] ?? '').length);
      }
    }
  });
});

test('the panels of the dashboard do not overlap, and each has a name of its own', () => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  for (const { targets } of panels) expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
});
