/** What is kept of a session. */
import { createHmac } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { FileAudit, FileAuditOptions } from '../../src/audit/index.js';
import { nth, second, settle, world } from '../properties/world.js';
import { holders, refreshTimes, scenes } from '../reporters/scenes.js';
import { filesIn, freshDirectory, outcomesIn, recordsIn, startAudit } from './folder.js';

function audited(options: Partial<FileAuditOptions> = {}): { audit: FileAudit; directory: string } {
  const directory = freshDirectory();
  return { audit: startAudit({ directory, ...options }), directory };
}

describe('a record', () => {
  test('of a refresh says which, why, how often, how long, and of which token set', async () => {
    const { audit, directory } = audited();
    const w = await scenes.retried(audit);
    await settle();
    const [done] = w.told('refresh.succeeded');
    expect(await recordsIn(directory)).toStrictEqual([
      {
        id: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
        at: new Date(done?.at ?? NaN).toISOString(),
        outcome: 'success',
        operationId: done?.operationId,
        trigger: 'manual',
        attempts: 2,
        durationMs: done?.durationMs,
        generation: 2,
      },
    ]);
  });

  test('of a failure has its code, kind, status and the server’s request id', async () => {
    const { audit, directory } = audited();
    await scenes.failure(audit);
    await settle();
    expect(await recordsIn(directory)).toMatchObject([
      { outcome: 'failure', code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'server', status: 503, requestId: 'req-503' },
    ]);
  });

  test.each([
    ['adopted', ['adopted']],
    ['cancelled', ['cancelled', 'cleared']],
    ['late', ['failure', 'late', 'cancelled']],
    ['ended', ['failure', 'ending', 'expired']],
  ] as const)('tells of a refresh or session that is %s', async (scene, outcomes) => {
    const { audit, directory } = audited();
    await scenes[scene](audit);
    await settle();
    expect(await outcomesIn(directory)).toEqual(outcomes);
  });

  test('of a cancelled refresh has the fields of any other, and no more', async () => {
    const { audit, directory } = audited();
    const w = await scenes.cancelled(audit);
    await settle();
    const [started] = w.told('refresh.started');
    expect((await recordsIn(directory))[0]).toEqual({
      id: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
      at: new Date(w.clock.now()).toISOString(),
      outcome: 'cancelled',
      operationId: started?.operationId,
      trigger: 'manual',
      attempts: 1,
      durationMs: 100,
      generation: 1,
    });
  });

  test('of an escalation tells of the whole streak; one of its recovery follows', async () => {
    const { audit, directory } = audited();
    const w = await scenes.streak(audit);
    await settle();
    const [told] = w.told('refresh.escalated');
    const records = await recordsIn(directory, { outcome: ['escalated', 'recovered'] });
    expect(records).toMatchObject([
      {
        outcome: 'escalated',
        consecutiveFailures: 3,
        kinds: { server: 1, network: 2 },
        firstFailureAt: new Date(told?.firstFailureAt ?? NaN).toISOString(),
        lastFailureAt: new Date(told?.lastFailureAt ?? NaN).toISOString(),
        leftMs: told?.leftMs,
        code: 'AUTH_TOKEN_REFRESH_FAILED',
      },
      { outcome: 'recovered', consecutiveFailures: 13 },
    ]);
  });

  test('of an escalation is one for three holders of a session, each with an audit of the same directory', async () => {
    const directory = freshDirectory();
    const { all, works } = await holders(3, () => startAudit({ directory }));
    for (const w of all) await refreshTimes(w, 4);
    works(true);
    await refreshTimes(nth(all, 1), 1);
    await settle();
    const outcomes = await outcomesIn(directory);
    expect(outcomes.filter((outcome) => outcome === 'escalated')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'recovered')).toHaveLength(1);
  });

  test('has an id of its own', async () => {
    const { audit, directory } = audited();
    await scenes.streak(audit);
    await settle();
    const ids = (await recordsIn(directory)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('is a line with a severity, in a file for its own user only', async () => {
    const { audit, directory } = audited();
    await scenes.failure(audit);
    await settle();
    const [[name, text] = ['', '']] = Object.entries(filesIn(directory));
    expect(name).toBe('auth-audit-2026-01-01.jsonl');
    expect(JSON.parse(text)).toMatchObject({ level: 'warn', outcome: 'failure' });
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(dirname(directory)).mode & 0o777).toBe(0o700);
  });
});

describe('whose record it is', () => {
  const salt = 'a salt that is long enough';
  const hash = (subject: string): string => createHmac('sha256', salt).update(subject).digest('hex');

  test('is a hash under the salt, and follows who is signed in', async () => {
    let who: string | undefined = 'ada@example.com';
    const { audit, directory } = audited({ salt, subject: () => who });
    const w = world();
    audit(w.session);
    await refreshTimes(w, 1);
    who = 'grace@example.com';
    await w.session.setTokens(w.issue(3_600, { sub: 'grace' }));
    who = undefined;
    await w.session.signOut();
    await settle();
    expect((await recordsIn(directory)).map(({ outcome, subjectHash }) => [outcome, subjectHash])).toStrictEqual([
      ['success', hash('ada@example.com')],
      ['cleared', hash('ada@example.com')],
      ['started', hash('grace@example.com')],
      ['cleared', hash('grace@example.com')],
    ]);
    expect(JSON.stringify(filesIn(directory))).not.toContain('example.com');
  });

  test('is asked of each session', async () => {
    const [one, two] = [world(), world()];
    const { audit, directory } = audited({ salt, subject: (session) => (session === one.session ? 'ada' : 'grace') });
    audit(one.session);
    audit(two.session);
    await refreshTimes(one, 1);
    await refreshTimes(two, 1);
    expect((await recordsIn(directory)).map(({ subjectHash }) => subjectHash)).toStrictEqual([
      hash('ada'),
      hash('grace'),
    ]);
  });

  test('is nobody’s, rather than the one’s before, where it cannot be had', async () => {
    let user: { id: string } | undefined = { id: 'ada' };
    const subject = (): string => {
      if (!user) throw new Error('Nobody is there yet.');
      return user.id;
    };
    const { audit, directory } = audited({ salt, subject });
    const w = world();
    audit(w.session);
    await refreshTimes(w, 1);
    user = undefined;
    await w.session.setTokens(w.issue(3_600, { sub: 'grace' }));
    await settle();
    expect((await recordsIn(directory)).map(({ outcome, subjectHash }) => [outcome, subjectHash])).toStrictEqual([
      ['success', hash('ada')],
      ['cleared', hash('ada')],
      ['started', undefined],
    ]);
  });

  test('may be unknown, and a function that throws costs no record', async () => {
    const faults: unknown[] = [];
    const { audit, directory } = audited({
      salt,
      subject: () => {
        throw new Error('Nobody is there.');
      },
      onFault: ({ error }) => faults.push(error),
    });
    await scenes.success(audit);
    await settle();
    expect(await outcomesIn(directory)).toStrictEqual(['success']);
    expect(faults).toHaveLength(2);
  });
});

describe('the end', () => {
  test('of a reporter writes what is open as cancelled, and nothing after it', async () => {
    const { audit, directory } = audited();
    const w = world({ refresh: 'open' });
    const stop = audit(w.session);
    void refreshTimes(w, 1);
    await settle();
    stop();
    nth(w.calls, 0).answer();
    await settle();
    expect(await outcomesIn(directory)).toStrictEqual(['cancelled']);
  });

  test('of the audit writes what waits, and ignores what comes later', async () => {
    const { audit, directory } = audited();
    const before = process.listenerCount('exit');
    const w = world();
    audit(w.session);
    await w.session.setTokens(w.issue(3_600, { sub: 'grace' }));
    audit.close();
    audit.close();
    expect(await outcomesIn(directory)).toStrictEqual(['cleared', 'started']);
    await refreshTimes(w, 1);
    await w.clock.advance(second);
    expect(await outcomesIn(directory)).toStrictEqual(['cleared', 'started']);
    expect(process.listenerCount('exit')).toBe(before - 1);
  });
});
