/** Events as PostHog events. */
import { checked, fn, isText, type Rules } from '../core/checks.js';
import { expectMethods, listen, type Reporter } from '../core/reporting.js';
import type { TokenEventType } from '../types.js';
import { fieldsOf, isEventType } from './fields.js';

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
   * @default how refreshes end, what happens to the session, and faults of its store; not each start, retry and waiting request
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

const rules: Rules<PostHogReporterOptions> = {
  distinctId: ['an id, or a function that returns one', (value) => isText(value) || fn[1](value)],
  events: ['an array of names of events', (value) => Array.isArray(value) && value.every(isEventType)],
};

/**
 * A PostHog event `auth.<type>` per event, with its fields as properties.
 *
 * @throws {TypeError} if the client has no `capture`, for an unknown option or one that does not fit, naming it
 * @example
 * const stop = posthogReporter(client, { distinctId: () => currentUser.id })(session);
 */
export function posthogReporter(client: PostHogLike, options: PostHogReporterOptions): Reporter {
  const of = 'posthogReporter';
  expectMethods(of, 'a client', client, ['capture']);
  const known = checked<PostHogReporterOptions>(options, rules, { required: ['distinctId'], of });
  const { distinctId, events = outcomes } = known;
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
