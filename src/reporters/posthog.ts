/** Events as PostHog events. */
import type { TokenEventType } from '../types.js';
import { fieldsOf, listen, type Reporter } from './reporter.js';

/** What is used of `posthog-node`. */
export interface PostHogLike {
  capture(message: { distinctId: string; event: string; properties: Record<string, unknown> }): unknown;
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
 * @example
 * const stop = posthogReporter(client, { distinctId: () => currentUser.id })(session);
 */
export function posthogReporter(
  client: PostHogLike,
  { distinctId, events = outcomes }: PostHogReporterOptions,
): Reporter {
  return (session) =>
    listen(session, (event) => {
      if (!events.includes(event.type)) return;
      client.capture({
        distinctId: typeof distinctId === 'function' ? distinctId() : distinctId,
        event: `auth.${event.type}`,
        properties: fieldsOf(event),
      });
    });
}
