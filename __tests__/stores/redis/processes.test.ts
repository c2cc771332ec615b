import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startApi, type Api } from '../../support/api.js';
import type { Joining, Report } from '../../support/holder-protocol.js';
import { all, startHolder, type HolderProcess } from '../../support/holders.js';
import {
  startAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerCounts,
} from '../../support/oidc.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { describeWithRedis } from '../../support/redis.js';

const hour = 3_600_000;
const crowd = 8;
const ttlSeconds = 3;

let redis: RedisServer;
let auth: AuthorizationServer;
let api: Api;
let key: string;
let users = 0;
const holders: HolderProcess[] = [];

async function join(index: number, change: Partial<Joining> = {}): Promise<HolderProcess> {
  const holder = (holders[index] ??= await startHolder());
  const joining: Joining = {
    redisUrl: redis.url,
    key,
    client: index % 2 === 0 ? 'ioredis' : 'node-redis',
    tokenEndpoint: auth.tokenEndpoint,
    clientId: auth.clientId,
    apiUrl: api.url,
    aheadMs: 0,
    hesitateMs: 0,
    without: [],
    store: 'redis',
    ...change,
  };
  await holder.order({ action: 'join', joining });
  return holder;
}

/** Signs a new user in at the first of them, and waits until the others have heard. */
async function signIn([first, ...others]: readonly HolderProcess[]): Promise<void> {
  const { accessToken, refreshToken } = await auth.signIn(`user-${++users}`);
  await first?.order({ action: 'sign-in', tokens: { accessToken, refreshToken } });
  for (const other of others) await until(other, ({ status }) => status === 'active');
}

async function until(holder: HolderProcess, isSo: (report: Report) => boolean): Promise<Report> {
  for (let looks = 0; ; looks += 1) {
    const report = await holder.order({ action: 'report' });
    if (isSo(report)) return report;
    if (looks === 1_000) throw new Error(`it has not come about: ${JSON.stringify(report)}`);
    await pause(20);
  }
}

/** Waits for the death of the token that they hold. */
async function expiry(holder: HolderProcess | undefined): Promise<void> {
  const report = await holder?.order({ action: 'report' });
  await pause((report?.expiresAt ?? 0) - Date.now() + 30);
}

async function counting(): Promise<() => Promise<AuthorizationServerCounts & { expired: number }>> {
  const before = { ...(await auth.counts()), expired: api.counts.expired };
  return async () => {
    const { refreshes, refused, reuses } = await auth.counts();
    return {
      refreshes: refreshes - before.refreshes,
      refused: refused - before.refused,
      reuses: reuses - before.reuses,
      expired: api.counts.expired - before.expired,
    };
  };
}

const burst = { action: 'burst', requests: 10 } as const;

