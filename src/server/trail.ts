/** Where audit records go: the store, the callback, the watch. Nothing that they do reaches a request. */
import type { AuditRecord } from './audit.js';
import { contained } from './contained.js';
import type { ReportingOptions } from './options.js';
import { createWatch } from './watch.js';

export interface Trail {
  /** Stores a record, then tells of it. Never rejects. */
  write(record: AuditRecord): Promise<void>;
  /** Tells of a record that is in the store already. */
  tell(record: AuditRecord): void;
  readonly fault: (error: unknown) => void;
}

export function createTrail(
  { audit, suspicion, onFault }: ReportingOptions,
  store: ((record: AuditRecord) => Promise<void>) | undefined,
): Trail {
  const fault = (error: unknown): void => contained(() => onFault?.(error));
  const watch = suspicion && createWatch(suspicion, fault);

  function tell(record: AuditRecord): void {
    const told = Object.freeze({ ...record });
    contained(() => audit?.(told), fault);
    contained(() => watch?.(told), fault);
  }

  return {
    fault,
    tell,
    async write(record) {
      try {
        await store?.(record);
      } catch (error) {
        fault(error);
      }
      tell(record);
    },
  };
}
