/** Lines on their way to the disk: written at once, kept to a bound while that fails. */
import type { AuditFault } from '../core/audit.js';
import type { Clock } from '../types.js';
import { append } from './day-files.js';

export interface LedgerPlan {
  readonly directory: string;
  readonly maxBuffered: number;
  readonly clock: Pick<Clock, 'now' | 'setTimeout' | 'clearTimeout'>;
  failed(fault: AuditFault): void;
  /** A day's first line has been written by this process. */
  dayBegun(): void;
  /** The line that tells of lost ones. */
  gap(count: number): string;
}

const firstRetryMs = 1_000;
const lastRetryMs = 60_000;

export class Ledger {
  readonly #plan: LedgerPlan;
  #lines: string[] = [];
  #dropped = 0;
  #day = '';
  #retryMs = firstRetryMs;
  #retry: unknown;
  #soon: NodeJS.Immediate | undefined;

  constructor(plan: LedgerPlan) {
    this.#plan = plan;
  }

  add(line: string): void {
    const isFull = (): boolean => this.#lines.length >= this.#plan.maxBuffered;
    // A burst in one turn; while the disk fails, there is nothing to try before the retry.
    if (isFull() && this.#retry === undefined) this.flush();
    if (isFull()) {
      this.#drop();
      return;
    }
    this.#lines.push(line);
    // While the disk fails, the retry brings them.
    if (this.#retry === undefined) this.#soon ??= setImmediate(() => this.flush());
  }

  /** Writes what waits, now. Whether all of it is in the files. */
  flush(): boolean {
    this.#stopTimers();
    const error = this.#write();
    if (error === undefined) {
      this.#retryMs = firstRetryMs;
      return true;
    }
    this.#retryLater();
    this.#plan.failed({ error, buffered: this.#lines.length, dropped: this.#dropped });
    return false;
  }

  /** Writes for the last time: what cannot be written is lost. */
  close(): void {
    this.#stopTimers();
    const error = this.#write();
    if (error === undefined) return;
    this.#dropped += this.#lines.splice(0).length;
    this.#plan.failed({ error, buffered: 0, dropped: this.#dropped });
  }

  /** Tells of the first of a gap at once; each retry tells how many there are. */
  #drop(): void {
    this.#dropped += 1;
    if (this.#dropped > 1) return;
    const error = new Error('Records are dropped: maxBuffered of them wait.');
    this.#plan.failed({ error, buffered: this.#lines.length, dropped: 1 });
  }

  #write(): unknown {
    const error = this.#writeLines();
    if (error !== undefined || this.#dropped === 0) return error;
    this.#lines.push(this.#plan.gap(this.#dropped));
    this.#dropped = 0;
    return this.#writeLines();
  }

  #writeLines(): unknown {
    while (this.#lines.length > 0) {
      const day = dayOf(this.#lines[0]);
      const after = this.#lines.findIndex((line) => dayOf(line) !== day);
      const { count, error } = append(this.#plan.directory, day, after < 0 ? this.#lines : this.#lines.slice(0, after));
      this.#lines = this.#lines.slice(count);
      if (error !== undefined) return error;
      if (day > this.#day) {
        this.#day = day;
        this.#plan.dayBegun();
      }
    }
    return undefined;
  }

  #retryLater(): void {
    this.#retry = this.#plan.clock.setTimeout(() => this.flush(), this.#retryMs);
    (this.#retry as { unref?: () => void } | undefined)?.unref?.();
    this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs);
  }

  #stopTimers(): void {
    clearImmediate(this.#soon);
    this.#soon = undefined;
    if (this.#retry !== undefined) this.#plan.clock.clearTimeout(this.#retry);
    this.#retry = undefined;
  }
}

/** The first field of every line but its level. */
function dayOf(line = ''): string {
  return /"at":"(\d{4}-\d{2}-\d{2})/.exec(line)?.[1] ?? '';
}
