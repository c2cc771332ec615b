/** A directory of JSON lines, one file for each day (UTC). Other processes may write into the same files. */
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, statSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export const dayMs = 86_400_000;
const pattern = /^auth-audit-(\d{4}-\d{2}-\d{2})\.jsonl$/;

/** `day` as in `2026-11-21`. */
export function pathOf(directory: string, day: string): string {
  return join(directory, `auth-audit-${day}.jsonl`);
}

/** The days that have a file among `names`, oldest first. */
export function daysIn(names: readonly string[]): string[] {
  return names.flatMap((name) => pattern.exec(name)?.[1] ?? []).sort();
}

export interface Appended {
  /** Lines that are in the file, whole. */
  readonly count: number;
  /** Why there are not more. */
  readonly error?: unknown;
}

/** Appends lines to a day's file, and makes the directory if it is missing. Never throws. */
export function append(directory: string, day: string, lines: readonly string[]): Appended {
  let written = 0;
  try {
    const descriptor = open(directory, day);
    try {
      // Somebody's last line may be torn: by a full disk, or by the end of a process.
      if (!endsWithLine(descriptor)) writeSync(descriptor, '\n');
      const bytes = Buffer.from(lines.join(''));
      while (written < bytes.length) written += writeSync(descriptor, bytes, written);
    } finally {
      closeSync(descriptor);
    }
    return { count: lines.length };
  } catch (error) {
    return { count: wholeLines(lines, written), error };
  }
}

/** Deletes the files whose last record is older than that. */
export function purge(directory: string, retentionDays: number, now: number): void {
  const isOld = (at: number): boolean => now - at > retentionDays * dayMs;
  for (const day of daysIn(readdirSync(directory))) {
    const path = pathOf(directory, day);
    // A file that was written lately has young records, whatever day the clock told then.
    const writtenAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now;
    // Another process may be deleting it, too.
    if (isOld(Date.parse(day) + dayMs) && isOld(writtenAt)) rmSync(path, { force: true });
  }
}

function open(directory: string, day: string): number {
  const path = pathOf(directory, day);
  try {
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return openSync(path, 'a+', 0o600);
  }
}

function endsWithLine(descriptor: number): boolean {
  const { size } = fstatSync(descriptor);
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(descriptor, last, 0, 1, size - 1);
  return last.toString() === '\n';
}

function wholeLines(lines: readonly string[], written: number): number {
  let end = 0;
  return lines.filter((line) => (end += Buffer.byteLength(line)) <= written).length;
}
