/** What arrives at a collector. */
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTokenSession } from '../../src/index.js';
import {
  httpAudit,
  type AuditFault,
  type AuditRecord,
  type HttpAudit,
  type HttpAuditOptions,
} from '../../src/reporters/index.js';
import { minute, nth, second, settle, world, type World } from '../properties/world.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { startServer, type Answer, type ScriptedServer } from '../support/server.js';
import { refreshTimes, scenes } from './scenes.js';

let server: ScriptedServer;
let audits: HttpAudit[] = [];
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  server.script = () => ({});
  await Promise.all(audits.map((audit) => audit.close()));
  audits = [];
  await server.close();
});

interface Scene {
  readonly w: World;
  readonly clock: FakeClock;
  readonly audit: HttpAudit;
  readonly faults: AuditFault[];
}

function scene(options: Partial<HttpAuditOptions> = {}): Scene {
  const clock = fakeClock();
  const faults: AuditFault[] = [];
  const audit = httpAudit({ url: `${server.url}/audit`, clock, onFault: (fault) => faults.push(fault), ...options });
  audits.push(audit);
  const w = world({ clock });
  audit(w.session);
  return { w, clock, audit, faults };
}

const batches = (): AuditRecord[][] =>
  server.seen.map(({ body }) => (JSON.parse(body.toString()) as { records: AuditRecord[] }).records);
const outcomes = (): string[] => batches().flatMap((records) => records.map(({ outcome }) => outcome));
/** Waits for the loopback, whose answers come by the real clock. */
async function arrived(count: number): Promise<void> {
  for (let turn = 0; turn < 2_000 && server.seen.length < count; turn++) await settle();
  for (let turn = 0; turn < 20; turn++) await settle();
}

