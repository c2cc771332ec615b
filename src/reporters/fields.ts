/** An event as plain values, and how serious it is. */
import type { TokenEvent, TokenEventType } from '../types.js';

export type Severity = 'info' | 'warn' | 'error';

const severities: Readonly<Record<TokenEventType, Severity>> = {
  'refresh.started': 'info',
  'refresh.retried': 'warn',
  'refresh.succeeded': 'info',
  'refresh.failed': 'warn',
  'refresh.escalated': 'error',
  'refresh.recovered': 'info',
  'session.started': 'info',
  'session.ending': 'warn',
  'session.expired': 'error',
  'session.cleared': 'info',
  'tokens.changed': 'info',
  'request.queued': 'info',
  'request.released': 'info',
  'request.replayed': 'info',
  'clock.skewed': 'warn',
  'store.failed': 'warn',
  'listener.failed': 'error',
};

export function severityOf({ type }: TokenEvent): Severity {
  return severities[type];
}

/** Whether there are events of this name. */
export const isEventType = (value: unknown): value is TokenEventType =>
  typeof value === 'string' && Object.hasOwn(severities, value);

/** The fields of an event, its error by name, code, kind, status, request id, attempts and message. */
export function fieldsOf(event: TokenEvent): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...event };
  if ('error' in event) fields['error'] = plainError(event.error);
  return fields;
}

function plainError(error: Error): Record<string, unknown> {
  const { code, kind, status, requestId, attempts } = error as Error & Record<string, unknown>;
  const told = { name: error.name, code, kind, status, requestId, attempts, message: error.message };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}
