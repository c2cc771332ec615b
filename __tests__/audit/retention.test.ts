/** For how long records are kept. */
import { mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fileAudit, type FileAuditOptions } from '../../src/audit/index.js';
import { day, settle, world } from '../properties/world.js';
import { fakeClock } from '../support/clock.js';
import { refreshTimes } from '../reporters/scenes.js';
import { thrown } from '../support/stage.js';
import { freshDirectory, startAudit } from './folder.js';

const noon = Date.UTC(2026, 5, 15, 12);
const nameOf = (at: number): string => `auth-audit-${new Date(at).toISOString().slice(0, 10)}.jsonl`;

/** A file with one record of that moment, last written when the record was made or later. */
function put(directory: string, at: number, writtenAt = at): void {
  const path = join(directory, nameOf(at));
  writeFileSync(path, `{"at":"${new Date(at).toISOString()}","outcome":"success"}\n`);
  utimesSync(path, writtenAt / 1_000, writtenAt / 1_000);
}

/** What is left after a process has begun to write at noon. */
async function leftOf(directory: string, options: Partial<FileAuditOptions> = {}): Promise<string[]> {
  const clock = fakeClock(noon);
  const w = world({ clock });
  const audit = startAudit({ directory, clock, ...options });
  audit(w.session);
  await refreshTimes(w, 1);
  audit.close();
  return readdirSync(directory).sort();
}

function directoryWith(...ages: readonly number[]): string {
  const directory = freshDirectory();
  mkdirSync(directory, { recursive: true });
  for (const age of ages) put(directory, noon - age);
  return directory;
}

describe('records are kept for 90 days', () => {
  test('to the last moment of the day that they were made on', async () => {
    const directory = directoryWith(89 * day, 90 * day, 91 * day, 400 * day);
    expect(await leftOf(directory)).toStrictEqual([nameOf(noon - 90 * day), nameOf(noon - 89 * day), nameOf(noon)]);
  });

  test('whatever the directory and the number of files: none younger is ever deleted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 8 }),
        fc.integer({ min: 90, max: 120 }),
        async (ages, retentionDays) => {
          const directory = directoryWith(...ages.map((age) => age * day));
          const left = await leftOf(directory, { retentionDays });
          const young = ages.filter((age) => age <= retentionDays).map((age) => nameOf(noon - age * day));
          expect(left).toEqual(expect.arrayContaining([...young, nameOf(noon)]));
          // A day and a half at most, since a file holds a whole day and this one began at noon.
          const old = ages.filter((age) => age > retentionDays + 1).map((age) => nameOf(noon - age * day));
          expect(left.filter((name) => old.includes(name))).toStrictEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('also in a file that a wrong clock has named after a day long gone', async () => {
    const directory = directoryWith();
    put(directory, Date.UTC(1970, 0, 1), noon - day);
    expect(await leftOf(directory)).toContain('auth-audit-1970-01-01.jsonl');
  });

  test('also in a file that was restored with a wrong date of writing', async () => {
    const directory = directoryWith();
    for (const age of [30, 90, 91]) put(directory, noon - age * day, noon - 400 * day);
    expect(await leftOf(directory)).toStrictEqual([nameOf(noon - 90 * day), nameOf(noon - 30 * day), nameOf(noon)]);
  });

  test('and other files of the directory for ever', async () => {
    const directory = directoryWith(400 * day);
    const others = ['app.log', `${nameOf(noon - 400 * day)}.gz`, 'auth-audit-notes.jsonl'];
    for (const name of others) {
      writeFileSync(join(directory, name), '');
      utimesSync(join(directory, name), 1, 1);
    }
    expect(await leftOf(directory)).toStrictEqual([...others, nameOf(noon)].sort());
  });

  test('and longer ones are deleted day by day, not only at a start', async () => {
    const directory = directoryWith(90 * day);
    const clock = fakeClock(noon);
    const w = world({ clock });
    startAudit({ directory, clock })(w.session);
    await refreshTimes(w, 1);
    expect(readdirSync(directory)).toContain(nameOf(noon - 90 * day));
    await clock.advance(day);
    await refreshTimes(w, 1);
    await settle();
    expect(readdirSync(directory)).not.toContain(nameOf(noon - 90 * day));
    expect(statSync(join(directory, nameOf(noon))).size).toBeGreaterThan(0);
  });

  test('and a file that another process has deleted meanwhile is no fault', async () => {
    const directory = directoryWith();
    const faults: unknown[] = [];
    symlinkSync(join(directory, 'gone'), join(directory, nameOf(noon - 400 * day)));
    await leftOf(directory, { onFault: ({ error }) => faults.push(error) });
    expect(faults).toStrictEqual([]);
  });

  test('and a file that cannot be deleted is told of, and stops no record', async () => {
    const directory = directoryWith();
    const faults: unknown[] = [];
    const path = join(directory, nameOf(noon - 400 * day));
    mkdirSync(path);
    utimesSync(path, 1, 1);
    const left = await leftOf(directory, { onFault: ({ error }) => faults.push(error) });
    expect(left).toContain(nameOf(noon));
    expect(faults).toHaveLength(1);
  });
});

describe('a shorter time', () => {
  test('is refused unless it is asked for', () => {
    const directory = freshDirectory();
    const error = thrown(() => fileAudit({ directory, retentionDays: 89 }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(/retentionDays.*allowShortRetention/);
  });

  test('is kept where it is', async () => {
    const directory = directoryWith(30 * day, 31 * day, 32 * day);
    expect(await leftOf(directory, { retentionDays: 30, allowShortRetention: true })).toStrictEqual([
      nameOf(noon - 30 * day),
      nameOf(noon),
    ]);
  });
});

test('with Infinity nothing is deleted', async () => {
  const directory = directoryWith(400 * day);
  expect(await leftOf(directory, { retentionDays: Infinity })).toHaveLength(2);
});

describe('misuse is told at once, by name', () => {
  test.each<readonly [name: string, options: object | undefined]>([
    ['options', undefined],
    ['directory', {}],
    ['directory', { directory: '' }],
    ['retentionDays', { directory: 'x', retentionDays: 0, allowShortRetention: true }],
    ['retentionDays', { directory: 'x', retentionDays: 90.5 }],
    ['retentionDays', { directory: 'x', retentionDays: '90' }],
    ['retentionDays', { directory: 'x', retentionDays: NaN }],
    ['allowShortRetention', { directory: 'x', allowShortRetention: 1 }],
    ['maxBuffered', { directory: 'x', maxBuffered: 0 }],
    ['onFault', { directory: 'x', onFault: 'throw' }],
    ['clock', { directory: 'x', clock: null }],
    ['salt', { directory: 'x', subject: () => 'ada' }],
    ['salt', { directory: 'x', subject: () => 'ada', salt: 'short' }],
    ['subject', { directory: 'x', salt: 'a salt that is long' }],
    ['subject', { directory: 'x', subject: 'ada', salt: 'a salt that is long' }],
    ['retention', { directory: 'x', retention: 90 }],
  ])('%s', (name, options) => {
    const error = thrown(() => fileAudit(options as FileAuditOptions));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(name);
  });
});
