/** What operators do: read the audit trail, delete what is over. */
import { auditRetentionMs, type AuditQuery } from './audit.js';
import { checked, text, type Rules } from '../core/checks.js';
import { subject as subjectRule, wholeBetween } from './checks.js';
import { longestGraceMs } from './rotation.js';
import type { FamilyChoice, Purged, RefreshStore } from './store.js';

export interface PurgePlan {
  /** Rows, or families with all their tokens, per transaction: 1 to 1000. @default 50 */
  readonly batchSize?: number;
  /** How long audit records are kept, in milliseconds: 90 days at least. @default 7_776_000_000 (90 days) */
  readonly auditRetentionMs?: number;
}

const planRules: Rules<PurgePlan> = {
  batchSize: wholeBetween(1, 1_000),
  auditRetentionMs: [
    'milliseconds, 7_776_000_000 (90 days) or more, a whole number: younger records are not deleted',
    (value) => Number.isSafeInteger(value) && (value as number) >= auditRetentionMs,
  ],
};

const moment = wholeBetween(-8.64e15, 8.64e15);
const queryRules: Rules<AuditQuery> = {
  subject: subjectRule,
  familyId: text,
  since: moment,
  until: moment,
  limit: wholeBetween(1, 1_000),
};

interface Whose {
  readonly sessionId?: string;
  readonly subject?: string;
}

/** @throws {TypeError} unless one of the two is given, and nothing else: a name that is misspelt could end all sessions of a user */
export function meantBy(whose: Whose): FamilyChoice {
  const { sessionId, subject } = checked<Whose>(
    whose,
    { sessionId: text, subject: subjectRule },
    { of: 'revokeSessions' },
  );
  if (sessionId !== undefined && subject === undefined) return { familyId: sessionId };
  if (subject !== undefined && sessionId === undefined) return { subject };
  throw new TypeError('revokeSessions: give either "sessionId" or "subject".');
}

/** @throws {TypeError} naming what does not fit */
export async function sweep(store: RefreshStore, given: PurgePlan, now: number): Promise<Purged> {
  const plan = checked<PurgePlan>(given, planRules);
  return store.purge({
    now,
    batchSize: plan.batchSize ?? 50,
    auditBefore: now - (plan.auditRetentionMs ?? auditRetentionMs),
    sealedBefore: now - longestGraceMs,
  });
}

/** @throws {TypeError} naming what does not fit */
export const queryChecked = (query: AuditQuery): AuditQuery => checked(query, queryRules);
