/** Events as Sentry breadcrumbs, escalations as Sentry messages. */
import { errorTypeOf, fieldsOf, listen, severityOf, type Reporter } from './reporter.js';

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
 * A breadcrumb per event, except for requests that begin or end to wait; and one message per escalation, grouped by
 * the code of the last error.
 *
 * @example
 * import * as Sentry from '@sentry/node';
 *
 * const stop = sentryReporter(Sentry)(session);
 */
export function sentryReporter(sentry: SentryLike): Reporter {
  return (session) =>
    listen(session, (event) => {
      const severity = severityOf(event);
      const level = severity === 'warn' ? 'warning' : severity;
      const { type, at } = event;
      const data = fieldsOf(event);
      if (!tooMany.includes(type)) {
        sentry.addBreadcrumb({ category: 'auth.token', level, message: type, data, timestamp: at / 1000 });
      }
      if (type !== 'refresh.escalated') return;
      const errorType = errorTypeOf(event.error);
      sentry.captureMessage(`The token refresh has failed ${event.consecutiveFailures} times in a row`, {
        level,
        fingerprint: ['axios-token-refresh', type, errorType],
        tags: { 'auth.error_type': errorType, 'auth.trigger': event.trigger },
        extra: data,
      });
    });
}
