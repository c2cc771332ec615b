/** Reading records back. */
import { mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readAudit, type AuditOutcome, type AuditRecord, type ReadAuditOptions } from '../../src/audit/index.js';
import { rejection } from '../support/stage.js';
import { freshDirectory, recordsIn } from './folder.js';

const lineOf = (at: string, outcome = 'success'): string => `${JSON.stringify({ level: 'info', at, outcome })}\n`;

function directoryWith(files: Record<string, string>): string {
  const directory = freshDirectory();
  mkdirSync(directory, { recursive: true });
  for (const [day, text] of Object.entries(files)) writeFileSync(join(directory, `auth-audit-${day}.jsonl`), text);
  return directory;
}

const threeDays = (): string =>
  directoryWith({
    '2026-01-03': lineOf('2026-01-03T00:00:00.000Z', 'failure'),
    '2026-01-01': lineOf('2026-01-01T10:00:00.000Z') + lineOf('2026-01-01T23:59:59.999Z', 'failure'),
    '2026-01-02': lineOf('2026-01-02T12:00:00.000Z', 'escalated'),
  });

const momentsIn = async (options: Partial<ReadAuditOptions>): Promise<string[]> =>
  (await recordsIn(threeDays(), options)).map(({ at }) => at.slice(8, 16));

describe('records', () => {
  test('come day by day, as they were written', async () => {
    expect(await momentsIn({})).toStrictEqual(['01T10:00', '01T23:59', '02T12:00', '03T00:00']);
  });

  test('are those from a moment on, up to another that no longer counts', async () => {
    expect(await momentsIn({ from: new Date('2026-01-01T23:59:59.999Z') })).toStrictEqual([
      '01T23:59',
      '02T12:00',
      '03T00:00',
    ]);
    expect(await momentsIn({ to: Date.UTC(2026, 0, 3) })).toStrictEqual(['01T10:00', '01T23:59', '02T12:00']);
    expect(await momentsIn({ to: Date.UTC(2026, 0, 3) + 1 })).toHaveLength(4);
    expect(await momentsIn({ from: Date.UTC(2026, 0, 1, 12), to: Date.UTC(2026, 0, 2) })).toStrictEqual(['01T23:59']);
    expect(await momentsIn({ from: Date.UTC(2027, 0) })).toStrictEqual([]);
    const [first, last] = [new Date(-8.64e15), new Date(8.64e15)];
    expect(await momentsIn({ from: first, to: last })).toHaveLength(4);
    expect(await momentsIn({ from: last })).toStrictEqual([]);
    expect(await momentsIn({ to: first })).toStrictEqual([]);
  });

  test('are those of one outcome, or of several', async () => {
    expect(await momentsIn({ outcome: 'failure' })).toStrictEqual(['01T23:59', '03T00:00']);
    expect(await momentsIn({ outcome: ['escalated', 'success'] })).toStrictEqual(['01T10:00', '02T12:00']);
    expect(await momentsIn({ outcome: [] })).toStrictEqual([]);
  });
});

describe('lines that are no record', () => {
  test('are passed over, and told: torn, empty, of something else', async () => {
    const text = `${lineOf('2026-01-01T10:00:00.000Z')}{"at":"2026-01-01T11:0\n\n[1]\nnull\n"text"\n{"level":"info"}\n{"at":"then","outcome":"success"}\n${lineOf('2026-01-01T12:00:00.000Z')}{"at":"2026`;
    const directory = directoryWith({ '2026-01-01': text });
    const told: number[] = [];
    const records = await recordsIn(directory, { onUnreadable: ({ line }) => told.push(line) });
    expect(records).toHaveLength(2);
    expect(told).toStrictEqual([2, 4, 5, 6, 7, 8, 10]);
    expect(await recordsIn(directory)).toHaveLength(2);
  });

  test('are no obstacle in files that are none of ours', async () => {
    const directory = threeDays();
    writeFileSync(join(directory, 'auth-audit-2026-01-02.jsonl.gz'), 'x');
    expect(await recordsIn(directory)).toHaveLength(4);
  });
});

describe('a directory', () => {
  test('that does not exist is an error, not an empty answer', async () => {
    const error = await rejection(recordsIn(freshDirectory()));
    expect(error).toMatchObject({ code: 'ENOENT' });
  });

  test('from which a file goes while it is read is read to its end', async () => {
    const directory = threeDays();
    const read: AuditRecord[] = [];
    for await (const record of readAudit({ directory })) {
      read.push(record);
      rmSync(join(directory, 'auth-audit-2026-01-02.jsonl'), { force: true });
    }
    expect(read).toHaveLength(3);
  });

  test('is let go of by a reader who has seen enough', async () => {
    const directory = threeDays();
    for await (const { at } of readAudit({ directory })) {
      expect(at).toBe('2026-01-01T10:00:00.000Z');
      break;
    }
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    });
    expect(open.filter((path) => path.startsWith(directory))).toStrictEqual([]);
  });
});

describe('misuse is a TypeError of the call itself, not of the first record', () => {
  const directory = '/var/log/auth';
  test.each<[what: string, options: object | undefined, names: string]>([
    ['a "from" that is no moment', { directory, from: new Date('yesterday') }, 'from'],
    ['a "to" that is no moment', { directory, to: NaN }, 'to'],
    ['a moment as a text', { directory, from: '2026-01-01' }, 'from'],
    ['a moment beyond time', { directory, to: 8.64e15 + 1 }, 'to'],
    ['no directory', {}, 'directory'],
    ['a directory that is no text', { directory: 5 }, 'directory'],
    ['an outcome that there is not', { directory, outcome: 'failed' }, 'outcome'],
    ['one of several outcomes that there is not', { directory, outcome: ['failure', 'failed'] }, 'outcome'],
    ['an outcome that is no text', { directory, outcome: [Object.create(null)] }, 'outcome'],
    ['a callback that is none', { directory, onUnreadable: 'warn' }, 'onUnreadable'],
    ['an option that there is not', { directory, since: 0 }, 'since'],
    ['no options', undefined, 'options'],
  ])('%s', (_what, options, names) => {
    expect(() => readAudit(options as ReadAuditOptions)).toThrow(TypeError);
    expect(() => readAudit(options as ReadAuditOptions)).toThrow(names);
  });

  test('though every outcome there is can be asked for', async () => {
    const all: Record<AuditOutcome, true> = {
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
    expect(await momentsIn({ outcome: Object.keys(all) as AuditOutcome[] })).toHaveLength(4);
  });
});