describeWithRedis('with a real authorization server, Redis and processes', () => {
  beforeAll(async () => {
    [redis, auth] = await Promise.all([
      startRedis(),
      startAuthorizationServer({ accessTokenTtl: ttlSeconds, delayMs: 60 }),
    ]);
    api = await startApi({ verify: (token) => auth.verify(token) });
    const started = await Promise.all(Array.from({ length: crowd }, () => startHolder()));
    holders.push(...started);
    key = `session:${randomUUID()}`;
  }, 60_000);

  afterEach(async () => {
    // Each test has processes of its own, and each of them ends by itself.
    const left = await Promise.all(holders.splice(0).map((holder) => holder.leave()));
    expect(left.filter((status) => status !== 0 && status !== null)).toStrictEqual([]);
    key = `session:${randomUUID()}`;
  }, 30_000);

  afterAll(async () => {
    await Promise.all([redis.stop(), api.close(), auth.close()]);
  });

  test('G7, G27 8 processes, bursts at expiry: one refresh per lifetime, no refresh token used twice', async () => {
    const joined = await Promise.all(Array.from({ length: crowd }, (_, index) => join(index)));
    await signIn(joined);
    const counted = await counting();
    for (let lifetime = 1; lifetime <= 4; lifetime += 1) {
      await expiry(joined[0]);
      await all(joined, burst);
      expect(await counted()).toEqual({ refreshes: lifetime, refused: 0, reuses: 0, expired: 0 });
    }
    const reports = await all(joined, { action: 'report' });
    expect(reports.map(({ answered }) => answered)).toEqual(Array(crowd).fill(40));
    expect(reports.flatMap(({ failed, told }) => [...Object.keys(failed), told['store.failed save']])).toEqual(
      Array(crowd).fill(undefined),
    );
  }, 60_000);

  test('G27 clocks that are hours apart agree on when the token dies', async () => {
    const aheadMs = [0, 3 * hour, -5 * hour];
    const joined = await Promise.all(aheadMs.map((ahead, index) => join(index, { aheadMs: ahead })));
    await signIn(joined);
    const counted = await counting();
    for (const writer of joined) {
      await writer.order({ action: 'refresh' });
      const { expiresAt } = await writer.order({ action: 'report' });
      for (const reader of joined) {
        await until(reader, (report) => Math.abs(report.expiresAt - expiresAt) < 1_000);
      }
      await all(joined, burst);
    }
    await expiry(joined[1]);
    await all(joined, burst);
    expect(await counted()).toEqual({ refreshes: 4, refused: 0, reuses: 0, expired: 0 });
  }, 60_000);

  test('G27 a holder killed inside the lease: the others go on when it has run out', async () => {
    const joined = await Promise.all([0, 1, 2].map((index) => join(index, { hesitateMs: index === 0 ? 20_000 : 0 })));
    await signIn(joined);
    const counted = await counting();
    await expiry(joined[0]);
    const [first, ...others] = joined;
    const inside = first?.refreshing();
    first?.order(burst).catch(() => undefined);
    await inside;
    const waiting = all(others, burst);
    await first?.kill();
    const reports = await waiting;
    expect(reports.map(({ answered, failed }) => [answered, failed])).toStrictEqual([
      [10, {}],
      [10, {}],
    ]);
    expect(await counted()).toMatchObject({ refreshes: 1, reuses: 0 });
  }, 60_000);

  test('G27 Redis restarted during a refresh, with nothing left in it: nobody refreshes a second time', async () => {
    const joined = await Promise.all([0, 1, 2, 3].map((index) => join(index, { hesitateMs: 1_200 })));
    await signIn(joined);
    const counted = await counting();
    await expiry(joined[0]);
    const inside = Promise.race(joined.map((holder) => holder.refreshing()));
    const bursts = all(joined, burst);
    await inside;
    await redis.stop();
    await redis.start();
    const reports = await bursts;
    expect(reports.map(({ answered, failed }) => [answered, failed])).toEqual(Array(4).fill([10, {}]));
    expect(await counted()).toMatchObject({ refreshes: 1, reuses: 0 });
    // The tokens are in Redis again: who comes now finds them.
    const newcomer = await join(4);
    expect(await until(newcomer, ({ status }) => status === 'active')).toMatchObject({ status: 'active' });
  }, 60_000);

  test('G3, G27 Redis away: each process goes on with the tokens it has, and they agree again afterwards', async () => {
    const joined = await Promise.all([0, 1, 2].map((index) => join(index)));
    await signIn(joined);
    const counted = await counting();
    await redis.stop();
    await all(joined, burst);
    // One of them needs new tokens while nobody can be told of them.
    await joined[0]?.order({ action: 'refresh' });
    const { generation, told } = (await joined[0]?.order(burst)) ?? { generation: 0, told: {} };
    expect(generation).toBe(2);
    expect(Object.keys(told)).toEqual(expect.arrayContaining(['store.failed exclusive', 'store.failed save']));
    await redis.start();
    for (const other of joined.slice(1)) await until(other, (report) => report.generation > 1);
    await expiry(joined[0]);
    await all(joined, burst);
    expect(await counted()).toEqual({ refreshes: 2, refused: 0, reuses: 0, expired: 0 });
    const reports = await all(joined, { action: 'report' });
    expect(reports.map(({ status, failed }) => [status, failed])).toEqual(Array(3).fill(['active', {}]));
  }, 60_000);

  test('G11, G27 a sign-out in one process signs out all, and a process may end while Redis is away', async () => {
    const joined = await Promise.all([0, 1, 2].map((index) => join(index)));
    await signIn(joined);
    await joined[2]?.order({ action: 'sign-out' });
    for (const other of joined) await until(other, ({ status }) => status === 'signed-out');
    await redis.stop();
    expect(await Promise.all(joined.map((holder) => holder.leave()))).toStrictEqual([0, 0, 0]);
  }, 60_000);
});
