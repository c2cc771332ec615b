/** What is remembered of everything that happened, and what is told at once. */
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { hashOf } from '../../src/server/secrets.js';
import { memoryRefreshStore, type AuditRecord, type RefreshStore } from '../../src/server/index.js';
import { day, hour, minute, send, stage, type Stage } from './support/stage.js';

const from = { connection: { peerAddress: '192.0.2.7' }, headers: { 'User-Agent': 'browser', 'X-Request-Id': 'r1' } };

/** One of everything. Returns every token that was in play. */
async function story(on: Stage): Promise<string[]> {
  const caller = { ip: '192.0.2.7', userAgent: 'browser', requestId: 'sign-in' };
  const { refreshToken: first, accessToken } = await on.signIn({ caller });
  const { body } = await on.refresh(first, from);
  await on.refresh(first, from);
  on.clock.advance(minute);
  await on.refresh(first, from);
  await on.refresh(body.refreshToken, from);
  const { refreshToken: second } = await on.signIn();
  await on.signOut(second, from);
  const { refreshToken: third } = await on.signIn();
  await on.endpoint.revokeSessions({ subject: 'ada' });
  await send(on.endpoint.refresh, 'nonsense', from);
  return [first, accessToken, body.refreshToken ?? '', body.accessToken ?? '', second, third];
}

const expected = [
  ['issued', undefined],
  ['refreshed', undefined],
  ['grace', undefined],
  ['reused', 'AUTH_TOKEN_REUSED'],
  ['refused', 'AUTH_TOKEN_INVALID'],
  ['issued', undefined],
  ['signed-out', undefined],
  ['issued', undefined],
  ['revoked', undefined],
  ['refused', 'AUTH_REQUEST_INVALID'],
];

