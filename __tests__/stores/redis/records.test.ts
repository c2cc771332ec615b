import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { useRedisPlace } from '../../support/redis-place.js';
import { describeWithRedis } from '../../support/redis.js';
import { rejection } from '../../support/stage.js';

const hour = 3_600_000;
const first = { accessToken: 'access-first-0123456789', refreshToken: 'refresh-first-0123456789' };
const next = { accessToken: 'access-next-0123456789', refreshToken: 'refresh-next-0123456789' };
const keyOf = (fill: number): string => Buffer.alloc(32, fill).toString('base64');

describeWithRedis('redisStore', () => {
  const place = useRedisPlace();

  describe('what Redis has lost is put back', () => {
    test('an empty Redis is no sign-out: the tokens are remembered, and written again', async () => {
      const [ada, bea] = [place.holder(), place.holder()];
      await ada.save(first);
      await bea.load();
      await place.plain.del(place.key);
      expect(await bea.load()).toMatchObject(first);
      expect(await place.holder().load()).toMatchObject(first);
    });

    test('an empty Redis is no sign-in either: a sign-out is remembered', async () => {
      const [ada, bea] = [place.holder(), place.holder()];
      await ada.save(first);
      await bea.load();
      await ada.clear();
      await place.plain.del(place.key);
      expect(await ada.load()).toBeUndefined();
      expect(await bea.load()).toBeUndefined();
    });

    test('of several holders the one with the newest tokens has the last word', async () => {
      const [ada, bea] = [place.holder(), place.holder()];
      await ada.save(first);
      await bea.load();
      await ada.replace(first, next);
      await place.plain.del(place.key);
      expect(await bea.load()).toMatchObject(first);
      expect(await ada.load()).toMatchObject(next);
      expect(await bea.load()).toMatchObject(next);
    });

    test('a Redis that was set back to an older record is brought up to date', async () => {
      const ada = place.holder();
      await ada.save(first);
      const older = String(await place.plain.get(place.key));
      await ada.save(next);
      await place.plain.set(place.key, older);
      expect(await ada.load()).toMatchObject(next);
      expect(await place.holder().load()).toMatchObject(next);
    });

    test('a refresh that ends after the loss counts, and a sign-in after it counts more', async () => {
      const [ada, bea] = [place.holder(), place.holder()];
      await ada.save(first);
      await place.plain.del(place.key);
      expect(await ada.replace(first, next)).toBe(true);
      await place.plain.del(place.key);
      // The order of a record is the time of Redis, to the millisecond.
      await pause(5);
      await bea.save({ accessToken: 'of-bob' });
      expect(await ada.load()).toMatchObject({ accessToken: 'of-bob' });
      expect(await ada.replace(next, first)).toBe(false);
    });

    test('who puts it back says so: others may know a newer one', async () => {
      const [ada, bea] = [place.holder(), place.holder()];
      await ada.save(first);
      // Connected before, it hears of its subscription alone.
      await bea.load();
      let heard = 0;
      const stop = bea.subscribe(() => {
        heard += 1;
      });
      while (heard === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const before = heard;
      await place.plain.del(place.key);
      await ada.load();
      while (heard === before) await new Promise((resolve) => setTimeout(resolve, 5));
      stop();
    });

    test('records keep their order though the clock of Redis is set back', async () => {
      const ada = place.holder();
      await ada.save(first);
      const record = JSON.parse(String(await place.plain.get(place.key))) as { order: number };
      const ahead = record.order + hour;
      await place.plain.set(place.key, JSON.stringify({ ...record, order: ahead }));
      await ada.load();
      await place.holder().save(next);
      expect(JSON.parse(String(await place.plain.get(place.key)))).toMatchObject({ order: ahead + 1 });
      expect(await ada.load()).toMatchObject(next);
    });
  });

  describe('bad input under the key', () => {
    test.each([
      ['no JSON', 'access-first-0123456789', 'RECORD_BROKEN'],
      ['JSON of something else', '{"user":"ada"}', 'RECORD_BROKEN'],
      ['a bare number', '5', 'RECORD_BROKEN'],
      ['null', 'null', 'RECORD_BROKEN'],
      ['a record without tokens', '{"v":1,"order":1,"at":1}', 'RECORD_BROKEN'],
      [
        'a record with half a token set',
        '{"v":1,"order":1,"at":1,"tokens":{"refreshToken":"secret"}}',
        'RECORD_BROKEN',
      ],
      ['a record whose tokens are a number', '{"v":1,"order":1,"at":1,"tokens":5}', 'RECORD_BROKEN'],
      ['a record of version 0', '{"v":0,"order":1,"at":1,"tokens":null}', 'RECORD_BROKEN'],
      ['a record without order', '{"v":1,"at":1,"tokens":null}', 'RECORD_BROKEN'],
      ['a record without a time', '{"v":1,"order":1,"tokens":null}', 'RECORD_BROKEN'],
      ['an encrypted record', '{"v":1,"order":1,"at":1,"sealed":"c2VjcmV0"}', 'RECORD_SEALED'],
    ])('%s is told, and a sign-in writes over it', async (_, text, code) => {
      await place.plain.set(place.key, text);
      const ada = place.holder();
      const error = await rejection(Promise.resolve(ada.load()));
      expect(error).toMatchObject({ name: 'UnreadableError', code });
      expect(String(error)).not.toMatch(/0123456789|secret/);
      await ada.save(first);
      expect(await place.holder().load()).toMatchObject(first);
    });

    test('a refresh writes over what is broken, if nobody else has meanwhile', async () => {
      const [ada, bea] = [place.holder(), place.holder()];
      await ada.save(first);
      await bea.load();
      await place.plain.set(place.key, '{{{');
      expect(await ada.replace(first, next)).toBe(true);
      expect(await bea.replace(first, next)).toBe(true);
      expect(await bea.replace(first, { accessToken: 'other' })).toBe(false);
    });

    test('a refresh does not write over what only somebody else can read', async () => {
      const ada = place.holder({ encryptionKey: keyOf(1) });
      await ada.save(first);
      await place.holder({ encryptionKey: keyOf(2) }).save(next);
      const theirs = await place.plain.get(place.key);
      await expect(ada.replace(first, next)).rejects.toMatchObject({ code: 'RECORD_SEALED' });
      expect(await place.plain.get(place.key)).toBe(theirs);
    });

    test('a record of a newer release is left alone, but for a sign-out', async () => {
      const newer = '{"v":2,"order":9,"tokens":"in another form"}';
      const ada = place.holder();
      await ada.save(first);
      await place.plain.set(place.key, newer);
      await expect(ada.load()).rejects.toMatchObject({ code: 'RECORD_NEWER' });
      await expect(ada.save(next)).rejects.toMatchObject({ code: 'NEWER' });
      await expect(ada.replace(first, next)).rejects.toMatchObject({ code: 'RECORD_NEWER' });
      expect(await place.plain.get(place.key)).toBe(newer);
      await ada.clear();
      expect(await place.holder().load()).toBeUndefined();
    });

    test('a key that holds something else than a string is left alone', async () => {
      await place.plain.rpush(place.key, 'job-1');
      const ada = place.holder();
      for (const act of [
        () => ada.load(),
        () => ada.save(first),
        () => ada.clear(),
        () => ada.replace(undefined, next),
      ]) {
        const error = await rejection(Promise.resolve(act()));
        expect(error).toMatchObject({ code: 'WRONGTYPE' });
        expect(JSON.stringify([error, String((error as Error).stack)])).not.toContain('0123456789');
      }
      expect(await place.plain.lrange(place.key, 0, -1)).toStrictEqual(['job-1']);
      // It is not tried again either.
      await place.plain.del(place.key);
      expect(await ada.load()).toBeUndefined();
    });

    test('messages of unknown shape are only word of a change', async () => {
      const ada = place.holder();
      await ada.load();
      let heard = 0;
      const stop = ada.subscribe(() => {
        heard += 1;
      });
      while (heard === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const before = heard;
      for (const message of ['', '{}', '\0\xff', 'x'.repeat(100_000)]) {
        await place.plain.publish(`${place.key}:changes`, message);
      }
      while (heard < before + 4) await new Promise((resolve) => setTimeout(resolve, 5));
      stop();
    });
  });

  describe('what is in Redis', () => {
    test('a record says its version, and who reads it knows when the token dies by its own clock', async () => {
      const at = (aheadMs: number) => ({ clock: { now: () => Date.now() + aheadMs } });
      const expiresAt = Date.now() + 5 * hour + 600_000;
      await place.holder(at(5 * hour)).save({ ...first, expiresAt });
      expect(JSON.parse(String(await place.plain.get(place.key)))).toMatchObject({ v: 1, tokens: first });
      for (const aheadMs of [0, -7 * hour, 5 * hour]) {
        const loaded = await place.holder(at(aheadMs)).load();
        const off = Number(loaded?.expiresAt) - (expiresAt - 5 * hour + aheadMs);
        expect(Math.abs(off)).toBeLessThan(60_000);
      }
    });

    test('it lives as long as it is told to after its last writing; for ever if nothing is said', async () => {
      await place.holder().save(first);
      expect(await place.plain.pttl(place.key)).toBe(-1);
      const limited = place.holder({ ttlMs: 60_000 });
      await limited.load();
      for (const write of [() => limited.replace(first, next), () => limited.clear(), () => limited.save(first)]) {
        await place.plain.persist(place.key);
        await write();
        expect(await place.plain.pttl(place.key)).toBeGreaterThan(50_000);
        expect(await place.plain.pttl(place.key)).toBeLessThanOrEqual(60_000);
      }
      await place.plain.del(place.key);
      await limited.load();
      expect(await place.plain.pttl(place.key)).toBeGreaterThan(50_000);
    });

    test('word of a change holds no token, and goes where it is told to', async () => {
      const heard: string[] = [];
      const listener = place.connect();
      await listener.subscribe('my-channel');
      listener.on('message', (_channel: string, message: string) => heard.push(message));
      const ada = place.holder({ channel: 'my-channel' });
      await ada.save(first);
      await ada.replace(first, next);
      await ada.clear();
      while (heard.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      for (const message of heard) expect(message).toMatch(/^[\da-f-]{36}$/);
    });

    test('the prefix of a client is in front of all keys', async () => {
      const { redisStore } = await import('../../../src/stores/redis/index.js');
      const { Redis } = await import('ioredis');
      const client = new Redis(place.server.url, { keyPrefix: 'app:' });
      await redisStore(client, { key: place.key }).save(first);
      expect(await place.plain.exists(`app:${place.key}`)).toBe(1);
      client.disconnect();
    });
  });

  describe('encryption', () => {
    test('what is in Redis cannot be read without the key, and differs each time', async () => {
      const ada = place.holder({ encryptionKey: keyOf(1) });
      const texts = new Set<unknown>();
      for (let n = 0; n < 3; n += 1) {
        await ada.save({ ...first, subject: 'ada' });
        const { sealed } = JSON.parse(String(await place.plain.get(place.key))) as { sealed: string };
        texts.add(sealed);
        expect(Buffer.from(sealed, 'base64').toString('latin1')).not.toMatch(/first|ada/);
      }
      expect(texts.size).toBe(3);
      expect(await place.holder({ encryptionKey: keyOf(1) }).load()).toMatchObject({ ...first, subject: 'ada' });
      await ada.clear();
      expect(await place.plain.get(place.key)).not.toContain('null');
    });

    test('a key is 32 bytes, their base64, or a CryptoKey; a new one in front of the old one takes over', async () => {
      const bytes = Uint8Array.from(Buffer.from(keyOf(1), 'base64'));
      const own = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
      await place.holder({ encryptionKey: bytes }).save(first);
      expect(await place.holder({ encryptionKey: own }).load()).toMatchObject(first);
      const rotating = place.holder({ encryptionKey: [keyOf(2), keyOf(1)] });
      expect(await rotating.load()).toMatchObject(first);
      await rotating.replace(first, next);
      expect(await place.holder({ encryptionKey: keyOf(2) }).load()).toMatchObject(next);
      await expect(place.holder({ encryptionKey: keyOf(1) }).load()).rejects.toMatchObject({ code: 'RECORD_SEALED' });
    });

    test('a record in clear, a changed one and one from under another key are not believed', async () => {
      const ada = place.holder({ encryptionKey: keyOf(1) });
      await place.holder().save(first);
      await expect(ada.load()).rejects.toMatchObject({ code: 'RECORD_SEALED' });
      await ada.save(first);
      const text = String(await place.plain.get(place.key));
      await place.plain.set(
        place.key,
        text.replace(/.("})$/, (end) => (end.startsWith('A') ? 'B' : 'A') + end.slice(1)),
      );
      await expect(place.holder({ encryptionKey: keyOf(1) }).load()).rejects.toMatchObject({ code: 'RECORD_SEALED' });
      await place.plain.set(`${place.key}:of-eve`, text);
      const eve = place.holder({ encryptionKey: keyOf(1), key: `${place.key}:of-eve` });
      await expect(eve.load()).rejects.toMatchObject({ code: 'RECORD_SEALED' });
    });
  });
});
