/** Events as PostHog events. */
import { expectMethods, listen, type Reporter } from '../core/reporting.js';
import type { TokenEventType } from '../types.js';
import { fieldsOf } from './fields.js';

/** What is used of `posthog-node`. */
export interface PostHogLike {
  capture(message: {
    distinctId: string;
    event: string;
    properties: Record<string, unknown>;
    timestamp: Date;
  }): unknown;
}

export interface PostHogReporterOptions {
  /** Who the events count for: an id, or what tells it when an event comes. Never a token. */
  readonly distinctId: string | (() => string);
  /**
   * Which events are sent.
   * @default what happens to the session and how refreshes end; not each start, retry and waiting request
   */
  readonly events?: readonly TokenEventType[];
}

const outcomes: readonly TokenEventType[] = [
  'refresh.succeeded',
  'refresh.failed',
  'refresh.escalated',
  'refresh.recovered',
  'session.started',
  'session.ending',
  'session.expired',
  'session.cleared',
  'store.failed',
];

/**
 * A PostHog event `auth.<type>` per event, with its fields as properties.
 *
 * @throws {TypeError} if the client has no `capture`, or no `distinctId` is given
 * @example
 * const stop = posthogReporter(client, { distinctId: () => currentUser.id })(session);
 */
export function posthogReporter(client: PostHogLike, options: PostHogReporterOptions): Reporter {
  expectMethods('posthogReporter', 'a client', client, ['capture']);
  const { distinctId, events = outcomes } = options;
  if (typeof distinctId !== 'function' && (typeof distinctId !== 'string' || distinctId === '')) {
    throw new TypeError('posthogReporter expects "distinctId" to be an id or a function that returns one.');
  }
  if (!Array.isArray(events)) throw new TypeError('posthogReporter expects "events" to be an array of event names.');
  return (session) =>
    listen(session, (event) => {
      if (!events.includes(event.type)) return undefined;
      return client.capture({
        distinctId: typeof distinctId === 'function' ? distinctId() : distinctId,
        event: `auth.${event.type}`,
        properties: fieldsOf(event),
        timestamp: new Date(event.at),
      });
    });
}
