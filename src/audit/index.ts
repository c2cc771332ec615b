/** Everything public of `axios-token-refresh/audit`. Node only; browsers have `httpAudit` in `…/reporters`. */
export type { AuditFault, AuditOutcome, AuditRecord } from '../core/audit.js';
export type { Reported, Reporter } from '../core/reporting.js';
export { fileAudit, type FileAudit } from './file.js';
export type { FileAuditOptions } from './options.js';
export { readAudit, type ReadAuditOptions } from './read.js';