describe('the audit trail', () => {
  test('tells of everything that happened, to whom, from where, with which answer: to the table and to the callback', async () => {
    const on = await stage();
    await story(on);
    expect(on.told.map(({ event, code }) => [event, code])).toEqual(expected);
    const kept = await on.endpoint.auditTrail({});
    expect(new Set(kept)).toEqual(new Set(on.told));
    expect(on.told[0]).toMatchObject({ ip: '192.0.2.7', userAgent: 'browser', requestId: 'sign-in', subject: 'ada' });
    expect(on.told[3]).toEqual({
      id: expect.any(String),
      at: on.clock.now(),
      event: 'reused',
      code: 'AUTH_TOKEN_REUSED',
      subject: 'ada',
      familyId: on.told[0]?.familyId,
      requestId: 'r1',
      ip: '192.0.2.7',
      userAgent: 'browser',
    });
  });

  test('never holds a token or a hash of one, not even one that a client puts where it does not belong', async () => {
    const on = await stage();
    const tokens = await story(on);
    const { refreshToken } = await on.signIn();
    await on.refresh(refreshToken, { headers: { 'User-Agent': `curl ${refreshToken}`, 'X-Request-Id': refreshToken } });
    tokens.push(refreshToken);
    const text = inspect([on.told, await on.endpoint.auditTrail({}), on.suspicions, on.faults], { depth: 9 });
    for (const token of tokens) {
      expect(text).not.toContain(token);
      expect(text).not.toContain(hashOf(token));
    }
  });

  test('can be read by user, by session and by time', async () => {
    const on = await stage();
    await story(on);
    const { sessionId } = await on.signIn({ subject: 'grace' });
    expect((await on.endpoint.auditTrail({ subject: 'grace' })).map(({ event }) => event)).toStrictEqual(['issued']);
    expect(await on.endpoint.auditTrail({ familyId: sessionId })).toHaveLength(1);
    expect(await on.endpoint.auditTrail({ subject: 'ada', limit: 3 })).toHaveLength(3);
    expect(await on.endpoint.auditTrail({ since: on.clock.now() + 1 })).toStrictEqual([]);
    await expect(on.endpoint.revokeSessions({ subject: 'half \ud800' })).rejects.toThrow('without control characters');
    for (const query of [
      { limit: 0 },
      { limit: 1_001 },
      { subject: '' },
      { subject: 'half \ud800' },
      { sub: 'x' } as never,
    ])
      await expect(on.endpoint.auditTrail(query)).rejects.toThrow(TypeError);
  });

  test('is read newest first, also where much happens in one millisecond', async () => {
    const on = await stage();
    for (let time = 0; time < 20; time += 1) {
      const { refreshToken } = await on.signIn();
      const { body } = await on.refresh(refreshToken);
      await on.signOut(body.refreshToken);
    }
    expect(new Set(on.told.map(({ at }) => at)).size).toBe(1);
    expect(await on.endpoint.auditTrail({})).toStrictEqual([...on.told].reverse());
  });

  test('is kept for 90 days at least: the purge refuses to delete younger records', async () => {
    const on = await stage();
    await story(on);
    on.clock.advance(90 * day);
    expect(await on.endpoint.purge()).toEqual({ families: 3, auditRecords: 3 });
    expect(await on.endpoint.auditTrail({})).toHaveLength(expected.length - 3);
    await expect(on.endpoint.purge({ auditRetentionMs: 90 * day - 1 })).rejects.toThrow(
      'Option "auditRetentionMs" must be milliseconds, 7_776_000_000 (90 days) or more',
    );
    expect(await on.endpoint.auditTrail({})).toHaveLength(expected.length - 3);
    on.clock.advance(hour);
    expect(await on.endpoint.purge({ auditRetentionMs: 91 * day })).toEqual({ families: 0, auditRecords: 0 });
    expect(await on.endpoint.purge()).toEqual({ families: 0, auditRecords: 7 });
  });

  test.each([{ auditRetentionMs: Infinity }, { auditRetentionMs: 90 * day + 0.5 }])(
    'a time that a database cannot hold is refused before anything is deleted: %j',
    async (plan) => {
      const on = await stage();
      await story(on);
      on.clock.advance(91 * day);
      await expect(on.endpoint.purge(plan)).rejects.toThrow('Option "auditRetentionMs"');
      await expect(on.endpoint.auditTrail({ since: 0.5 })).rejects.toThrow('Option "since"');
      expect(await on.endpoint.auditTrail({})).toHaveLength(expected.length);
    },
  );

  test('writes an address in one way, however the application’s framework writes it', async () => {
    const on = await stage();
    const { refreshToken } = await on.signIn({ caller: { ip: '::ffff:192.0.2.7' } });
    await on.refresh(refreshToken, { connection: { peerAddress: '::ffff:192.0.2.7' } });
    await on.signIn({ caller: { ip: `unknown, ${refreshToken}` } });
    await on.signIn({ caller: { ip: 'fe80::1%eth0' } });
    expect(on.told.map(({ ip }) => ip)).toStrictEqual(['192.0.2.7', '192.0.2.7', undefined, 'fe80::1']);
  });

  test('is not changed by a callback that changes what it is told', async () => {
    const faults: unknown[] = [];
    const audit = (record: AuditRecord): unknown => Object.assign(record, { ip: 'changed' });
    const on = await stage({ audit, onFault: (error) => faults.push(error) });
    await on.signIn({ caller: { ip: '192.0.2.7' } });
    expect(await on.endpoint.auditTrail({})).toMatchObject([{ ip: '192.0.2.7' }]);
    await new Promise(setImmediate);
    expect(faults).toStrictEqual([expect.any(TypeError)]);
  });

  test('does not grow by requests for what is public', async () => {
    const on = await stage();
    expect(await send(on.endpoint.jwks, {}, from)).toMatchObject({ status: 405, outcome: 'AUTH_REQUEST_INVALID' });
    expect(on.events()).toStrictEqual([]);
  });

  test('a callback that throws or rejects changes nothing, and is told of', async () => {
    const throws = (): never => {
      throw new Error('sync');
    };
    const rejects = async (): Promise<never> => throws();
    for (const audit of [throws, rejects]) {
      const on = await stage({ audit, suspicion: { report: audit } });
      const { refreshToken } = await on.signIn();
      expect((await on.refresh(refreshToken)).status).toBe(200);
      on.clock.advance(minute);
      expect((await on.refresh(refreshToken)).outcome).toBe('AUTH_TOKEN_REUSED');
      await new Promise((resolve) => setImmediate(resolve));
      expect(on.faults.length).toBeGreaterThanOrEqual(4);
    }
    const worst = await stage({
      audit: throws,
      onFault: throws,
    });
    expect((await worst.refresh((await worst.signIn()).refreshToken)).status).toBe(200);
  });

  test('a trail that cannot be written does not turn a refusal into something else', async () => {
    const store: RefreshStore = { ...memoryRefreshStore(), record: () => Promise.reject(new Error('disk full')) };
    const on = await stage({ store });
    expect(await on.refresh('A'.repeat(43))).toMatchObject({ status: 401, outcome: 'AUTH_TOKEN_INVALID' });
    expect(on.faults).toHaveLength(1);
    expect(on.events()).toStrictEqual(['refused']);
  });
});

