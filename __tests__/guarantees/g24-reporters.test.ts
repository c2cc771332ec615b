/** G24 for everything that operators read: spans, metrics, breadcrumbs, messages, log lines, files, HTTP bodies. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { gunzipSync } from 'node:zlib';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import * as Sentry from '@sentry/node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AxiosError, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import createDebug from 'debug';
import { pino } from 'pino';
import { PostHog } from 'posthog-node';
import { fileAudit } from '../../src/audit/index.js';
import {
  httpAudit,
  openTelemetryReporter,
  pinoReporter,
  posthogReporter,
  sentryReporter,
  type Reporter,
} from '../../src/reporters/index.js';
import { hour, settle, watch, world, type World } from '../properties/world.js';
import { findIn } from '../support/canaries.js';
import { jwt } from '../support/jwt.js';
import { startServer, type ScriptedServer } from '../support/server.js';

const access = jwt({ sub: 'ada', exp: Date.UTC(2026, 0, 1, 1) / 1000, iat: Date.UTC(2026, 0, 1) / 1000 });
const refreshToken = 'RfQ7mZ2xK9vL4tRb8WnPdSyE';
const renewed = '17|Nw5hJ8cV1bG6yT3kX0sDqLzU9a';
const quoted = 'Qt6nB3vC9xZ1lK8jH5gF2dS7aP';
const salt = 'Sa1tY0fTh3E4rthAndS3a';
const canaries = [access, refreshToken, renewed, quoted, salt];

function quotingError(status: number): AxiosError {
  const config = {
    url: `https://login.example.com/token?refresh_token=${refreshToken}`,
    data: JSON.stringify({ refreshToken, quoted }),
    headers: new AxiosHeaders({ Authorization: `Bearer ${access}` }),
  } as unknown as InternalAxiosRequestConfig;
  const response = {
    status,
    statusText: quoted,
    data: { error: status === 401 ? 'invalid_grant' : 'server_error', quoted },
    headers: {},
    config,
  };
  return new AxiosError(`cannot use ${quoted}`, 'ERR_BAD_RESPONSE', config, {}, response as AxiosResponse);
}

/** Everything that can happen with a token near it. */
async function play(report: Reporter): Promise<World> {
  const outcomes: (() => unknown)[] = [
    () => {
      throw quotingError(503);
    },
    () => {
      throw new TypeError(`Invalid value "Bearer ${renewed}" (${quoted})`);
    },
    () => `two words ${quoted}`,
    () => {
      throw Object.assign(new Error(quoted), { code: 'ECONNREFUSED', cause: new Error(refreshToken) });
    },
    () => ({ accessToken: renewed, refreshToken, expiresIn: 3_600 }),
    () => {
      throw quotingError(401);
    },
  ];
  let round = 0;
  const w = world({
    tokens: { accessToken: access, refreshToken },
    retry: { retries: 1, minDelayMs: 1 },
    store: {
      load: () => undefined,
      save: () => {
        throw new Error(`cannot keep ${renewed}`);
      },
      clear: () => undefined,
    },
    refresh: () => outcomes[Math.min(round, outcomes.length - 1)]?.(),
  });
  report(w.session);
  w.session.on('tokens.changed', () => {
    throw new TypeError(`cannot take ${renewed}`);
  });
  for (; round < outcomes.length; round++) {
    void watch(w.session.refresh());
    await w.clock.advance(10_000);
  }
  w.api.respond = () => ({ status: 401 });
  void watch(w.instance.get('/orders'));
  await w.clock.advance(hour);
  await w.session.setTokens({ accessToken: renewed, refreshToken });
  await w.session.signOut();
  await settle();
  return w;
}

let folder: string;
let server: ScriptedServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-g24-'));
  server = await startServer(() => ({ body: { status: 1 } }));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const bodies = (path: string): string[] =>
  server.seen
    .filter(({ url }) => url.startsWith(path))
    .map(({ url, headers, body }) => {
      const text = headers['content-encoding'] === 'gzip' || url.includes('gzip') ? gunzipSync(body) : body;
      return `${url} ${JSON.stringify(headers)} ${text.toString()}`;
    });

