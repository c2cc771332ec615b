/** The audit trail: what happened, to whom, from where. Never a token, never a hash of one. */
import type { AuthErrorCode } from './refusal.js';

/**
 * - `issued`: a session was started
 * - `refreshed`: a refresh token was exchanged for the next
 * - `grace`: a token just used was presented again, and got the same successor
 * - `reused`: an old token was presented; its family has been revoked
 * - `refused`: a token or a request was turned down
 * - `limited`: a rate limit was reached; one record per key and minute, however many requests follow
 * - `failed`: the upstream of a proxy, or the store, could not answer, or the upstream limits us
 * - `signed-out`: a session was ended by its user
 * - `revoked`: a session was ended by the application
 */
export type AuditEvent =
  'issued' | 'refreshed' | 'grace' | 'reused' | 'refused' | 'limited' | 'failed' | 'signed-out' | 'revoked';

export interface AuditRecord {
  /** Unique. Of two records of one machine and one millisecond the later one has the greater id. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly event: AuditEvent;
  /** The code of the answer, where it was not a yes. */
  readonly code: AuthErrorCode | undefined;
  readonly subject: string | undefined;
  readonly familyId: string | undefined;
  readonly requestId: string;
  readonly ip: string | undefined;
  readonly userAgent: string | undefined;
}

/** Which records to read. Times are milliseconds since the epoch. */
export interface AuditQuery {
  readonly subject?: string;
  readonly familyId?: string;
  /** At this moment or later. */
  readonly since?: number;
  /** Before this moment. */
  readonly until?: number;
  /** 1 to 1000. @default 100 */
  readonly limit?: number;
}

/** The shortest time that records are kept: 90 days. */
export const auditRetentionMs = 90 * 24 * 3_600_000;
