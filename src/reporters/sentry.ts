/** Events as Sentry breadcrumbs, escalations as Sentry messages. */
import { expectMethods, listen, type Reporter } from '../core/reporting.js';
import type { TokenEvent } from '../types.js';
import { fieldsOf, severityOf } from './fields.js';

type SentryLevel = 'info' | 'warning' | 'error';

/** What is used of a Sentry SDK, in Node or in a browser. */
export interface SentryLike {
  addBreadcrumb(breadcrumb: {
    category: string;
    level: SentryLevel;
    message: string;
    data: Record<string, unknown>;
    timestamp: number;
  }): unknown;
  captureMessage(
    message: string,
    context: {
      level: SentryLevel;
      fingerprint: string[];
      tags: Record<string, string>;
      extra: Record<string, unknown>;
    },
  ): unknown;
}

// A burst of waiting requests would push everything else out of the trail.
const tooMany: readonly string[] = ['request.queued', 'request.released'];

/**
 * A breadcrumb per event, except for requests that begin or end to wait; and one message per escalation, grouped by the
 * code of the last error. Its recovery is a breadcrumb: an issue is resolved in Sentry.
 *
 * @throws {TypeError} if the SDK lacks `addBreadcrumb` or `captureMessage`
 * @example
 * import * as Sentry from '@sentry/node';
 *
 * const stop = sentryReporter(Sentry)(session);
 */
export function sentryReporter(sentry: SentryLike): Reporter {
  expectMethods('sentryReporter', 'an SDK', sentry, ['addBreadcrumb', 'captureMessage']);
  return (session) =>
    listen(session, (event) => {
      const level = levelOf(event);
      const { type, at } = event;
      const data = fieldsOf(event);
      if (!tooMany.includes(type)) {
        sentry.addBreadcrumb({ category: 'auth.token', level, message: type, data, timestamp: at / 1000 });
      }
      if (type !== 'refresh.escalated') return undefined;
      const { code } = event.error;
      return sentry.captureMessage(`The token refresh has failed ${event.consecutiveFailures} times in a row`, {
        level,
        fingerprint: ['axios-token-refresh', type, code],
        tags: { 'auth.error_type': code, 'auth.trigger': event.trigger },
        extra: data,
      });
    });
}

function levelOf(event: TokenEvent): SentryLevel {
  const severity = severityOf(event);
  return severity === 'warn' ? 'warning' : severity;
}