const subject = (): string => quoted;

/** Each puts itself on a session; what has arrived in the end is text. */
const places: Record<string, () => { report: Reporter; arrived: () => string[] | Promise<string[]> }> = {
  spans() {
    const exporter = new InMemorySpanExporter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('shop');
    const arrived = (): string[] =>
      exporter
        .getFinishedSpans()
        .map(({ name, attributes, events, status }) => inspect({ name, attributes, events, status }, { depth: null }));
    return { report: openTelemetryReporter({ tracer }), arrived };
  },
  metrics() {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meter = new MeterProvider({ readers: [reader] }).getMeter('shop');
    const arrived = async (): Promise<string[]> => {
      await reader.forceFlush();
      return exporter.getMetrics().map((metrics) => inspect(metrics, { depth: null }));
    };
    return { report: openTelemetryReporter({ meter }), arrived };
  },
  'breadcrumbs and messages of Sentry'() {
    const told: string[] = [];
    Sentry.init({
      dsn: 'https://public@sentry.example.com/1',
      defaultIntegrations: false,
      skipOpenTelemetrySetup: true,
      beforeSend: (event) => {
        told.push(inspect(event, { depth: null }));
        return null;
      },
      beforeBreadcrumb: (breadcrumb) => {
        told.push(inspect(breadcrumb, { depth: null }));
        return breadcrumb;
      },
    });
    return { report: sentryReporter(Sentry), arrived: () => told };
  },
  'the body of PostHog’s requests'() {
    const client = new PostHog('phc_project', { host: `${server.url}/posthog`, flushAt: 1_000, disableGeoip: true });
    const arrived = async (): Promise<string[]> => {
      await client.shutdown();
      return bodies('/posthog');
    };
    return { report: posthogReporter(client, { distinctId: 'ada' }), arrived };
  },
  'log lines'() {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line) => lines.push(line) });
    return { report: pinoReporter(logger), arrived: () => lines };
  },
  'audit files'() {
    const directory = join(folder, 'audit');
    const report = fileAudit({ directory, subject, salt });
    const arrived = (): string[] => {
      report.close();
      return readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
    };
    return { report, arrived };
  },
  'audit requests'() {
    const report = httpAudit({ url: `${server.url}/audit`, subject, salt });
    const arrived = async (): Promise<string[]> => {
      await report.close();
      return bodies('/audit');
    };
    return { report, arrived };
  },
  'debug lines'() {
    const lines: string[] = [];
    const { log } = createDebug;
    const names = createDebug.disable();
    createDebug.enable('*');
    createDebug.log = (...args: unknown[]) => void lines.push(format(...args));
    const arrived = (): string[] => {
      createDebug.log = log;
      createDebug.enable(names);
      return lines.filter((line) => line.includes('axios-token-refresh:'));
    };
    return { report: () => () => undefined, arrived };
  },
};

describe('G24 no token reaches', () => {
  test.each(Object.keys(places))('%s', async (name) => {
    const place = places[name]?.();
    if (!place) throw new Error('There is no such place.');
    const w = await play(place.report);
    const texts = await place.arrived();
    expect(new Set(w.events.map(({ type }) => type))).toEqual(
      new Set([
        'refresh.started',
        'refresh.retried',
        'refresh.failed',
        'refresh.escalated',
        'refresh.recovered',
        'refresh.succeeded',
        'request.queued',
        'request.released',
        'session.started',
        'session.expired',
        'session.cleared',
        'session.ending',
        'store.failed',
        'listener.failed',
        'tokens.changed',
      ]),
    );
    expect(texts.join('\n')).toMatch(/escalat/);
    expect(findIn(texts.join('\n'), canaries)).toStrictEqual([]);
  });
});