describe('suspicious patterns are reported', () => {
  test('a reuse, with the session that it ended', async () => {
    const on = await stage();
    const { refreshToken, sessionId } = await on.signIn();
    await on.refresh(refreshToken);
    on.clock.advance(minute);
    await on.refresh(refreshToken, from);
    expect(on.suspicions).toStrictEqual([
      { kind: 'reuse', count: 1, record: expect.objectContaining({ familyId: sessionId, ip: '192.0.2.7' }) },
    ]);
  });

  test('many refusals from one address, once', async () => {
    const on = await stage();
    for (let time = 0; time < 25; time += 1) await on.refresh('A'.repeat(43), from);
    expect(on.suspicions).toMatchObject([{ kind: 'refusals-from-ip', count: 10, record: { ip: '192.0.2.7' } }]);
  });

  test('many refusals from one network of IPv6, where one user has many addresses', async () => {
    const on = await stage();
    for (let last = 1; last <= 12; last += 1)
      await on.refresh('A'.repeat(43), { connection: { peerAddress: `2001:db8::${last}` } });
    expect(on.suspicions).toMatchObject([{ kind: 'refusals-from-ip', count: 10 }]);
  });

  test.each<[string, () => unknown]>([
    ['never ends', () => new Promise(() => undefined)],
    ['fails', () => Promise.reject(new Error('no network'))],
  ])('a report that %s keeps nothing from being counted', async (_, end) => {
    const kinds: string[] = [];
    const on = await stage({
      suspicion: {
        report: ({ kind }) => {
          kinds.push(kind);
          return end();
        },
        refusals: { points: 1, durationMs: minute },
      },
    });
    const { refreshToken } = await on.signIn();
    await on.refresh(refreshToken);
    on.clock.advance(minute);
    await on.refresh(refreshToken, from);
    await new Promise((resolve) => setImmediate(resolve));
    expect(kinds).toStrictEqual(['reuse', 'refusals-from-ip', 'refusals-for-subject']);
  });

  test('many refusals for one user, from many addresses', async () => {
    const report: unknown[] = [];
    const on = await stage({
      suspicion: { report: (each) => report.push(each), refusals: { points: 3, durationMs: minute } },
    });
    const { refreshToken } = await on.signIn();
    await on.signOut(refreshToken);
    for (let last = 1; last <= 5; last += 1)
      await on.refresh(refreshToken, { connection: { peerAddress: `192.0.2.${last}` } });
    expect(report).toMatchObject([{ kind: 'refusals-for-subject', count: 3, record: { subject: 'ada' } }]);
  });
});
