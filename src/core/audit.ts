/** What is kept of a session: one record for each refresh that ends, and for what happens to the session. */
import type { TokenError } from '../errors.js';
import type { FailureKind, RefreshTrigger, TokenEvent } from '../types.js';
import { count, fn, hasMethods, isText, type Rule } from './checks.js';
import { field } from './redact.js';
import { followRefreshes, type EndedRefresh, type Refreshes, type RefreshOutcome } from './refreshes.js';

/** How a refresh ended, what happened to the session, or that records were lost (`dropped`). */
export type AuditOutcome =
  RefreshOutcome | 'escalated' | 'recovered' | 'started' | 'ending' | 'expired' | 'cleared' | 'dropped';

/** Complete as it is: no token, header, body or message of a server is in it. */
export interface AuditRecord {
  /** Unique. A record that comes twice has the same. */
  readonly id: string;
  /** UTC, as `2026-11-21T07:33:53.000Z`. */
  readonly at: string;
  readonly outcome: AuditOutcome;
  /** Of the token set, when it happened. */
  readonly generation?: number;
  readonly operationId?: string;
  readonly trigger?: RefreshTrigger;
  /** Calls of the refresh callback. */
  readonly attempts?: number;
  readonly durationMs?: number;
  /** Code of the `TokenError`, and what is known of the fault behind it. */
  readonly code?: string;
  readonly kind?: FailureKind;
  readonly status?: number;
  readonly requestId?: string;
  /** HMAC-SHA-256 of the subject under the salt, in hexadecimal. */
  readonly subjectHash?: string;
  /** Of an escalation or a recovery. */
  readonly consecutiveFailures?: number;
  /** Of an escalation: failures by kind, the first and the last of them, and what was left of the token. */
  readonly kinds?: Readonly<Partial<Record<FailureKind, number>>>;
  readonly firstFailureAt?: string;
  readonly lastFailureAt?: string;
  readonly leftMs?: number;
  /** Of `dropped`: how many records were lost. */
  readonly count?: number;
}

/** Records cannot be kept at the moment, or are lost. */
export interface AuditFault {
  /** What went wrong: an error of the file system or the network, or what one of your callbacks threw. */
  readonly error: unknown;
  /** Records that wait to be kept. */
  readonly buffered: number;
  /** Records that were lost since the last one was kept. */
  readonly dropped: number;
}

export type AuditEntry = Omit<AuditRecord, 'id' | 'subjectHash'>;

/** The options of every audit. A shorter salt could be guessed. */
export const auditRules = {
  maxBuffered: count,
  subject: fn,
  salt: ['a string of 16 characters or more', (value) => isText(value) && value.length >= 16],
  onFault: fn,
  clock: ['{ now, setTimeout, clearTimeout }', (value) => hasMethods(value, ['now', 'setTimeout', 'clearTimeout'])],
} satisfies Readonly<Record<string, Rule>>;

/** Subjects are kept as a hash only, and a salt without them does nothing. */
export const neededFor = (options: unknown): readonly ('salt' | 'subject')[] =>
  (field(options, 'subject') ?? field(options, 'salt')) ? ['subject', 'salt'] : [];

export const isoTime = (at: number): string => new Date(at).toISOString();

const outcomes: Partial<Record<TokenEvent['type'], AuditOutcome>> = {
  'refresh.escalated': 'escalated',
  'refresh.recovered': 'recovered',
  'session.started': 'started',
  'session.ending': 'ending',
  'session.expired': 'expired',
  'session.cleared': 'cleared',
};

/** Calls `keep` for everything worth a record. */
export function followAudit(keep: (entry: AuditEntry) => void): Refreshes {
  const refreshes = followRefreshes((refresh) => keep(entryOfRefresh(refresh)));
  return {
    hear(event) {
      refreshes.hear(event);
      const entry = entryOf(event);
      if (entry) keep(entry);
    },
    stop: (at) => refreshes.stop(at),
  };
}

function entryOfRefresh({ error, at, ...refresh }: EndedRefresh): AuditEntry {
  return { at: isoTime(at), ...refresh, ...faultOf(error) };
}

function entryOf(event: TokenEvent): AuditEntry | undefined {
  const outcome = outcomes[event.type];
  if (!outcome) return undefined;
  const { at, generation } = event;
  return {
    at: isoTime(at),
    outcome,
    generation,
    ...('operationId' in event && { operationId: event.operationId }),
    ...('trigger' in event && event.trigger !== undefined && { trigger: event.trigger }),
    ...('consecutiveFailures' in event && { consecutiveFailures: event.consecutiveFailures }),
    ...(event.type === 'refresh.escalated' && streakOf(event)),
    ...((event.type === 'refresh.escalated' || event.type === 'session.ending' || event.type === 'session.expired') &&
      faultOf(event.error)),
  };
}

function streakOf({ kinds, firstFailureAt, lastFailureAt, leftMs }: TokenEvent<'refresh.escalated'>) {
  return {
    kinds,
    firstFailureAt: isoTime(firstFailureAt),
    lastFailureAt: isoTime(lastFailureAt),
    ...(leftMs !== undefined && { leftMs }),
  };
}

function faultOf(error: TokenError | undefined) {
  if (!error) return {};
  const { code, kind, status, requestId } = error;
  return {
    code,
    ...(kind !== undefined && { kind }),
    ...(status !== undefined && { status }),
    ...(requestId !== undefined && { requestId }),
  };
}
