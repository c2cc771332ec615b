/** An event as one line for a developer who reads along: `refresh.succeeded generation=2 operationId=… durationMs=42`. */
import type { TokenEventType } from '../types.js';
import { field } from './redact.js';

export type Topic = 'session' | 'refresh' | 'replay' | 'store';

/** What each event is about: a request that waits does so for a refresh. */
export const topics: Readonly<Record<TokenEventType, Topic>> = {
  'refresh.started': 'refresh',
  'refresh.retried': 'refresh',
  'refresh.succeeded': 'refresh',
  'refresh.failed': 'refresh',
  'refresh.escalated': 'refresh',
  'refresh.recovered': 'refresh',
  'session.started': 'session',
  'session.ending': 'session',
  'session.expired': 'session',
  'session.cleared': 'session',
  'tokens.changed': 'session',
  'request.queued': 'refresh',
  'request.released': 'refresh',
  'request.replayed': 'replay',
  'clock.skewed': 'session',
  'store.failed': 'store',
  'listener.failed': 'session',
};

export function lineOf({ type, ...fields }: { readonly type: TokenEventType }): string {
  const told = Object.entries(fields).filter(([name]) => name !== 'at');
  return [type, ...told.map(([name, value]) => wordsOf(name, value))].filter((words) => words !== '').join(' ');
}

/** Nothing for what is not known or not so. */
function wordsOf(name: string, value: unknown): string {
  if (value === undefined || value === false) return '';
  if (name === 'error') return errorWords(value);
  if (typeof value === 'number' && name.endsWith('At')) return `${name}=${new Date(value).toJSON()}`;
  return `${name}=${plain(typeof value === 'number' ? Math.round(value) : value)}`;
}

function errorWords(error: unknown): string {
  const code = field(error, 'code');
  const words = ['kind', 'status', 'requestId'].map((name) => wordsOf(name, field(error, name)));
  // Our own errors are told by their code; of others the message may be all there is.
  const message = code === undefined ? wordsOf('message', field(error, 'message')) : '';
  return [`error=${plain(code ?? field(error, 'name'))}`, ...words, message].filter((word) => word !== '').join(' ');
}

/** Without a line break, and quoted where it would not be one word. */
function plain(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map((entry) => entry.join(':'))
      .join();
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}
