/** A folder for audit files, and how to look into it. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import {
  fileAudit,
  readAudit,
  type AuditRecord,
  type FileAudit,
  type FileAuditOptions,
  type ReadAuditOptions,
} from '../../src/audit/index.js';

const made: string[] = [];
const audits: FileAudit[] = [];
afterEach(() => {
  for (const audit of audits.splice(0)) audit.close();
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A path below a folder that is removed after the test; nothing is there yet. */
export function freshDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-audit-'));
  made.push(folder);
  return join(folder, 'auth', 'audit');
}

/** An audit that ends with the test. */
export function startAudit(options: FileAuditOptions): FileAudit {
  const audit = fileAudit(options);
  audits.push(audit);
  return audit;
}

export async function recordsIn(directory: string, options: Partial<ReadAuditOptions> = {}): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const record of readAudit({ directory, ...options })) records.push(record);
  return records;
}

export async function outcomesIn(directory: string): Promise<string[]> {
  return (await recordsIn(directory)).map(({ outcome }) => outcome);
}

/** The text of all files, by name. */
export function filesIn(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
  );
}
