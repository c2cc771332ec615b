import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { createTokenSession, type TokenStore } from '../../../src/index.js';
import { redisStore } from '../../../src/stores/redis/index.js';
import { useRedisPlace } from '../../support/redis-place.js';
import { describeWithRedis } from '../../support/redis.js';
import { follow, rejection } from '../../support/stage.js';

const first = { accessToken: 'access-first', refreshToken: 'refresh-first' };
const next = { accessToken: 'access-next', refreshToken: 'refresh-next' };
const hour = 3_600_000;
const third = { accessToken: 'access-third', refreshToken: 'refresh-third' };
const { signal } = new AbortController();

async function until(isSo: () => unknown): Promise<void> {
  while (!(await isSo())) await pause(5);
}

/** Waits until a holder can read again. */
async function back(store: TokenStore): Promise<void> {
  await until(() =>
    Promise.resolve(store.load()).then(
      () => true,
      () => false,
    ),
  );
}

describeWithRedis('redisStore while Redis is away', () => {
  const place = useRedisPlace();

  test('says so for each access, and runs no work: the session does that alone', async () => {
    const ada = place.holder();
    await ada.save(first);
    await place.server.stop();
    const acts = [
      () => ada.load(),
      () => ada.save(next),
      () => ada.clear(),
      () => ada.replace(first, next),
      () => ada.exclusive(async () => 'turn', signal),
    ];
    // What is under way when the connection breaks is given up by the client.
    await rejection(Promise.resolve(ada.load()));
    for (const act of acts) expect(await rejection(Promise.resolve(act()))).toMatchObject({ code: 'ENOTCONN' });
  });

  test('a Redis that takes commands and does not answer is away, too; what it does later is no change by others', async () => {
    const ada = place.holder();
    await ada.save(first);
    place.server.freeze();
    await expect(ada.replace(first, next)).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(ada.load()).rejects.toMatchObject({ name: 'TimeoutError' });
    place.server.thaw();
    await back(ada);
    expect(await ada.load()).toMatchObject(next);
    expect(await ada.replace(next, third)).toBe(true);
    expect(await place.holder().load()).toMatchObject(third);
  });

  test('a refresh that could not be written is written when Redis is back, with nothing left in it', async () => {
    const ada = place.holder();
    await ada.save(first);
    await place.server.stop();
    await rejection(ada.replace(first, next));
    await place.server.start();
    await back(ada);
    expect(await ada.load()).toMatchObject(next);
    expect(await place.holder().load()).toMatchObject(next);
  });

  test('unless another holder has written meanwhile', async () => {
    const [ada, bea] = [place.holder(), place.holder()];
    await ada.save(first);
    await back(bea);
    await place.server.stop();
    await rejection(ada.replace(first, next));
    await place.server.start();
    await back(bea);
    expect(await bea.replace(first, third)).toBe(true);
    await back(ada);
    expect(await ada.load()).toMatchObject(third);
    expect(await place.holder().load()).toMatchObject(third);
  });

  test.each([
    ['sign-in', third],
    ['sign-out', undefined],
  ])('a %s that could not be written counts whatever others have written since', async (_, given) => {
    const [ada, bea] = [place.holder(), place.holder()];
    await ada.save(first);
    await back(bea);
    await place.server.stop();
    await rejection(Promise.resolve(given ? ada.save(given) : ada.clear()));
    await place.server.start();
    await back(bea);
    await bea.replace(first, next);
    await back(ada);
    if (given) expect(await ada.load()).toMatchObject(given);
    else expect(await ada.load()).toBeUndefined();
    // Once only.
    await bea.save(next);
    expect(await ada.load()).toMatchObject(next);
  });

  test('a refresh after a sign-in that could not be written does not weaken it', async () => {
    const [ada, bea] = [place.holder(), place.holder()];
    await ada.save(first);
    await back(bea);
    await place.server.stop();
    await rejection(Promise.resolve(ada.save(third)));
    await rejection(ada.replace(third, { ...third, accessToken: 'renewed' }));
    await place.server.start();
    await back(bea);
    await bea.replace(first, next);
    await back(ada);
    expect(await ada.load()).toMatchObject({ ...third, accessToken: 'renewed' });
  });

  test('G11 a slow sign-in is not owed after the newer one that followed it', async () => {
    await place.server.stop();
    const ada = place.holder();
    const loading = rejection(Promise.resolve(ada.load()));
    await pause(500);
    const saving = rejection(Promise.resolve(ada.save(first)));
    await loading;
    await rejection(Promise.resolve(ada.save(next)));
    await saving;
    await place.server.start();
    await back(ada);
    expect(await ada.load()).toMatchObject(next);
  });

  test('G26 a session goes on, says so, and hears of changes again afterwards', async () => {
    const [ada, bea] = [place.holder(), place.holder()];
    await ada.save(first);
    const failures: string[] = [];
    const session = createTokenSession({ refresh: () => next, store: bea });
    session.on('store.failed', ({ action }) => failures.push(action));
    await session.ready;
    await place.server.stop();
    expect(await session.getAccessToken()).toBe(first.accessToken);
    expect(await session.refresh()).toBe(next.accessToken);
    // The subscription may have come up just before: then the record is asked for once more, before or between.
    expect(failures.join(' ')).toMatch(/\bexclusive (load )+save$/);
    await place.server.start();
    await back(ada);
    await until(async () => (await ada.load())?.accessToken === next.accessToken);
    await ada.save(third);
    await until(async () => (await session.getAccessToken()) === third.accessToken);
    session.dispose();
  });

  test('at its start a holder waits for a connection that takes its time', async () => {
    await place.server.stop();
    const loading = follow(Promise.resolve(place.holder().load()));
    await pause(1_200);
    await place.server.start();
    await until(() => loading.state !== 'pending');
    expect(loading.state).toBe('resolved');
  });

  test('a connection that was there is soon given up, and waited for again once it has come back', async () => {
    const client = place.connect();
    const ada = redisStore(client, { key: place.key });
    await ada.save(first);
    await place.server.stop();
    await rejection(Promise.resolve(ada.load()));
    const late = pause(3_000).then(() => 'late');
    expect(await Promise.race([late, rejection(Promise.resolve(ada.clear()))])).toMatchObject({ code: 'ENOTCONN' });
    await place.server.start();
    await back(ada);
    client.disconnect(true);
    await once(client, 'close');
    expect(await ada.load()).toBeUndefined();
  });

  test('a wait for the connection makes no token live longer or shorter', async () => {
    let aheadMs = 0;
    const clock = { now: () => Date.now() + aheadMs };
    place.server.freeze();
    const ada = place.holder({ clock });
    const saving = Promise.resolve(ada.save({ ...first, expiresAt: Date.now() + 10 * hour }));
    await pause(20);
    aheadMs = hour;
    place.server.thaw();
    await saving;
    place.server.freeze();
    const bea = place.holder({ clock });
    const loading = Promise.resolve(bea.load());
    await pause(20);
    aheadMs = 2 * hour;
    place.server.thaw();
    const leftMs = Number((await loading)?.expiresAt) - clock.now();
    expect(Math.round(leftMs / hour)).toBe(9);
  });

  test('a process that has stood still takes the answer that came meanwhile: Redis was not away', async () => {
    const ada = place.holder();
    await ada.save(first);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setInterval', 'clearInterval'] });
    try {
      // Timers come before what can be read, as they do where this turn of the event loop ends.
      await new Promise(setImmediate);
      const loading = ada.load();
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      const asks = `require('node:net').connect(${new URL(place.server.url).port}, '127.0.0.1')
        .once('data', () => process.exit(0)).write('PING\\r\\n')`;
      expect(spawnSync(process.execPath, ['--eval', asks]).status).toBe(0);
      jest.advanceTimersByTime(5_000);
      expect(await loading).toMatchObject(first);
    } finally {
      jest.useRealTimers();
    }
  });

  test('G20 a command holds no process, and leaves no timer once it is answered', async () => {
    const ada = place.holder();
    await ada.load();
    place.server.freeze();
    const set = jest.spyOn(globalThis, 'setTimeout');
    const cleared = jest.spyOn(globalThis, 'clearTimeout');
    const loading = ada.load();
    await new Promise(setImmediate);
    const timers = set.mock.results.map(({ value }) => value as NodeJS.Timeout);
    expect(timers.map((timer) => timer.hasRef())).toStrictEqual([false]);
    place.server.thaw();
    await loading;
    expect(cleared.mock.calls.flat()).toEqual(expect.arrayContaining(timers));
    jest.restoreAllMocks();
  });

  test('what is written while a listener is not connected is found when it is', async () => {
    const ada = place.holder();
    const session = createTokenSession({ refresh: () => next, store: place.holder() });
    await session.ready;
    await place.plain.call('client', 'kill', 'type', 'pubsub');
    await ada.save(first);
    await until(() => session.status === 'active');
    session.dispose();
  });
});
