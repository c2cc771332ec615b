/** Vendors that are out of order, and misuse. */
import { describe, expect, test } from '@jest/globals';
import {
  httpAudit,
  openTelemetryReporter,
  pinoReporter,
  posthogReporter,
  sentryReporter,
  type MeterLike,
  type Reporter,
  type SpanLike,
} from '../../src/reporters/index.js';
import { settle, world } from '../properties/world.js';
import { thrown } from '../support/stage.js';
import { refreshTimes } from './scenes.js';

const fault = (): never => {
  throw new Error('The vendor is out of order.');
};
const rejecting = (): Promise<never> => Promise.reject(new Error('The vendor is out of order.'));
const counter = { add: fault };
const meter: MeterLike = {
  createCounter: () => counter,
  createUpDownCounter: () => ({ add: () => undefined }),
  createHistogram: () => ({ record: fault }),
};
const span: SpanLike = { setAttributes: fault, addEvent: fault, setStatus: fault, end: fault };

describe('a session is unharmed by a vendor', () => {
  test.each<readonly [what: string, report: Reporter]>([
    ['whose tracer throws', openTelemetryReporter({ tracer: { startSpan: fault } })],
    ['whose spans throw', openTelemetryReporter({ tracer: { startSpan: () => span } })],
    ['whose metrics throw', openTelemetryReporter({ meter })],
    ['whose breadcrumbs throw', sentryReporter({ addBreadcrumb: fault, captureMessage: fault })],
    ['whose messages reject', sentryReporter({ addBreadcrumb: () => undefined, captureMessage: rejecting })],
    ['whose capture throws', posthogReporter({ capture: fault }, { distinctId: 'ada' })],
    ['whose capture rejects', posthogReporter({ capture: rejecting }, { distinctId: 'ada' })],
    ['that does not know whom it is for', posthogReporter({ capture: () => undefined }, { distinctId: fault })],
    ['whose logger throws', pinoReporter({ info: fault, warn: fault, error: fault })],
    ['whose logger rejects', pinoReporter({ info: rejecting, warn: rejecting, error: rejecting })],
  ])('%s', async (_what, report) => {
    let works = false;
    const w = world({
      retry: { retries: 1, minDelayMs: 1 },
      refresh: (_context, { issue }) => {
        if (!works) fault();
        return issue();
      },
    });
    report(w.session);
    for (let failures = 0; failures < 3; failures++) {
      await refreshTimes(w, 1);
      await w.clock.advance(1_000);
    }
    works = true;
    await refreshTimes(w, 1);
    await settle();
    expect(w.session.getSnapshot()).toMatchObject({ status: 'active', generation: 2, consecutiveFailures: 0 });
    expect(w.told('listener.failed').length).toBeGreaterThan(0);
    expect(w.told('listener.failed').map(({ error }) => error.message)).not.toContain('out of order');
    await expect(w.instance.get('/orders')).resolves.toMatchObject({ status: 200 });
  });
});

test('metrics are counted though the tracer throws', async () => {
  const counted: string[] = [];
  const counting = (name: string) => ({
    add: () => void counted.push(name),
    record: () => void counted.push(name),
  });
  const report = openTelemetryReporter({
    tracer: { startSpan: fault },
    meter: { createCounter: counting, createUpDownCounter: counting, createHistogram: counting },
  });
  const w = world({ refresh: fault, retry: { retries: 1, minDelayMs: 1 } });
  const stop = report(w.session);
  for (let failures = 0; failures < 3; failures++) {
    await refreshTimes(w, 1);
    await w.clock.advance(1_000);
  }
  stop();
  expect(counted.filter((name) => name === 'auth.token.refresh.operations')).toHaveLength(3);
  expect(counted.filter((name) => name === 'auth.token.refresh.duration')).toHaveLength(3);
  expect(counted.filter((name) => name === 'auth.token.refresh.retries').length).toBeGreaterThan(0);
  expect(counted).toContain('auth.token.refresh.escalations');
  expect(counted.filter((name) => name === 'auth.token.sessions.escalated')).toHaveLength(2);
});

test('no vendor is called for requests with a fresh token', async () => {
  const calls: string[] = [];
  const called = (name: string) => () => {
    calls.push(name);
  };
  const counting = { add: called('add'), record: called('record') };
  const w = world();
  const reporters = [
    openTelemetryReporter({
      tracer: {
        startSpan: () => {
          calls.push('startSpan');
          return { setAttributes: called('span'), addEvent: fault, setStatus: fault, end: called('span') };
        },
      },
      meter: {
        createCounter: () => counting,
        createUpDownCounter: () => counting,
        createHistogram: () => counting,
      },
    }),
    sentryReporter({ addBreadcrumb: called('addBreadcrumb'), captureMessage: called('captureMessage') }),
    posthogReporter({ capture: called('capture') }, { distinctId: 'ada' }),
    pinoReporter({ info: called('info'), warn: called('warn'), error: called('error') }),
  ];
  for (const report of reporters) report(w.session);
  for (let count = 0; count < 10; count++) await w.instance.get('/orders');
  expect(calls).toStrictEqual([]);
  await refreshTimes(w, 1);
  expect(new Set(calls)).toEqual(new Set(['startSpan', 'span', 'add', 'record', 'addBreadcrumb', 'capture', 'info']));
});

describe('misuse is told at once, by name', () => {
  const logger = { info: () => undefined, warn: () => undefined };
  test.each<readonly [name: string, act: () => unknown]>([
    ['"tracer", a "meter" or both', () => openTelemetryReporter({})],
    ['startSpan', () => openTelemetryReporter({ tracer: {} as never })],
    ['createHistogram', () => openTelemetryReporter({ meter: { createCounter: fault } as never })],
    ['metre', () => openTelemetryReporter({ metre: meter } as never)],
    ['addBreadcrumb, captureMessage', () => sentryReporter(undefined as never)],
    ['capture', () => posthogReporter({} as never, { distinctId: 'ada' })],
    ['distinctId', () => posthogReporter({ capture: fault }, { distinctId: '' })],
    ['distinctId', () => posthogReporter({ capture: fault }, {} as never)],
    ['options of posthogReporter', () => posthogReporter({ capture: fault }, undefined as never)],
    ['distinctID', () => posthogReporter({ capture: fault }, { distinctID: 'ada' } as never)],
    ['events', () => posthogReporter({ capture: fault }, { distinctId: 'ada', events: ['refresh.fail' as never] })],
    ['events', () => posthogReporter({ capture: fault }, { distinctId: 'ada', events: ['toString' as never] })],
    ['events', () => posthogReporter({ capture: fault }, { distinctId: 'ada', events: 'refresh.failed' as never })],
    ['error', () => pinoReporter(logger as never)],
    ['url', () => httpAudit({} as never)],
    ['options of httpAudit', () => httpAudit(undefined as never)],
    ['maxBatch', () => httpAudit({ url: '/audit', maxBatch: 0 })],
    ['intervalMs', () => httpAudit({ url: '/audit', intervalMs: NaN })],
    ['salt', () => httpAudit({ url: '/audit', subject: () => 'ada' })],
    ['salt', () => httpAudit({ url: '/audit', subject: () => 'ada', salt: 'short' })],
    ['subject', () => httpAudit({ url: '/audit', subject: 'ada' as never, salt: 'a salt that is long' })],
  ])('%s', (name, act) => {
    const error = thrown(act);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(name);
  });
});
