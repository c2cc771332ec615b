/** Reads the files of `fileAudit`. */
import { open, readdir } from 'node:fs/promises';
import { types } from 'node:util';
import type { AuditOutcome, AuditRecord } from '../core/audit.js';
import { checked, fn, text, type Rule, type Rules } from '../core/checks.js';
import { dayMs, daysIn, pathOf } from './day-files.js';

export interface ReadAuditOptions {
  /** The one that `fileAudit` was given. */
  readonly directory: string;
  /** The first moment, or milliseconds since the epoch. @default the first record */
  readonly from?: Date | number;
  /** The first moment that no longer counts. @default none */
  readonly to?: Date | number;
  /** One outcome, or several. @default all */
  readonly outcome?: AuditOutcome | readonly AuditOutcome[];
  /** Called for a line that is no record: torn by a full disk or by the end of a process. */
  readonly onUnreadable?: (place: { readonly file: string; readonly line: number }) => unknown;
}

const outcomes: Readonly<Record<AuditOutcome, true>> = {
  success: true,
  adopted: true,
  late: true,
  failure: true,
  cancelled: true,
  escalated: true,
  recovered: true,
  started: true,
  ending: true,
  expired: true,
  cleared: true,
  dropped: true,
};

const moment: Rule = [
  'a Date or milliseconds since the epoch',
  (value) => (types.isDate(value) || typeof value === 'number') && !Number.isNaN(new Date(value).getTime()),
];

const rules: Rules<ReadAuditOptions> = {
  directory: text,
  from: moment,
  to: moment,
  outcome: [
    `any of ${Object.keys(outcomes).join(', ')}, or an array of them`,
    (value) => [value].flat().every((name) => typeof name === 'string' && Object.hasOwn(outcomes, name)),
  ],
  onUnreadable: fn,
};

/**
 * The records of a directory, day by day, within a day as they were written; of several processes that is not exactly by
 * `at`. Lines that are no records are passed over.
 *
 * @throws {TypeError} at once, for an unknown option or one that does not fit. An error of the file system comes with the
 *   first record: if the directory cannot be read.
 * @example
 * import { readAudit } from 'axios-token-refresh/audit';
 *
 * for await (const { at, code } of readAudit({ directory: '/var/log/shop/auth', outcome: 'failure' })) {
 *   console.log(at, code);
 * }
 */
export function readAudit(options: ReadAuditOptions): AsyncGenerator<AuditRecord, void, undefined> {
  return recordsIn(checked<ReadAuditOptions>(options, rules, { required: ['directory'], of: 'readAudit' }));
}

async function* recordsIn(options: ReadAuditOptions): AsyncGenerator<AuditRecord, void, undefined> {
  const { directory, outcome, onUnreadable } = options;
  const from = Number(options.from ?? -Infinity);
  const to = Number(options.to ?? Infinity);
  const wanted = outcome === undefined ? undefined : [outcome].flat();
  for (const day of daysIn(await readdir(directory))) {
    const begin = Date.parse(day);
    if (begin + dayMs <= from || begin >= to) continue;
    const path = pathOf(directory, day);
    let line = 0;
    for await (const text of linesOf(path)) {
      line += 1;
      if (text === '') continue;
      const record = recordIn(text);
      if (!record) {
        onUnreadable?.({ file: path, line });
        continue;
      }
      const at = Date.parse(record.at);
      if (at >= from && at < to && (wanted?.includes(record.outcome) ?? true)) yield record;
    }
  }
}

/** None if the file has been deleted meanwhile: its time had come. */
async function* linesOf(path: string): AsyncGenerator<string, void, undefined> {
  const file = await open(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return;
  try {
    yield* file.readLines();
  } finally {
    await file.close();
  }
}

function recordIn(text: string): AuditRecord | undefined {
  try {
    const { level: _, ...record } = JSON.parse(text) as AuditRecord & { level: string };
    const isRecord = Number.isFinite(Date.parse(record.at)) && typeof record.outcome === 'string';
    return isRecord ? record : undefined;
  } catch {
    return undefined;
  }
}
