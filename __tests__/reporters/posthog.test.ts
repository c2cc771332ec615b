/** What the real PostHog client sends. */
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PostHog } from 'posthog-node';
import { posthogReporter, type PostHogReporterOptions } from '../../src/reporters/index.js';
import { nth } from '../properties/world.js';
import { startServer, type ScriptedServer, type SeenRequest } from '../support/server.js';
import { holders, refreshTimes, scenes } from './scenes.js';

interface Sent {
  readonly distinct_id: string;
  readonly event: string;
  readonly timestamp: string;
  readonly properties: Record<string, unknown>;
}

let server: ScriptedServer;
let client: PostHog;
beforeEach(async () => {
  server = await startServer(() => ({ body: { status: 1 } }));
  client = new PostHog('phc_project', { host: server.url, flushAt: 1_000, disableGeoip: true });
});
afterEach(async () => {
  await client.shutdown();
  await server.close();
});

const textOf = ({ body, headers, url }: SeenRequest): string =>
  headers['content-encoding'] === 'gzip' || url.includes('gzip') ? gunzipSync(body).toString() : body.toString();

async function sent(): Promise<Sent[]> {
  await client.flush();
  return server.seen.flatMap((request) => (JSON.parse(textOf(request)) as { batch?: Sent[] }).batch ?? []);
}

const report = (options: Partial<PostHogReporterOptions> = {}) =>
  posthogReporter(client, { distinctId: 'user-1', ...options });

describe('events as PostHog events', () => {
  test('have who, what, when and their fields', async () => {
    const w = await scenes.failure(report());
    const [event, ...others] = await sent();
    expect(others).toStrictEqual([]);
    expect(event).toMatchObject({
      distinct_id: 'user-1',
      event: 'auth.refresh.failed',
      timestamp: new Date(w.clock.now()).toISOString(),
      properties: {
        trigger: 'manual',
        servedCurrent: true,
        error: { code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'server', status: 503, requestId: 'req-503' },
      },
    });
  });

  test('are those that are asked for', async () => {
    await scenes.success(report({ events: ['refresh.started'] }));
    expect((await sent()).map(({ event }) => event)).toStrictEqual(['auth.refresh.started']);
  });

  test('count for whoever is signed in when they happen', async () => {
    let who = 'ada';
    const w = await scenes.success(report({ distinctId: () => who }));
    who = 'grace';
    await refreshTimes(w, 1);
    expect((await sent()).map(({ distinct_id }) => distinct_id)).toStrictEqual(['ada', 'grace']);
  });
});

test('three holders of one session escalate once, and recover once', async () => {
  const { all, works } = await holders(3, (index) => report({ distinctId: `holder-${index}` }));
  for (const w of all) await refreshTimes(w, 4);
  works(true);
  await refreshTimes(nth(all, 1), 1);
  const events = await sent();
  const [escalated, ...more] = events.filter(({ event }) => event === 'auth.refresh.escalated');
  expect(more).toStrictEqual([]);
  expect(escalated?.properties).toMatchObject({ consecutiveFailures: 3, kinds: { network: 3 } });
  expect(escalated?.properties).toHaveProperty('firstFailureAt');
  expect(escalated?.properties).toHaveProperty('lastFailureAt');
  expect(escalated?.properties).toHaveProperty('leftMs');
  expect(events.filter(({ event }) => event === 'auth.refresh.recovered')).toHaveLength(1);
});

test('nothing is sent after the end of the reporter', async () => {
  const stops: (() => void)[] = [];
  const w = await scenes.success((session) => {
    const stop = report()(session);
    stops.push(stop);
    return stop;
  });
  stops.forEach((stop) => stop());
  await refreshTimes(w, 3);
  expect((await sent()).map(({ event }) => event)).toStrictEqual(['auth.refresh.succeeded']);
});