describe('records', () => {
  test('are posted together, as JSON, a few seconds after the first', async () => {
    const { w, clock } = scene();
    await refreshTimes(w, 2);
    await clock.advance(4 * second);
    expect(server.seen).toStrictEqual([]);
    await clock.advance(second);
    await arrived(1);
    expect(server.seen).toMatchObject([
      { method: 'POST', url: '/audit', headers: { 'content-type': 'application/json' } },
    ]);
    expect(batches()).toMatchObject([
      [
        { outcome: 'success', trigger: 'manual', attempts: 1, generation: 2, at: '2026-01-01T00:00:00.000Z' },
        { outcome: 'success', generation: 3 },
      ],
    ]);
    expect(batches()[0]?.map(({ id }) => /^[\da-f]{32}$/.test(id))).toStrictEqual([true, true]);
  });

  test('go out when they are asked for, as an edge function does before it ends', async () => {
    const { w, audit } = scene();
    await refreshTimes(w, 1);
    expect(await audit.flush()).toBe(true);
    expect(outcomes()).toStrictEqual(['success']);
    expect(await audit.flush()).toBe(true);
    expect(server.seen).toHaveLength(1);
  });

  test('go out once, however often they are asked for at the same time', async () => {
    const { w, audit } = scene();
    await refreshTimes(w, 2);
    expect(await Promise.all([audit.flush(), audit.flush(), audit.flush()])).toStrictEqual([true, true, true]);
    expect(server.seen).toHaveLength(1);
  });

  test('go out in batches, in order', async () => {
    const { w, audit } = scene({ maxBatch: 2 });
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    server.script = async () => {
      await held;
      return {};
    };
    await refreshTimes(w, 5);
    go();
    await audit.flush();
    expect(batches().map((records) => records.map(({ generation }) => generation))).toStrictEqual([
      [2, 3],
      [4, 5],
      [6],
    ]);
  });

  test('go out as soon as a batch is full, without a wait', async () => {
    const { w, clock } = scene({ maxBatch: 2 });
    await refreshTimes(w, 2);
    await arrived(1);
    expect(batches()).toMatchObject([[{ generation: 2 }, { generation: 3 }]]);
    expect(clock.pending).toBe(0);
  });

  test('of 1,200 sign-ins in one turn all arrive, though nothing was told of any limit', async () => {
    const { audit, faults } = scene();
    const sessions = Array.from({ length: 1_200 }, () => createTokenSession({ refresh: () => 'never' }));
    for (const session of sessions) audit(session);
    await Promise.all(sessions.map((session) => session.setTokens('signed-in')));
    expect(await audit.flush()).toBe(true);
    expect(outcomes()).toEqual(sessions.map(() => 'started'));
    expect(faults).toStrictEqual([]);
    for (const session of sessions) session.dispose();
  });

  test('go with the headers that are given', async () => {
    const { w, audit } = scene({ headers: { 'X-Api-Key': 'key-1' } });
    await refreshTimes(w, 1);
    await audit.flush();
    expect(server.seen[0]?.headers).toMatchObject({ 'x-api-key': 'key-1', 'content-type': 'application/json' });
  });

  test('have the hash of the subject, the same that files have, also the very first', async () => {
    const salt = 'a salt that is long enough';
    let who = 'ada';
    const { w, audit } = scene({ salt, subject: () => who });
    await w.session.setTokens(w.issue(3_600, { sub: 'grace' }));
    who = 'grace';
    await w.session.signOut();
    await audit.flush();
    const hash = (subject: string): string => createHmac('sha256', salt).update(subject).digest('hex');
    expect(batches()[0]?.map(({ outcome, subjectHash }) => [outcome, subjectHash])).toStrictEqual([
      ['cleared', hash('ada')],
      ['started', hash('ada')],
      ['cleared', hash('ada')],
    ]);
  });

  test('are each of who was there when it happened, though another one follows before the hash is made', async () => {
    const salt = 'a salt that is long enough';
    let who = 'ada';
    const { w, audit } = scene({ salt, subject: () => who });
    await w.session.signOut();
    who = 'grace';
    await w.session.setTokens(w.issue(3_600, { sub: 'grace' }));
    await audit.flush();
    const hash = (subject: string): string => createHmac('sha256', salt).update(subject).digest('hex');
    expect(batches()[0]?.map(({ outcome, subjectHash }) => [outcome, subjectHash])).toStrictEqual([
      ['cleared', hash('ada')],
      ['started', hash('grace')],
    ]);
  });

  test('are nobody’s, rather than the one’s before, where the subject cannot be had', async () => {
    let user: { id: string } | undefined = { id: 'ada' };
    const subject = (): string => {
      if (!user) throw new Error('Nobody is there yet.');
      return user.id;
    };
    const { w, audit } = scene({ salt: 'a salt that is long enough', subject });
    await refreshTimes(w, 1);
    await audit.flush();
    user = undefined;
    await w.session.setTokens(w.issue(3_600, { sub: 'grace' }));
    await audit.flush();
    expect(
      batches().flatMap((records) => records.map(({ outcome, subjectHash }) => [outcome, subjectHash !== undefined])),
    ).toStrictEqual([
      ['success', true],
      ['cleared', true],
      ['started', false],
    ]);
  });

  test('do without the subject where it cannot be had', async () => {
    const { w, audit, faults } = scene({
      salt: 'a salt that is long enough',
      subject: () => {
        throw new Error('Nobody is there.');
      },
    });
    await refreshTimes(w, 1);
    await audit.flush();
    expect(batches()).toMatchObject([[{ outcome: 'success' }]]);
    expect(faults).toHaveLength(2);
  });
});

