/** Looks for patterns that a single request does not show. */
import { checked, fn, type Rules } from '../core/checks.js';
import type { AuditRecord } from './audit.js';
import { limitKeyOf } from './caller.js';
import { rate } from './checks.js';
import { contained } from './contained.js';
import { createCounter, type Limit } from './limits.js';

/** Something to alert on. */
export interface Suspicion {
  /**
   * - `reuse`: a refresh token was used twice, and its session has been ended: a stolen token, or a client that loses answers
   * - `refusals-from-ip`: someone tries tokens
   * - `refusals-for-subject`: tokens of one user are turned down again and again
   */
  readonly kind: 'reuse' | 'refusals-from-ip' | 'refusals-for-subject';
  /** Refusals within the window; 1 for a reuse. */
  readonly count: number;
  /** What tipped the scales, as it stands in the audit trail. */
  readonly record: AuditRecord;
}

export interface SuspicionOptions {
  /** Called for each. What it throws is told to `onFault` and changes nothing. */
  readonly report: (suspicion: Suspicion) => unknown;
  /** How many refusals in how much time are many. @default `{ points: 10, durationMs: 600_000 }` */
  readonly refusals?: Limit;
}

const rules: Rules<SuspicionOptions> = { report: fn, refusals: rate };
const manyRefusals: Limit = { points: 10, durationMs: 600_000 };

/**
 * Takes every audit record, and tells what is suspicious about it.
 *
 * @throws {TypeError} naming the option
 */
export function createWatch(
  given: SuspicionOptions,
  fault: (error: unknown) => void,
): (record: AuditRecord) => Promise<void> {
  const whose = { required: ['report'], path: 'suspicion' } as const;
  const { report, refusals = manyRefusals } = checked<SuspicionOptions>(given, rules, whose);
  const tell = (suspicion: Suspicion): void => contained(() => report(suspicion), fault);
  const fromIp = createCounter(refusals);
  const forSubject = createCounter(refusals);

  return async (record) => {
    const { event, ip, subject } = record;
    if (event === 'reused') tell({ kind: 'reuse', count: 1, record });
    if (event !== 'reused' && event !== 'refused') return;
    const count = refusals.points;
    if (ip !== undefined && (await fromIp(limitKeyOf(ip)))) tell({ kind: 'refusals-from-ip', count, record });
    if (subject !== undefined && (await forSubject(subject))) tell({ kind: 'refusals-for-subject', count, record });
  };
}
