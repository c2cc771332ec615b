import { setTimeout as pause } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { useRedisPlace } from '../../support/redis-place.js';
import { describeWithRedis } from '../../support/redis.js';
import { deferred, follow, rejection } from '../../support/stage.js';

const tokens = { accessToken: 'access', refreshToken: 'refresh' };
const { signal } = new AbortController();

async function until(isSo: () => unknown): Promise<void> {
  while (!(await isSo())) await pause(5);
}

describeWithRedis('G27 a lease', () => {
  const place = useRedisPlace();
  const owner = (): Promise<string | null> => place.plain.get(place.leaseKey);

  test('lives longer than its length while the work goes on, and not at all after it', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout', 'clearTimeout'] });
    try {
      const [begun, work] = [deferred<undefined>(), deferred<string>()];
      const running = place.holder({ leaseMs: 60_000 }).exclusive(() => {
        begun.resolve(undefined);
        return work.promise;
      }, signal);
      await begun.promise;
      const given = await owner();
      for (let third = 1; third <= 4; third += 1) {
        await place.plain.pexpire(place.leaseKey, 40_000);
        jest.advanceTimersByTime(20_000);
        await until(async () => (await place.plain.pttl(place.leaseKey)) > 50_000);
        expect(await owner()).toBe(given);
      }
      expect(await place.plain.pttl(place.leaseKey)).toBeLessThanOrEqual(60_000);
      work.resolve('done');
      expect(await running).toBe('done');
      expect(await owner()).toBeNull();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('that a Redis which was started anew has forgotten is taken again at once', async () => {
    await place.holder({ leaseMs: 60_000 }).exclusive(async () => {
      const given = await owner();
      await place.server.stop();
      await place.server.start();
      await until(async () => (await owner()) === given);
    }, signal);
    // Its timer would come after 20 s.
  }, 15_000);

  test('that cannot be extended costs the work nothing', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', hear);
    const ada = place.holder({ leaseMs: 100 });
    const work = async (): Promise<string> => {
      await place.server.stop();
      await rejection(Promise.resolve(ada.load()));
      await pause(100);
      return 'done';
    };
    expect(await ada.exclusive(work, signal)).toBe('done');
    process.off('unhandledRejection', hear);
    expect(unhandled).toStrictEqual([]);
  });

  test('is released and extended by its owner only', async () => {
    const work = deferred<undefined>();
    const running = place.holder({ leaseMs: 150 }).exclusive(() => work.promise, signal);
    await until(owner);
    await place.plain.set(place.leaseKey, 'somebody else', 'PX', 60_000);
    await pause(120);
    expect(await owner()).toBe('somebody else');
    work.resolve(undefined);
    await running;
    expect(await owner()).toBe('somebody else');
    expect(await place.plain.pttl(place.leaseKey)).toBeGreaterThan(30_000);
  });

  test('of a holder that has died runs out', async () => {
    await place.plain.set(place.leaseKey, 'a dead process', 'PX', 150);
    expect(await place.holder().exclusive(async () => (await owner()) !== 'a dead process', signal)).toBe(true);
  });

  test('has a length that is told, 3 s by default', async () => {
    for (const [options, most] of [[{}, 3_000] as const, [{ leaseMs: 60_000 }, 60_000] as const]) {
      const leftMs = await place.holder(options).exclusive(() => place.plain.pttl(place.leaseKey), signal);
      expect(leftMs).toBeLessThanOrEqual(most);
      // It is extended when a third has gone.
      expect(leftMs).toBeGreaterThan(most / 2);
    }
  });

  test('that Redis has lost goes to nobody else: its owner takes it again', async () => {
    const [ada, bea] = [place.holder(), place.holder()];
    await ada.save(tokens);
    await bea.load();
    const work = deferred<undefined>();
    const running = ada.exclusive(() => work.promise, signal);
    await until(owner);
    const given = await owner();
    await place.plain.flushall();
    let turns = 0;
    const turn = async (): Promise<void> => {
      turns += 1;
    };
    const waiting = bea.exclusive(turn, signal);
    await until(async () => (await owner()) === given);
    expect(turns).toBe(0);
    work.resolve(undefined);
    await Promise.all([running, waiting]);
    expect(turns).toBe(1);
  });

  test('that Redis has lost while nobody waits for it is taken again', async () => {
    await place.holder({ leaseMs: 150 }).exclusive(async () => {
      const given = await owner();
      await place.plain.del(place.leaseKey);
      await until(async () => (await owner()) === given);
    }, signal);
    expect(await owner()).toBeNull();
  });

  test('is not given before an older record has made room for the newest one', async () => {
    const ada = place.holder();
    await ada.save(tokens);
    const older = String(await place.plain.get(place.key));
    await ada.save({ accessToken: 'newest' });
    const newest = await place.plain.get(place.key);
    await place.plain.set(place.key, older);
    expect(await ada.exclusive(() => place.plain.get(place.key), signal)).toBe(newest);
  });

  test('is given though the record is broken: a refresh writes over it', async () => {
    const ada = place.holder();
    await ada.save(tokens);
    await place.plain.set(place.key, '{{{');
    expect(await ada.exclusive(async () => 'turn', signal)).toBe('turn');
  });

  test('that Redis has lost is not given to who has put the record back', async () => {
    const [ada, bea] = [place.holder(), place.holder()];
    await ada.save(tokens);
    await bea.load();
    const work = deferred<undefined>();
    const running = ada.exclusive(() => work.promise, signal);
    await until(owner);
    await place.plain.flushall();
    await bea.load();
    let turns = 0;
    const waiting = bea.exclusive(async () => (turns += 1), signal);
    await pause(300);
    expect(turns).toBe(0);
    work.resolve(undefined);
    await Promise.all([running, waiting]);
  });

  test('that Redis has lost with its holder is free after one length', async () => {
    const ada = place.holder({ leaseMs: 200 });
    await ada.save(tokens);
    await place.plain.flushall();
    expect(await ada.exclusive(async () => 'turn', signal)).toBe('turn');
  });

  test('that comes after the wait was given up is let go', async () => {
    const controller = new AbortController();
    const ada = place.holder({ leaseMs: 60_000 });
    await ada.load();
    // The abort overtakes the answer.
    const waiting = follow(ada.exclusive(async () => 'turn', controller.signal));
    controller.abort(new Error('No longer wanted.'));
    await until(() => waiting.state !== 'pending');
    expect(waiting).toMatchObject({ state: 'rejected', error: { message: 'No longer wanted.' } });
    await until(async () => (await owner()) === null);
    expect(await place.holder().exclusive(async () => 'turn', signal)).toBe('turn');
  });

  test('that Redis gives after it was given up as away is let go', async () => {
    const ada = place.holder({ leaseMs: 60_000 });
    await ada.load();
    place.server.freeze();
    await expect(ada.exclusive(async () => 'turn', signal)).rejects.toMatchObject({ name: 'TimeoutError' });
    place.server.thaw();
    expect(await place.holder().exclusive(async () => 'turn', AbortSignal.timeout(20_000))).toBe('turn');
  });

  test('is not asked for when nobody wants it any more', async () => {
    const ada = place.holder();
    await ada.load();
    await place.plain.config('RESETSTAT');
    await expect(ada.exclusive(async () => 'turn', AbortSignal.abort())).rejects.toThrow('aborted');
    expect(await place.plain.info('commandstats')).not.toMatch(/cmdstat_eval/);
  });
});
