/**
 * Section `reporters`: what reporters add to a request with a valid token. Nothing is emitted for it, so it should be nothing.
 * The same instance is measured twice beside itself with all reporters on its session.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metrics, trace } from '@opentelemetry/api';
import * as Sentry from '@sentry/node';
import axios, { type CreateAxiosDefaults } from 'axios';
import { installTokenRefresh, type TokenSession } from 'axios-token-refresh';
import { fileAudit } from 'axios-token-refresh/audit';
import {
  httpAudit,
  openTelemetryReporter,
  pinoReporter,
  posthogReporter,
  sentryReporter,
} from 'axios-token-refresh/reporters';
import { pino } from 'pino';
import { PostHog } from 'posthog-node';
import { answerAtOnce } from './api.js';
import { startServer } from './http.js';
import { measure, type Plan, type Variant } from './measure.js';
import { comparisonTable } from './table.js';
import { makeToken } from './token.js';

const WITHOUT = 'without reporters';
const NOISE = 'without reporters, again (noise)';
const WITH = 'with all reporters';
const CONCURRENCY = 16;

export async function reporters(quick: boolean): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'axios-token-refresh-bench-'));
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const server = await startServer();
  try {
    const inClient: Plan = { rounds: quick ? 100 : 1_000, requestsPerRound: 100, concurrency: 1 };
    const overHttp: Plan = { rounds: quick ? 10 : 400, requestsPerRound: 112, concurrency: CONCURRENCY };
    const overLoopback = { baseURL: `http://127.0.0.1:${server.port}`, httpAgent: agent, proxy: false as const };
    return [
      `GET, no-op adapter (${shapeOf(inClient)})\n\n${await compare({ baseURL: 'https://api.example.com', adapter: answerAtOnce }, inClient, directory)}`,
      `GET, loopback HTTP (${shapeOf(overHttp)})\n\n${await compare(overLoopback, overHttp, directory)}`,
    ].join('\n\n');
  } finally {
    agent.destroy();
    await server.stop();
    rmSync(directory, { recursive: true });
  }
}

async function compare(defaults: CreateAxiosDefaults, plan: Plan, directory: string): Promise<string> {
  const ends: (() => unknown)[] = [];
  const variants: Variant[] = [WITHOUT, NOISE, WITH].map((name) => {
    const instance = axios.create(defaults);
    const session = installTokenRefresh(instance, { tokens: makeToken(3600), refresh: refuseToRefresh });
    if (name === WITH) ends.push(attachAll(session, directory));
    return { name, send: () => instance.get('/items/1') };
  });
  const samples = await measure(variants, plan);
  for (const end of ends) await end();
  return comparisonTable(samples, WITHOUT);
}

/** Returns what ends them all. */
function attachAll(session: TokenSession, directory: string): () => Promise<void> {
  const posthog = new PostHog('key', { host: 'http://127.0.0.1:9', disableGeoip: true });
  const files = fileAudit({ directory });
  const posts = httpAudit({ url: 'http://127.0.0.1:9/audit' });
  const all = [
    openTelemetryReporter({ tracer: trace.getTracer('bench') }),
    openTelemetryReporter({ meter: metrics.getMeter('bench') }),
    sentryReporter(Sentry),
    posthogReporter(posthog, { distinctId: 'bench' }),
    pinoReporter(pino({ level: 'silent' })),
    files,
    posts,
  ];
  const stops = all.map((report) => report(session));
  return async () => {
    for (const stop of stops) stop();
    files.close();
    await Promise.all([posts.close(), posthog.shutdown()]);
  };
}

function shapeOf({ rounds, requestsPerRound, concurrency }: Plan): string {
  return `${rounds} rounds x ${requestsPerRound} requests, ${concurrency === 1 ? 'one after another' : `${concurrency} at a time`}`;
}

function refuseToRefresh(): never {
  throw new Error('Nothing is due: a refresh here would spoil the measurement');
}
