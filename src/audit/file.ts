/** Records of every refresh in files that are kept. */
import { createHmac, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import {
  followAudit,
  isoTime,
  type AuditEntry,
  type AuditFault,
  type AuditOutcome,
  type AuditRecord,
} from '../core/audit.js';
import { listen, tell, type Reporter } from '../core/reporting.js';
import { purge } from './day-files.js';
import { Ledger } from './ledger.js';
import { resolve, type FileAuditOptions } from './options.js';

/** Put it on any number of sessions; each time it returns what takes it off again. */
export interface FileAudit extends Reporter {
  /** Writes what waits, now. Whether all of it is in the files. */
  flush(): boolean;
  /** Writes what waits for the last time and ends its timers. Idempotent; what comes later is ignored. */
  close(): void;
}

const levels: Partial<Record<AuditOutcome, 'warn' | 'error'>> = {
  failure: 'warn',
  ending: 'warn',
  dropped: 'error',
  escalated: 'error',
  expired: 'error',
};

/**
 * Appends a JSON line per refresh that ends and per change of the session to `auth-audit-<day>.jsonl` (UTC), and deletes
 * files when all in them is older than `retentionDays`, by the system's clock. A record is written in the turn of the
 * event loop in which it was made; while that fails it waits in memory, and is tried again each second, later each minute.
 * Also writes when the process exits; not when a signal, or a loss of power, ends it without.
 *
 * @throws {TypeError} for an unknown option, one that does not fit, or a `retentionDays` below 90 that was not asked for
 * @example
 * import { fileAudit } from 'axios-token-refresh/audit';
 *
 * const audit = fileAudit({ directory: '/var/log/shop/auth' });
 * const stop = audit(session);
 */
export function fileAudit(options: FileAuditOptions): FileAudit {
  const { directory, retentionDays, maxBuffered, subject, salt, onFault, clock } = resolve(options);
  let line = '';
  const logger = pino(
    { base: null, timestamp: false, formatters: { level: (level) => ({ level }) } },
    { write: (text) => (line = text) },
  );
  const lineOf = (entry: AuditEntry, subjectHash?: string): string => {
    const { at, ...fields } = entry;
    const record: AuditRecord = { at, id: randomUUID(), ...fields, ...(subjectHash && { subjectHash }) };
    logger[levels[entry.outcome] ?? 'info'](record);
    return line;
  };
  let isTelling = false;
  const failed = (fault: AuditFault): void => {
    // A callback that flushes would be told of that again, without end.
    if (isTelling) return;
    isTelling = true;
    tell(onFault, fault);
    isTelling = false;
  };
  const ledger = new Ledger({
    directory,
    maxBuffered,
    clock,
    failed,
    dayBegun() {
      try {
        purge(directory, retentionDays, clock.now());
      } catch (error) {
        failed({ error, buffered: 0, dropped: 0 });
      }
    },
    gap: (count) => lineOf({ at: isoTime(clock.now()), outcome: 'dropped', count }),
  });

  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    process.off('exit', close);
    ledger.close();
  };
  process.on('exit', close);

  const report: Reporter = (session) => {
    let known: string | undefined;
    const ask = (): void => {
      // Where it cannot be told, it may be somebody else than before.
      known = undefined;
      try {
        const given = subject?.(session);
        known = given && createHmac('sha256', salt).update(given).digest('hex');
      } catch (error) {
        failed({ error, buffered: 0, dropped: 0 });
      }
    };
    ask();
    const trail = followAudit((entry) => {
      // At a sign-out somebody else, or nobody, may already be the subject.
      if (entry.outcome !== 'cleared' && entry.outcome !== 'cancelled') ask();
      if (!isClosed) ledger.add(lineOf(entry, known));
    });
    const stopListening = listen(session, (event) => trail.hear(event));
    return () => {
      stopListening();
      trail.stop(clock.now());
    };
  };
  return Object.assign(report, { flush: () => ledger.flush(), close });
}
