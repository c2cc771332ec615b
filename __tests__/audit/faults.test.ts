/** Disks that fail, and files that were there before. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createTokenSession } from '../../src/index.js';
import type { AuditFault, FileAudit, FileAuditOptions } from '../../src/audit/index.js';
import { day, minute, second, settle, world, type World } from '../properties/world.js';
import { fakeClock } from '../support/clock.js';
import { refreshTimes } from '../reporters/scenes.js';
import { filesIn, freshDirectory, outcomesIn, recordsIn, startAudit } from './folder.js';

const first = 'auth-audit-2026-01-01.jsonl';

interface Scene {
  readonly w: World;
  readonly audit: FileAudit;
  readonly directory: string;
  readonly faults: AuditFault[];
}

function scene(options: Partial<FileAuditOptions> = {}): Scene {
  const clock = fakeClock();
  const directory = freshDirectory();
  const faults: AuditFault[] = [];
  const audit = startAudit({ directory, clock, onFault: (fault) => faults.push(fault), ...options });
  const w = world({ clock });
  audit(w.session);
  return { w, audit, directory, faults };
}

const codeOf = (fault: AuditFault | undefined): unknown => (fault?.error as NodeJS.ErrnoException | undefined)?.code;

describe('a directory', () => {
  test('that is missing is made', async () => {
    const { w, directory } = scene();
    await refreshTimes(w, 1);
    expect(await outcomesIn(directory)).toStrictEqual(['success']);
  });

  test('that disappears is made again', async () => {
    const { w, directory, faults } = scene();
    await refreshTimes(w, 1);
    rmSync(dirname(directory), { recursive: true });
    await refreshTimes(w, 1);
    expect(await outcomesIn(directory)).toStrictEqual(['success']);
    expect(faults).toStrictEqual([]);
  });

  test('that cannot be made is told, and tried again later', async () => {
    const { w, audit, directory, faults } = scene();
    writeFileSync(dirname(directory), 'a file is in the way');
    await refreshTimes(w, 2);
    expect(faults).toMatchObject([{ buffered: 1, dropped: 0 }]);
    expect(codeOf(faults[0])).toBe('ENOTDIR');
    unlinkSync(dirname(directory));
    await w.clock.advance(second);
    expect(await outcomesIn(directory)).toStrictEqual(['success', 'success']);
    expect(audit.flush()).toBe(true);
  });
});

describe('a burst beyond the buffer', () => {
  const signIn = (count: number, { audit, w: { clock } }: Scene): Promise<unknown> => {
    const sessions = Array.from({ length: count }, () => createTokenSession({ clock, refresh: () => 'never' }));
    for (const session of sessions) audit(session);
    const signIns = Promise.all(sessions.map((session) => session.setTokens('signed-in')));
    for (const session of sessions) session.dispose();
    return signIns;
  };

  test('loses nothing while the disk works: what waits is written before the next comes', async () => {
    const s = scene({ maxBuffered: 5 });
    await signIn(12, s);
    await settle();
    expect(await outcomesIn(s.directory)).toEqual(Array.from({ length: 12 }, () => 'started'));
    expect(s.faults).toStrictEqual([]);
  });

  test('is told with the first record that is dropped, in that very turn', async () => {
    const s = scene({ maxBuffered: 5 });
    const { audit, directory, faults } = s;
    writeFileSync(dirname(directory), 'a file is in the way');
    const signIns = signIn(12, s);
    expect(faults).toMatchObject([
      { buffered: 5, dropped: 0 },
      { buffered: 5, dropped: 1 },
    ]);
    expect(String(faults[1]?.error)).toContain('maxBuffered');
    await signIns;
    unlinkSync(dirname(directory));
    expect(audit.flush()).toBe(true);
    expect(await outcomesIn(directory)).toStrictEqual([...Array.from({ length: 5 }, () => 'started'), 'dropped']);
    expect((await recordsIn(directory)).at(-1)).toMatchObject({ count: 7 });
  });
});

describe('a full disk', () => {
  function fill({ directory }: Scene): void {
    mkdirSync(directory, { recursive: true });
    symlinkSync('/dev/full', join(directory, first));
  }
  function empty({ directory }: Scene): void {
    unlinkSync(join(directory, first));
  }

  test('loses nothing that fits the buffer, in order, and harms no session', async () => {
    const s = scene();
    fill(s);
    await refreshTimes(s.w, 3);
    expect(codeOf(s.faults[0])).toBe('ENOSPC');
    expect(s.w.session.getSnapshot()).toMatchObject({ generation: 4, status: 'active' });
    expect(s.w.told('listener.failed')).toStrictEqual([]);
    expect(s.audit.flush()).toBe(false);
    empty(s);
    await s.w.clock.advance(minute);
    expect((await recordsIn(s.directory)).map(({ generation }) => generation)).toStrictEqual([2, 3, 4]);
  });

  test('beyond the buffer drops what comes, counts it, and says so in the file', async () => {
    const s = scene({ maxBuffered: 2 });
    fill(s);
    await refreshTimes(s.w, 5);
    await s.w.clock.advance(second);
    expect(s.faults.at(-1)).toMatchObject({ buffered: 2, dropped: 3 });
    empty(s);
    await s.w.clock.advance(minute);
    expect((await recordsIn(s.directory)).map(({ outcome, count }) => [outcome, count])).toStrictEqual([
      ['success', undefined],
      ['success', undefined],
      ['dropped', 3],
    ]);
    await refreshTimes(s.w, 1);
    expect(await outcomesIn(s.directory)).toHaveLength(4);
  });

  test('is asked again ever more rarely, up to once a minute', async () => {
    const s = scene();
    fill(s);
    await refreshTimes(s.w, 1);
    await s.w.clock.advance(63 * second);
    expect(s.faults).toHaveLength(7);
    await s.w.clock.advance(10 * minute);
    expect(s.faults).toHaveLength(17);
    expect(s.w.clock.holding).toBe(0);
  });

  test('at the end is told with the records that are lost', async () => {
    const s = scene();
    fill(s);
    await refreshTimes(s.w, 3);
    s.audit.close();
    expect(s.faults.at(-1)).toMatchObject({ buffered: 0, dropped: 3 });
    expect(s.w.clock.pending).toBe(0);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('harms nobody where the callback that is told %s', async (_what, onFault) => {
    const s = scene({ onFault });
    fill(s);
    await refreshTimes(s.w, 1);
    empty(s);
    await s.w.clock.advance(second);
    expect(await outcomesIn(s.directory)).toStrictEqual(['success']);
  });

  test('is told once where the callback that is told flushes again', async () => {
    const told: AuditFault[] = [];
    const s = scene({
      onFault: (fault) => {
        told.push(fault);
        s.audit.flush();
      },
    });
    fill(s);
    await refreshTimes(s.w, 1);
    expect(told).toHaveLength(1);
    empty(s);
    await s.w.clock.advance(minute);
    expect(await outcomesIn(s.directory)).toStrictEqual(['success']);
  });

  test('in the middle of a line tears that line, and the record is written whole afterwards', async () => {
    const directory = freshDirectory();
    const script = join(__dirname, 'child.ts');
    // The limit of a file's size, in blocks of 1 KiB, cuts a write short as a full disk does.
    const command = `ulimit -f 2; exec "${process.execPath}" --import tsx "${script}" "${directory}" torn`;
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await once(child, 'close');
    const told = JSON.parse(printed) as { code: string; made: number; buffered: number };
    expect(told.code).toBe('EFBIG');
    const [text = ''] = Object.values(filesIn(directory));
    expect(text).toHaveLength(2_048);
    expect(text.endsWith('\n')).toBe(false);
    const whole = await recordsIn(directory);
    expect(whole).toHaveLength(told.made - told.buffered);
    const { w } = sceneIn(directory);
    await refreshTimes(w, 1);
    expect(await recordsIn(directory)).toHaveLength(whole.length + 1);
  });
});

function sceneIn(directory: string): { w: World } {
  const clock = fakeClock(Date.now());
  const w = world({ clock });
  startAudit({ directory, clock })(w.session);
  return { w };
}

describe('files', () => {
  test('stay where they are when the process goes to another directory', async () => {
    const before = process.cwd();
    const directory = freshDirectory();
    mkdirSync(directory, { recursive: true });
    try {
      process.chdir(directory);
      const { w } = scene({ directory: 'audit' });
      process.chdir(before);
      await refreshTimes(w, 1);
    } finally {
      process.chdir(before);
    }
    expect(await outcomesIn(join(directory, 'audit'))).toStrictEqual(['success']);
  });

  test('that were there are added to, never overwritten', async () => {
    const { w, directory } = scene();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, first), '{"at":"2026-01-01T00:00:00.000Z","outcome":"started"}\n');
    await refreshTimes(w, 1);
    expect(await outcomesIn(directory)).toStrictEqual(['started', 'success']);
  });

  test('whose last line is torn are gone on with on a new line', async () => {
    const { w, directory } = scene();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, first), '{"at":"2026-01-01T00:00:00.000Z","outc');
    await refreshTimes(w, 1);
    expect(await outcomesIn(directory)).toStrictEqual(['success']);
  });

  test('are one for each day (UTC), by when a thing happened', async () => {
    const { w, directory } = scene();
    await refreshTimes(w, 1);
    await w.clock.advance(day - second);
    await refreshTimes(w, 1);
    await w.clock.advance(second);
    await refreshTimes(w, 1);
    const lines = Object.entries(filesIn(directory)).map(([name, text]) => [name, text.trimEnd().split('\n').length]);
    expect(lines).toStrictEqual([
      [first, 2],
      ['auth-audit-2026-01-02.jsonl', 1],
    ]);
  });

  test('hold what was buffered over midnight on its own day', async () => {
    const s = scene();
    mkdirSync(s.directory, { recursive: true });
    symlinkSync('/dev/full', join(s.directory, first));
    await refreshTimes(s.w, 1);
    await s.w.clock.advance(day);
    await refreshTimes(s.w, 1);
    unlinkSync(join(s.directory, first));
    await s.w.clock.advance(minute);
    await settle();
    expect(readdirSync(s.directory).sort()).toStrictEqual([first, 'auth-audit-2026-01-02.jsonl']);
    expect(await outcomesIn(s.directory)).toStrictEqual(['success', 'success']);
  });
});
