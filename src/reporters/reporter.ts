/** What every reporter is made of. */
import type { TokenEvent, TokenSession } from '../types.js';

/** What a reporter needs of a session. */
export type Reported = Pick<TokenSession, 'on' | 'off'>;

/** Reports the events of a session from now on. Returns what ends that. */
export type Reporter = (session: Reported) => () => void;

export type Severity = 'info' | 'warn' | 'error';

const severities: Partial<Record<TokenEvent['type'], Severity>> = {
  'refresh.retried': 'warn',
  'refresh.failed': 'warn',
  'refresh.escalated': 'error',
  'session.ending': 'warn',
  'session.expired': 'error',
  'clock.skewed': 'warn',
  'store.failed': 'warn',
  'listener.failed': 'error',
};

export function severityOf({ type }: TokenEvent): Severity {
  return severities[type] ?? 'info';
}

export function listen(session: Reported, hear: (event: TokenEvent) => void): () => void {
  session.on('event', hear);
  return () => void session.off('event', hear);
}

/** The fields of an event as plain values, its error by code, kind, status, request id and message. */
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

/** What is wrong, in as few different words as a dashboard can group by. */
export function errorTypeOf(error: Error): string {
  const { code } = error as Error & { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
