/** What arrives in the real Sentry SDK. */
import * as Sentry from '@sentry/node';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sentryReporter } from '../../src/reporters/index.js';
import { nth } from '../properties/world.js';
import { holders, refreshTimes, scenes } from './scenes.js';

const messages: Sentry.ErrorEvent[] = [];
const breadcrumbs: Sentry.Breadcrumb[] = [];
beforeAll(() => {
  Sentry.init({
    dsn: 'https://public@sentry.example.com/1',
    defaultIntegrations: false,
    skipOpenTelemetrySetup: true,
    beforeSend: (event) => {
      messages.push(event);
      return null;
    },
    beforeBreadcrumb: (breadcrumb) => {
      breadcrumbs.push(breadcrumb);
      return breadcrumb;
    },
  });
});
beforeEach(() => {
  messages.length = 0;
  breadcrumbs.length = 0;
});

const report = sentryReporter(Sentry);
const types = (): (string | undefined)[] => breadcrumbs.map(({ message }) => message);

describe('events as breadcrumbs', () => {
  test('have a category, a level, their own time and their fields', async () => {
    const w = await scenes.failure(report);
    expect(breadcrumbs.map(({ message, level }) => [message, level])).toStrictEqual([
      ['refresh.started', 'info'],
      ['refresh.failed', 'warning'],
    ]);
    expect(breadcrumbs[1]).toMatchObject({
      category: 'auth.token',
      timestamp: w.clock.now() / 1_000,
      data: {
        trigger: 'manual',
        servedCurrent: true,
        error: { code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'server', status: 503, requestId: 'req-503', attempts: 1 },
      },
    });
    expect(messages).toStrictEqual([]);
  });

  test('leave out requests that wait, which are many', async () => {
    const w = await scenes.waiting(report);
    expect(types()).toStrictEqual(['refresh.started']);
    nth(w.calls, 0).answer();
  });

  test('say that a session has ended, as an error', async () => {
    await scenes.ended(report);
    expect(breadcrumbs.map(({ message, level }) => [message, level]).slice(-2)).toStrictEqual([
      ['session.ending', 'warning'],
      ['session.expired', 'error'],
    ]);
  });
});

describe('an escalation', () => {
  test('is one message per streak, grouped by the error, with the whole story', async () => {
    const w = await scenes.streak(report);
    const [told] = w.told('refresh.escalated');
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({
      message: 'The token refresh has failed 3 times in a row',
      level: 'error',
      fingerprint: ['axios-token-refresh', 'refresh.escalated', 'AUTH_TOKEN_REFRESH_FAILED'],
      tags: { 'auth.error_type': 'AUTH_TOKEN_REFRESH_FAILED', 'auth.trigger': 'manual' },
      extra: {
        consecutiveFailures: 3,
        kinds: { server: 1, network: 2 },
        firstFailureAt: told?.firstFailureAt,
        lastFailureAt: told?.lastFailureAt,
        leftMs: told?.leftMs,
      },
    });
    expect(types().filter((type) => type === 'refresh.escalated')).toHaveLength(1);
    expect(types().filter((type) => type === 'refresh.recovered')).toHaveLength(1);
  });

  test('of three holders of one session is one message, and the next streak another', async () => {
    const { all, works } = await holders(3, () => report);
    for (const w of all) await refreshTimes(w, 4);
    expect(messages).toHaveLength(1);
    works(true);
    await refreshTimes(nth(all, 1), 1);
    works(false);
    expect(types().filter((type) => type === 'refresh.recovered')).toHaveLength(1);
    for (const w of all) await refreshTimes(w, 3);
    expect(messages).toHaveLength(2);
  });

  test('of each of two sessions is a message of its own', async () => {
    await scenes.streak(report);
    await scenes.streak(report);
    expect(messages).toHaveLength(2);
  });
});

test('nothing is told after the end of the reporter', async () => {
  const stops: (() => void)[] = [];
  const w = await scenes.failure((session) => {
    const stop = report(session);
    stops.push(stop);
    return stop;
  });
  stops.forEach((stop) => stop());
  const before = breadcrumbs.length;
  await refreshTimes(w, 5);
  expect(breadcrumbs).toHaveLength(before);
  expect(messages).toStrictEqual([]);
});
