/** Clients of ioredis as users set them up. */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createTokenSession } from '../../../src/index.js';
import { redisStore } from '../../../src/stores/redis/index.js';
import { useRedisPlace } from '../../support/redis-place.js';
import { describeWithRedis } from '../../support/redis.js';
import { rejection } from '../../support/stage.js';

const first = { accessToken: 'access-first', refreshToken: 'refresh-first' };
const next = { accessToken: 'access-next', refreshToken: 'refresh-next' };
interface Setup {
  readonly stringNumbers?: true;
  readonly lazyConnect?: true;
  readonly enableOfflineQueue?: false;
  readonly keyPrefix?: string;
}

const { signal } = new AbortController();
// How Redis 5 and 6 begin the errors of a script.
const olderRedis = 'ERR Error running script (call to f_0a): @user_script:2: @user_script: 2:';

describeWithRedis('redisStore over ioredis', () => {
  const place = useRedisPlace();
  const open: Redis[] = [];
  const connect = (options: Setup): Redis => {
    const client = new Redis(place.server.url, options).on('error', () => {});
    open.push(client);
    return client;
  };
  afterEach(() => {
    for (const client of open.splice(0)) client.disconnect();
  });

  test('that gives numbers as strings: claims are told once, and what is lost is put back at once', async () => {
    const ada = redisStore(connect({ stringNumbers: true }), { key: place.key });
    await ada.save(first);
    expect([await ada.claim('escalation'), await ada.claim('escalation')]).toStrictEqual([true, false]);
    await place.plain.del(place.key);
    await place.plain.config('RESETSTAT');
    await ada.load();
    expect(await place.plain.info('commandstats')).toMatch(/cmdstat_eval:calls=2,/);
  });

  test('that is lazy and queues nothing: a session finds the tokens at its start', async () => {
    await place.holder().save(first);
    const client = connect({ lazyConnect: true, enableOfflineQueue: false });
    const session = createTokenSession({ refresh: () => next, store: redisStore(client, { key: place.key }) });
    const failures: unknown[] = [];
    session.on('store.failed', ({ error }) => failures.push(error));
    await session.ready;
    expect([session.status, failures]).toStrictEqual(['active', []]);
    session.dispose();
  });

  test('that the app has closed stays closed', async () => {
    const client = connect({});
    const ada = redisStore(client, { key: place.key });
    await ada.load();
    client.disconnect();
    await once(client, 'end');
    await expect(ada.load()).rejects.toMatchObject({ code: 'ENOTCONN' });
    expect(client.status).toBe('end');
  });

  test('that fails: the duplicate of it that listens has a listener for errors, or the console would show them', () => {
    const client = connect({});
    const subscriber = connect({});
    const before = subscriber.listenerCount('error');
    Object.assign(client, { duplicate: () => subscriber });
    redisStore(client, { key: place.key }).subscribe(() => undefined)();
    expect(subscriber.listenerCount('error')).toBe(before + 1);
  });

  test('that is lazy while Redis is away: nothing is left unhandled, and only the first access waits', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', hear);
    await place.server.stop();
    const ada = redisStore(connect({ lazyConnect: true }), { key: place.key });
    await rejection(Promise.resolve(ada.load()));
    const late = pause(700).then(() => 'late');
    expect(await Promise.race([late, rejection(Promise.resolve(ada.load()))])).toMatchObject({ code: 'ENOTCONN' });
    process.off('unhandledRejection', hear);
    expect(unhandled).toStrictEqual([]);
  }, 20_000);

  test('that is lazy: changes are heard', async () => {
    const client = connect({ lazyConnect: true });
    let heard = 0;
    const stop = redisStore(client, { key: place.key }).subscribe(() => {
      heard += 1;
    });
    const ada = place.holder();
    while (heard < 4) {
      await ada.save(first);
      await pause(10);
    }
    stop();
  });

  test('that is slow: a turn is over when its lease is released', async () => {
    const client = connect({});
    const call = client.call.bind(client);
    const slowly = async (...values: Parameters<typeof call>): Promise<unknown> => {
      await pause(50);
      return call(...values);
    };
    Object.assign(client, { call: slowly });
    await redisStore(client, { key: place.key }).exclusive(async () => undefined, signal);
    expect(await place.plain.get(place.leaseKey)).toBeNull();
  });

  test.each([
    ['at once', false],
    ['while Redis does not answer', true],
  ])('G20 whose sessions are disposed of %s: no connection stays, and nothing more is heard', async (_, isFrozen) => {
    const client = connect({});
    const ada = redisStore(client, { key: place.key });
    await ada.load();
    const connections = async (): Promise<number> =>
      (String(await place.plain.client('LIST')).match(/^id=/gm) ?? []).length;
    const accepted = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await place.plain.info('stats'))?.[1]);
    const [before, all] = [await connections(), await accepted()];
    if (isFrozen) place.server.freeze();
    let heard = 0;
    const stops = Array.from({ length: 5 }, () => ada.subscribe(() => (heard += 1)));
    if (isFrozen) await pause(50);
    for (const stop of stops) stop();
    place.server.thaw();
    while (isFrozen && (await accepted()) < all + 5) await pause(5);
    while ((await connections()) > before) await pause(5);
    await place.holder().save(first);
    await pause(50);
    expect(heard).toBe(0);
  });

  test('that is connecting: who waits for it leaves no listener behind', async () => {
    const client = connect({});
    const before = client.listenerCount('ready');
    await redisStore(client, { key: place.key }).load();
    expect(client.listenerCount('ready')).toBe(before);
  });

  test('that sends a command again where its answer was lost: each is done once', async () => {
    const client = connect({});
    const call = client.call.bind(client);
    const twice = async (...values: Parameters<typeof call>): Promise<unknown> => {
      await call(...values);
      return call(...values);
    };
    Object.assign(client, { call: twice });
    const ada = redisStore(client, { key: place.key, leaseMs: 60_000 });
    await ada.save(first);
    expect(await ada.exclusive(() => ada.replace(first, next), signal)).toBe(true);
    expect(await place.holder().load()).toMatchObject(next);
    expect(await place.plain.get(place.leaseKey)).toBeNull();
  });

  test.each([
    [`${olderRedis} WRONGTYPE Operation against a key`, undefined, 'WRONGTYPE'],
    [`${olderRedis} -OOM command not allowed when used memory > 'maxmemory'.`, undefined, 'OOM'],
    [`${olderRedis} -READONLY You can't write against a read only replica.`, undefined, 'READONLY'],
    [`${olderRedis} The user executing the script can't run this command or subcommand`, undefined, 'NOPERM'],
    [`${olderRedis} Unknown Redis command called from Lua script`, undefined, 'UNKNOWN_COMMAND'],
    // What a script is told that goes on.
    ["@user_script: 46: The user executing the script can't publish to the channel", undefined, 'NOPERM'],
    ["ERR unknown command 'EVAL'", undefined, 'UNKNOWN_COMMAND'],
    ['ERR value is not an integer', undefined, undefined],
    ['read ECONNRESET', 'ECONNRESET', 'ECONNRESET'],
  ])('that fails with "%s" and the code %s: what is told has the code %s', async (message, given, code) => {
    const client = connect({});
    const ada = redisStore(client, { key: place.key });
    await ada.load();
    Object.assign(client, { call: () => Promise.reject(Object.assign(new Error(message), { code: given })) });
    const error = await rejection(Promise.resolve(ada.load()));
    expect((error as { code?: string }).code).toBe(code);
  });

  test.each([
    ['10', 10],
    ['no', 0],
  ])('that many sessions share, with %s listeners allowed: it is taken for no leak', async (_, most) => {
    const client = connect({}).setMaxListeners(most);
    const before = client.listenerCount('ready');
    const stops = Array.from({ length: 12 }, () => redisStore(client, { key: place.key }).subscribe(() => undefined));
    expect(client.listenerCount('ready')).toBe(before + 12);
    expect(client.getMaxListeners()).toBe(most && most + 12);
    for (const stop of stops) stop();
    await redisStore(client, { key: place.key }).exclusive(async () => undefined, signal);
    expect([client.listenerCount('ready'), client.getMaxListeners()]).toStrictEqual([before, most]);
  });

  test('that has a prefix: changes are heard, and the lease has it too', async () => {
    const [ada, bea] = [1, 2].map(() => redisStore(connect({ keyPrefix: 'app:' }), { key: place.key }));
    const heard = new Promise<void>((resolve) => {
      let isSaved = false;
      const stop = bea?.subscribe(() => {
        if (isSaved) {
          stop?.();
          resolve();
        } else {
          isSaved = true;
          void ada?.save(first);
        }
      });
    });
    await heard;
    const keys = await ada?.exclusive(() => place.plain.keys(`*${place.key}*`), signal);
    expect(keys?.sort()).toStrictEqual([`app:${place.key}`, `app:{app:${place.key}}:lease`]);
  });
});