describe('a collector that is out of order', () => {
  test.each<[what: string, answer: Answer]>([
    ['answers 503', { status: 503 }],
    ['wants somebody to be signed in', { status: 401 }],
    ['is not there yet', { status: 404 }],
    ['answers 429', { status: 429 }],
    ['breaks the connection', 'reset'],
  ])('and %s is tried again, each record once in the end', async (_what, answer) => {
    const { w, clock, audit, faults } = scene();
    server.script = (_request, index) => (index === 0 ? answer : {});
    await refreshTimes(w, 2);
    expect(await audit.flush()).toBe(false);
    expect(faults).toMatchObject([{ buffered: 2, dropped: 0 }]);
    await clock.advance(second);
    await arrived(2);
    expect(batches()[1]).toMatchObject([{ generation: 2 }, { generation: 3 }]);
    expect(await audit.flush()).toBe(true);
    expect(server.seen).toHaveLength(2);
  });

  test('is asked ever more rarely', async () => {
    server.script = () => ({ status: 500 });
    const { w, clock, audit } = scene();
    await refreshTimes(w, 1);
    await audit.flush();
    let asked = server.seen.length;
    const gaps: number[] = [];
    for (let waited = second; gaps.length < 5; waited += second) {
      await clock.advance(second);
      await arrived(asked + 1);
      if (server.seen.length > asked) {
        gaps.push(waited);
        waited = 0;
        asked = server.seen.length;
      }
    }
    expect(gaps.at(-1)).toBeGreaterThan((gaps[0] ?? NaN) * 4);
    expect(clock.holding).toBe(0);
  });

  test('costs what is beyond the buffer, which is counted and told', async () => {
    const { w, audit, faults } = scene({ maxBuffered: 2 });
    server.script = (_request, index) => ({ status: index === 0 ? 503 : 200 });
    await refreshTimes(w, 2);
    await arrived(1);
    await refreshTimes(w, 3);
    expect(faults).toMatchObject([
      { buffered: 2, dropped: 0 },
      { buffered: 2, dropped: 1 },
    ]);
    expect(await audit.flush()).toBe(true);
    expect(batches().slice(1)).toMatchObject([
      [{ generation: 2 }, { generation: 3 }],
      [{ outcome: 'dropped', count: 3 }],
    ]);
  });

  test('is told of the first record of each gap, before anything is sent again', async () => {
    const { w, audit, faults } = scene({ maxBuffered: 1 });
    const drops = (): unknown[] => faults.map(({ dropped }) => dropped).filter((dropped) => dropped > 0);
    server.script = () => ({ status: 503 });
    await refreshTimes(w, 1);
    await arrived(1);
    await refreshTimes(w, 2);
    expect(drops()).toStrictEqual([1]);
    expect(server.seen).toHaveLength(1);
    server.script = () => ({});
    expect(await audit.flush()).toBe(true);
    server.script = () => ({ status: 503 });
    await refreshTimes(w, 1);
    await arrived(4);
    await refreshTimes(w, 2);
    expect(drops()).toStrictEqual([1, 1]);
    expect(String(faults.at(-1)?.error)).toContain('maxBuffered');
  });

  test('is not asked before the retry is due, however many batches are full', async () => {
    server.script = () => ({ status: 503 });
    const { w, clock } = scene({ maxBatch: 1 });
    await refreshTimes(w, 1);
    await arrived(1);
    await refreshTimes(w, 5);
    await arrived(2);
    expect(server.seen).toHaveLength(1);
    server.script = () => ({});
    await clock.advance(second);
    await arrived(7);
    expect(server.seen).toHaveLength(7);
    await refreshTimes(w, 1);
    await arrived(8);
    expect(server.seen).toHaveLength(8);
  });

  test('and refuses a batch for good gets the next one', async () => {
    const { w, audit, faults } = scene({ maxBatch: 2 });
    server.script = (_request, index) => ({ status: index === 0 ? 400 : 204 });
    await refreshTimes(w, 1);
    const flushing = audit.flush();
    await refreshTimes(w, 1);
    expect(await flushing).toBe(false);
    expect(faults).toMatchObject([{ dropped: 1 }]);
    expect(outcomes()).toStrictEqual(['success', 'success']);
    expect(await audit.flush()).toBe(true);
  });

  test.each([400, 413, 422])('and answers %d has lost the records: that is said, and told once', async (status) => {
    server.script = () => ({ status });
    const { w, audit, faults } = scene();
    await refreshTimes(w, 2);
    expect(await audit.flush()).toBe(false);
    await audit.close();
    expect(faults).toMatchObject([{ buffered: 0, dropped: 2 }]);
  });

  test('at the end and refuses for good tells once of what is lost', async () => {
    server.script = () => ({ status: 400 });
    const { w, audit, faults } = scene();
    await refreshTimes(w, 2);
    await audit.close();
    expect(faults).toMatchObject([{ buffered: 0, dropped: 2 }]);
  });

  test('and refuses everything ends neither in a loop nor in a leak', async () => {
    const { w, audit, clock } = scene({ maxBuffered: 3 });
    server.script = async (_request, index) => {
      if (index === 0) await refreshTimes(w, 3);
      return { status: 400 };
    };
    await refreshTimes(w, 2);
    expect(await audit.flush()).toBe(false);
    // Two, the one that the buffer still had room for, and the word of the two that were dropped.
    expect(server.seen).toHaveLength(3);
    await clock.advance(10 * minute);
    expect(server.seen).toHaveLength(3);
  });

  test('at the end is told with what is lost', async () => {
    server.script = () => ({ status: 503 });
    const { w, audit, clock, faults } = scene();
    await refreshTimes(w, 2);
    await audit.close();
    expect(faults.at(-1)).toMatchObject({ buffered: 0, dropped: 2 });
    expect(clock.pending).toBe(0);
    await refreshTimes(w, 1);
    expect(clock.pending).toBe(0);
  });

  test('harms no session, whatever the callback that is told does', async () => {
    server.script = () => 'reset';
    const { w, audit } = scene({
      onFault: () => {
        throw new Error('no');
      },
    });
    await refreshTimes(w, 1);
    expect(await audit.flush()).toBe(false);
    expect(w.told('listener.failed')).toStrictEqual([]);
  });
});

