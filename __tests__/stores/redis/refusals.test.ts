/** A Redis that answers, and refuses or has something else than was left in it. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import type { TokenStore } from '../../../src/index.js';
import { redisStore } from '../../../src/stores/redis/index.js';
import { clients } from '../../support/redis-clients.js';
import { useRedisPlace } from '../../support/redis-place.js';
import { describeWithRedis } from '../../support/redis.js';
import { rejection } from '../../support/stage.js';

const first = { accessToken: 'access-first', refreshToken: 'refresh-first' };
const next = { accessToken: 'access-next', refreshToken: 'refresh-next' };
const third = { accessToken: 'access-third', refreshToken: 'refresh-third' };
const hour = 3_600_000;
const { signal } = new AbortController();

/** Waits until a holder reaches Redis again. */
async function connected(holder: Required<TokenStore>): Promise<void> {
  for (;;) {
    try {
      await holder.claim('escalation');
      return;
    } catch {
      await pause(5);
    }
  }
}

describeWithRedis('redisStore', () => {
  const place = useRedisPlace();

  test.each([
    ['is full', 'OOM', ['config', 'set', 'maxmemory', '1'], ['config', 'set', 'maxmemory', '0']],
    ['has become a replica', 'READONLY', ['replicaof', '127.0.0.1', '1'], ['replicaof', 'no', 'one']],
  ] as const)('a Redis that %s is told, and given later what it has refused', async (_, code, spoil, mend) => {
    const ada = place.holder();
    await ada.save(first);
    const command = ([name, ...values]: readonly string[]): Promise<unknown> =>
      place.plain.call(String(name), ...values);
    await command(spoil);
    const errors = [await rejection(ada.replace(first, next)), await rejection(ada.exclusive(async () => 1, signal))];
    await command(mend);
    expect(errors).toMatchObject([{ code }, { code }]);
    expect(await ada.load()).toMatchObject(next);
    expect(await place.holder().load()).toMatchObject(next);
  });

  test('G27 what a full Redis has refused is written once it has room, though nothing is asked for', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout', 'clearTimeout'] });
    try {
      const ada = place.holder();
      const stop = ada.subscribe(() => undefined);
      await ada.save(first);
      await place.plain.call('config', 'set', 'maxmemory', '1');
      expect(await rejection(ada.replace(first, next))).toMatchObject({ code: 'OOM' });
      await place.plain.config('RESETSTAT');
      jest.advanceTimersByTime(20_000);
      expect(await rejection(Promise.resolve(ada.load()))).toMatchObject({ code: 'OOM' });
      // Reads and writes of two trials: while one goes on, none is added behind it.
      expect(await place.plain.info('commandstats')).toContain('cmdstat_eval:calls=4,');
      await place.plain.call('config', 'set', 'maxmemory', '0');
      jest.advanceTimersByTime(2_000);
      const bea = place.holder();
      while ((await bea.load())?.accessToken === first.accessToken) await pause(5);
      expect(await bea.load()).toMatchObject(next);
      stop();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test.each(Object.entries(clients))(
    'a user who may not subscribe, with %s, leaves nothing unhandled',
    async (_, open) => {
      const unhandled: unknown[] = [];
      const hear = (reason: unknown): void => void unhandled.push(reason);
      process.on('unhandledRejection', hear);
      await place.plain.call('acl', 'log', 'reset');
      await place.plain.call('acl', 'setuser', 'default', 'resetchannels');
      const { client, close } = await open(place.server.url);
      const stop = redisStore(client, { key: place.key }).subscribe(() => undefined);
      while (String(await place.plain.call('acl', 'log')) === '') await pause(5);
      await pause(20);
      stop();
      close();
      await place.plain.call('acl', 'setuser', 'default', 'allchannels');
      process.off('unhandledRejection', hear);
      expect(unhandled).toStrictEqual([]);
    },
  );

  test.each([
    ['publish', ['allchannels', '-publish']],
    ['use any channel, as Redis 7 has it for a new user,', ['resetchannels']],
  ])('G27 a user who may not %s keeps the one record all the same, and is told', async (_, rights) => {
    await place.plain.call('acl', 'setuser', 'app', 'reset', 'on', '>word', '~*', '+@all', ...rights);
    const url = place.server.url.replace('//', '//app:word@');
    const hold = () => redisStore(place.connect(url), { key: place.key });
    const [ada, bea] = [hold(), hold()];
    const told = [await rejection(Promise.resolve(ada.save(first))), await rejection(ada.replace(first, next))];
    expect(told).toMatchObject([{ code: 'NOPERM' }, { code: 'NOPERM' }]);
    expect([await ada.load(), await bea.load()]).toMatchObject([next, next]);
    await place.plain.del(place.key);
    expect(await ada.load()).toMatchObject(next);
    await place.plain.call('acl', 'setuser', 'app', '+@all', 'allchannels');
    expect(await bea.replace(next, third)).toBe(true);
    expect(await ada.load()).toMatchObject(third);
  });

  test.each([
    ['a key', 'NOPERM', ['~other', '+@all']],
    ['EVAL', 'NOPERM', ['~*', '+@all', '-eval']],
    ['a command of the scripts', 'NOPERM', ['~*', '+@all', '-time']],
  ])('a user who may not use %s is told by the code %s', async (_, code, rights) => {
    await place.plain.call('acl', 'setuser', 'app', 'reset', 'on', '>word', 'allchannels', ...rights);
    const store = redisStore(place.connect(place.server.url.replace('//', '//app:word@')), { key: place.key });
    expect(await rejection(Promise.resolve(store.load()))).toMatchObject({ code, message: `Redis failed: ${code}` });
  });

  test.each(['1e999', '1e17', '9007199254740991', '-5', '0', '1.5', '"1"', 'null'])(
    'a record of the order %s is a broken one, and does no harm to those after it',
    async (order) => {
      await place.plain.set(place.key, `{"v":1,"order":${order},"at":1,"tokens":null}`);
      const ada = place.holder();
      expect(await rejection(Promise.resolve(ada.load()))).toMatchObject({ code: 'RECORD_BROKEN' });
      await ada.save(first);
      await ada.replace(first, next);
      expect(await ada.exclusive(async () => 'turn', signal)).toBe('turn');
      expect(await place.holder().load()).toMatchObject(next);
    },
  );

  test('a record whose version is no number is written over by a sign-in', async () => {
    await place.plain.set(place.key, '{"v":"2","order":5,"at":1,"tokens":null}');
    await place.holder().save(first);
    expect(await place.holder().load()).toMatchObject(first);
  });

  test('what could not be written is written over a broken record, and nothing older after it', async () => {
    const ada = place.holder();
    await ada.save(first);
    await place.server.stop();
    await rejection(ada.replace(first, next));
    await place.server.start();
    await place.plain.set(place.key, '{{{');
    await connected(ada);
    expect(await ada.replace(next, third)).toBe(true);
    await place.plain.del(place.key);
    expect(await ada.load()).toMatchObject(third);
  });

  test('a sign-in that could not be written comes before the refresh that follows it', async () => {
    const ada = place.holder();
    await ada.save(first);
    await place.server.stop();
    await rejection(Promise.resolve(ada.save(next)));
    await place.server.start();
    await connected(ada);
    expect(await ada.replace(next, third)).toBe(true);
    expect(await place.holder().load()).toMatchObject(third);
  });

  test('a sign-in that could not be written does not come back after the next one', async () => {
    const ada = place.holder();
    await place.server.stop();
    await rejection(Promise.resolve(ada.save(first)));
    await place.server.start();
    await connected(ada);
    await ada.save(next);
    expect(await ada.load()).toMatchObject(next);
  });

  test('a refresh that could not be written over what only somebody else can read is written when that is gone', async () => {
    const ada = place.holder();
    await ada.save(first);
    await place.plain.set(place.key, '{"v":1,"order":1,"at":1,"sealed":"c2VjcmV0"}');
    expect(await rejection(ada.replace(first, next))).toMatchObject({ code: 'RECORD_SEALED' });
    await place.plain.del(place.key);
    expect(await ada.load()).toMatchObject(next);
    expect(await place.holder().load()).toMatchObject(next);
  });

  test('a sign-out that could not be written is written over what only a newer release can read', async () => {
    const ada = place.holder();
    await ada.save(first);
    await place.server.stop();
    await rejection(Promise.resolve(ada.clear()));
    await place.server.start();
    await place.plain.set(place.key, '{"v":2,"order":9,"tokens":"in another form"}');
    await connected(ada);
    expect(await ada.load()).toBeUndefined();
    expect(await place.holder().load()).toBeUndefined();
  });

  test('a session that ends after a loss does not come back', async () => {
    const ada = place.holder();
    await ada.save(first);
    await place.plain.del(place.key);
    expect(await ada.replace(first, undefined)).toBe(true);
    expect(await ada.load()).toBeUndefined();
  });

  test('a sign-in that is refused for good leaves nothing of the one before it to be written later', async () => {
    const ada = place.holder();
    await place.server.stop();
    await rejection(Promise.resolve(ada.save({ accessToken: 'of-alice' })));
    await place.server.start();
    await place.plain.set(place.key, '{"v":2}');
    await connected(ada);
    expect(await rejection(Promise.resolve(ada.save({ accessToken: 'of-bob' })))).toMatchObject({ code: 'NEWER' });
    await place.plain.del(place.key);
    expect(await ada.load()).toBeUndefined();
  });

  test('who writes after a loss, by a clock that was set back, writes the newest record all the same', async () => {
    const ada = place.holder();
    await ada.save(first);
    const record = JSON.parse(String(await place.plain.get(place.key))) as { order: number };
    const ahead = record.order + hour;
    await place.plain.set(place.key, JSON.stringify({ ...record, order: ahead }));
    await ada.load();
    await place.plain.del(place.key);
    await ada.save(next);
    expect(JSON.parse(String(await place.plain.get(place.key)))).toMatchObject({ order: ahead + 1 });
  });

  test('what somebody writes while a lost record is put back is not written over', async () => {
    const client = place.connect();
    const ada = redisStore(client, { key: place.key });
    await ada.save(first);
    await place.plain.del(place.key);
    const call = client.call.bind(client);
    let calls = 0;
    const between = async (...values: Parameters<typeof call>): Promise<unknown> => {
      calls += 1;
      if (calls === 2) await place.holder().save(next);
      return call(...values);
    };
    Object.assign(client, { call: between });
    expect(await ada.load()).toMatchObject(next);
    expect(await place.holder().load()).toMatchObject(next);
  });

  test('a record that is put back takes no lease from who is at work', async () => {
    const [ada, bea] = [place.holder({ leaseMs: 60_000 }), place.holder({ leaseMs: 60_000 })];
    await ada.save(first);
    await bea.load();
    await ada.exclusive(async () => {
      const owner = await place.plain.get(place.leaseKey);
      await place.plain.del(place.key);
      await bea.load();
      expect(await place.plain.get(place.leaseKey)).toBe(owner);
    }, signal);
    expect(await place.plain.get(place.leaseKey)).toBeNull();
  });

  test('a claim ends by itself, after a day', async () => {
    const ada = place.holder();
    await ada.save(first);
    await ada.claim('escalation');
    const [claim] = await place.plain.keys(`{${place.key}}:claim:escalation:*`);
    const leftMs = await place.plain.pttl(String(claim));
    expect(leftMs).toBeGreaterThan(23 * hour);
    expect(leftMs).toBeLessThanOrEqual(24 * hour);
  });
});
