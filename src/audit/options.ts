/** What `fileAudit` may be told, checked. */
import { resolve as resolvePath } from 'node:path';
import { auditRules, neededFor, type AuditFault } from '../core/audit.js';
import { checked, count, flag, text, type Rules } from '../core/checks.js';
import type { Reported } from '../core/reporting.js';
import type { Clock } from '../types.js';

export interface FileAuditOptions {
  /** Where the files go, on a local disk. Made if it is missing, readable by this user only. */
  readonly directory: string;
  /**
   * For how many days records are kept at least. A file is deleted when its last record is older than that. A whole
   * number of 90 or more, or `Infinity`: nothing is deleted.
   * @default 90
   */
  readonly retentionDays?: number;
  /** Allows a `retentionDays` from 1 to 89: records are deleted earlier than auditors usually ask for. @default false */
  readonly allowShortRetention?: boolean;
  /** Records that are held in memory while they cannot be written; further ones are dropped and counted. @default 10_000 */
  readonly maxBuffered?: number;
  /** Whose session it is; kept as a hash under `salt`, which is then required. Never a token. @default none */
  readonly subject?: (session: Reported) => string | undefined;
  /** Key of the hash of the subject, at least 16 characters. Whoever has it can tell whose records are whose. */
  readonly salt?: string;
  /**
   * Called when records cannot be written, or old files not be deleted: at each retry, so at most once a second, and with
   * the first record that is dropped.
   */
  readonly onFault?: (fault: AuditFault) => unknown;
  /** For tests. @default the system's clock */
  readonly clock?: Pick<Clock, 'now' | 'setTimeout' | 'clearTimeout'>;
}

export interface ResolvedFileAuditOptions extends Required<Omit<FileAuditOptions, 'subject' | 'allowShortRetention'>> {
  readonly subject: FileAuditOptions['subject'] | undefined;
}

const usualDays = 90;

const rules: Rules<FileAuditOptions> = {
  directory: text,
  retentionDays: ['a whole number of at least 1, or Infinity', (value) => value === Infinity || count[1](value)],
  allowShortRetention: flag,
  ...auditRules,
};

const systemClock: NonNullable<FileAuditOptions['clock']> = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

export function resolve(given: FileAuditOptions): ResolvedFileAuditOptions {
  const options = checked<FileAuditOptions>(given, rules, {
    required: ['directory', ...neededFor(given)],
    of: 'fileAudit',
  });
  const { directory, retentionDays = usualDays, allowShortRetention = false, maxBuffered = 10_000 } = options;
  const { subject, salt = '', onFault = () => undefined, clock = systemClock } = options;
  if (retentionDays < usualDays && !allowShortRetention) {
    throw new TypeError(`Option "retentionDays" below ${usualDays} must be asked for: allowShortRetention: true.`);
  }
  // A later change of the working directory moves no file.
  return { directory: resolvePath(directory), retentionDays, maxBuffered, subject, salt, onFault, clock };
}