test.each([
  [100, true],
  [1_000, false],
])('%d records are sent; with keepalive only where browsers allow it', async (count, keepalive) => {
  const asked: boolean[] = [];
  const { w, audit } = scene({
    maxBatch: 1_000,
    fetch: (_url, request) => {
      asked.push(request.keepalive);
      return Promise.resolve({ status: 204 });
    },
  });
  for (let done = 0; done < count; done++) await w.session.refresh();
  await audit.flush();
  expect(asked).toStrictEqual([keepalive]);
});

test.each(Array.from({ length: 12 }, (_, turns) => turns))(
  'what happens just when a batch has been taken (%d microtasks later) goes with the next',
  async (turns) => {
    const sent: string[] = [];
    const { w, clock, audit } = scene({
      fetch: (_url, { body }) => {
        sent.push(body);
        if (sent.length === 1) void later(turns).then(() => w.session.signOut());
        return Promise.resolve({ status: 204 });
      },
    });
    await refreshTimes(w, 1);
    await audit.flush();
    await settle();
    await clock.advance(5 * second);
    expect(sent).toHaveLength(2);
  },
);

async function later(microtasks: number): Promise<void> {
  for (let turn = 0; turn < microtasks; turn++) await Promise.resolve();
}

test('what happens while a batch is on its way goes with the next', async () => {
  const { w, audit } = scene();
  server.script = async (_request, index) => {
    if (index === 0) await refreshTimes(w, 2);
    return {};
  };
  await refreshTimes(w, 1);
  await audit.flush();
  expect(batches().map((records) => records.map(({ generation }) => generation))).toStrictEqual([[2], [3, 4]]);
});

test('the end of a reporter tells of what is open, and of nothing after it', async () => {
  const { audit } = scene();
  const w = await scenes.waiting(() => () => undefined);
  const stop = audit(w.session);
  await w.session.signOut();
  void refreshTimes(w, 1);
  await settle();
  stop();
  nth(w.calls, 1).answer();
  await settle();
  await audit.flush();
  expect(outcomes()).toStrictEqual(['cleared', 'cancelled']);
});
