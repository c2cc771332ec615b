/** The record and the copy in memory, over a place that several pages share and that fails as it is told (G26). */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { TokenSet } from '../../src/index.js';
import { Keeper } from '../../src/stores/browser/keeper.js';
import { MemoryKeeper } from '../../src/stores/browser/memory.js';
import type { Place, StoredRecord } from '../../src/stores/browser/record.js';
import { jwt } from '../support/jwt.js';

type Fault = 'read' | 'write' | undefined;

interface Shelf {
  content: unknown;
  fault: Fault;
  readonly told: number[];
  keeper(): Keeper;
}

const full = new DOMException('no', 'QuotaExceededError');
const closed = new DOMException('no', 'UnknownError');

function shelf(): Shelf {
  const here: Shelf = {
    content: undefined,
    fault: undefined,
    told: [],
    keeper: () => new Keeper(place, (version) => here.told.push(version)),
  };
  const place: Place = {
    async read() {
      if (here.fault === 'read') throw closed;
      return here.content;
    },
    async update(next) {
      if (here.fault === 'read') throw closed;
      const record = next(here.content);
      if (record && here.fault === 'write') throw full;
      if (record) here.content = record;
    },
    release: () => undefined,
  };
  return here;
}

const nobody = (): never => {
  throw new Error('There is no such page.');
};
const set = (name: string): TokenSet => ({ accessToken: `access-${name}`, refreshToken: `refresh-${name}` });
const stored = (here: Shelf): string | undefined => (here.content as StoredRecord).tokens?.accessToken;

describe('what could not be written', () => {
  test('is remembered, told once, and written by the next load', async () => {
    const here = shelf();
    const keeper = here.keeper();
    await keeper.write(set('1'));
    here.fault = 'write';
    await expect(keeper.replace(set('1'), set('2'))).rejects.toBe(full);
    expect(await keeper.load()).toEqual(set('2'));
    expect(await keeper.replace(set('2'), set('3'))).toBe(true);
    expect(stored(here)).toBe('access-1');
    here.fault = undefined;
    expect(await keeper.load()).toEqual(set('3'));
    expect(stored(here)).toBe('access-3');
    here.fault = 'write';
    await expect(keeper.write(set('4'))).rejects.toBe(full);
  });

  test('gives way to what another page has written meanwhile', async () => {
    const here = shelf();
    const [keeper, other] = [here.keeper(), here.keeper()];
    await keeper.write(set('1'));
    await other.load();
    here.fault = 'write';
    await expect(keeper.replace(set('1'), set('2'))).rejects.toBe(full);
    here.fault = undefined;
    expect(await other.replace(set('1'), set('other'))).toBe(true);
    expect(await keeper.load()).toEqual(set('other'));
    expect(await keeper.replace(set('2'), set('3'))).toBe(false);
    expect(stored(here)).toBe('access-other');
  });

  test('is replaced as if it had been written', async () => {
    const here = shelf();
    const keeper = here.keeper();
    await keeper.write(set('1'));
    here.fault = 'write';
    await expect(keeper.replace(set('1'), set('2'))).rejects.toBe(full);
    here.fault = undefined;
    expect(await keeper.replace(set('2'), set('3'))).toBe(true);
    expect(stored(here)).toBe('access-3');
  });

  test('a sign-in counts whatever lay there, also once the place works again', async () => {
    const here = shelf();
    await here.keeper().write(set('of-somebody-else'));
    const keeper = here.keeper();
    here.fault = 'read';
    await expect(keeper.load()).rejects.toBe(closed);
    await keeper.write(set('1'));
    await keeper.replace(set('1'), set('2'));
    here.fault = undefined;
    expect(await keeper.load()).toEqual(set('2'));
    expect(stored(here)).toBe('access-2');
  });

  test('a sign-out too', async () => {
    const here = shelf();
    const keeper = here.keeper();
    await keeper.write(set('1'));
    here.fault = 'write';
    await expect(keeper.write(undefined)).rejects.toBe(full);
    here.fault = undefined;
    expect(await keeper.load()).toBeUndefined();
    expect(here.content).toMatchObject({ v: 1, tokens: null });
  });
});

describe('a place that fails', () => {
  test('from the beginning: the store is one in memory', async () => {
    const here = shelf();
    here.fault = 'read';
    const keeper = here.keeper();
    await expect(keeper.load()).rejects.toBe(closed);
    expect(await keeper.load()).toBeUndefined();
    await keeper.write(set('1'));
    expect(await keeper.replace(set('0'), set('2'))).toBe(false);
    expect(await keeper.replace(set('1'), set('2'))).toBe(true);
    expect(await keeper.load()).toEqual(set('2'));
    await keeper.write(undefined);
    expect(await keeper.load()).toBeUndefined();
    expect(here.told).toStrictEqual([]);
  });

  test('tells of another fault, and of the same one after it was well', async () => {
    const here = shelf();
    const keeper = here.keeper();
    await keeper.load();
    here.fault = 'read';
    await expect(keeper.load()).rejects.toBe(closed);
    here.fault = 'write';
    await expect(keeper.write(set('1'))).rejects.toBe(full);
    here.fault = undefined;
    await keeper.write(set('2'));
    here.fault = 'read';
    await expect(keeper.load()).rejects.toBe(closed);
  });
});

test('a record that is gone is no sign-out; one that is empty is', async () => {
  const here = shelf();
  const [keeper, other] = [here.keeper(), here.keeper()];
  await keeper.write(set('1'));
  expect(await other.load()).toEqual(set('1'));
  here.content = undefined;
  expect(await keeper.load()).toEqual(set('1'));
  expect(here.content).toBeUndefined();
  expect(await keeper.replace(set('1'), set('2'))).toBe(true);
  expect(await other.load()).toEqual(set('2'));
  await keeper.write(undefined);
  expect(await other.load()).toBeUndefined();
});

test('a record of the last version that there can be is none: others can read what is written over it', async () => {
  const here = shelf();
  here.content = { v: 1, version: Number.MAX_SAFE_INTEGER, tokens: null };
  const keeper = here.keeper();
  await keeper.load().catch(() => undefined);
  await keeper.write(set('1'));
  expect(await here.keeper().load()).toEqual(set('1'));
});

describe('tokens in the memory of each page', () => {
  test.each([
    ['a number, as some servers write it', 42, '42'],
    ['empty', '', undefined],
  ])('a user whose name is %s can be read by all', async (_, sub, subject) => {
    const here = shelf();
    const [page, other] = [here, here].map((place) => new MemoryKeeper(place.keeper()));
    const tokens = { accessToken: jwt({ sub }) };
    await page?.write(tokens);
    expect(await other?.load()).toMatchObject({ subject, expiresAt: 0 });
    expect(await page?.load()).toEqual(tokens);
  });
});

test('versions rise with each write, whoever writes', async () => {
  const here = shelf();
  const [keeper, other] = [here.keeper(), here.keeper()];
  await keeper.write(set('1'));
  await other.write(set('2'));
  await keeper.load();
  here.content = undefined;
  await keeper.replace(set('2'), set('3'));
  expect(here.told).toStrictEqual([1, 2, 3]);
});

test('whatever fails and whoever writes: a page never goes back to tokens that it has replaced', async () => {
  const step = fc.record({
    page: fc.nat(1),
    act: fc.constantFrom('load', 'write', 'clear', 'replace', 'evict'),
    fault: fc.constantFrom<Fault>(undefined, undefined, 'read', 'write'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const here = shelf();
      const pages = [0, 1].map(() => ({ keeper: here.keeper(), now: 'nothing', replaced: new Set<string>() }));
      for (const [index, { page, act, fault }] of steps.entries()) {
        const { keeper, now, replaced } = pages[page] ?? nobody();
        const load = (): Promise<TokenSet | undefined> => keeper.load().catch(() => keeper.load());
        here.fault = fault;
        const next = set(String(index));
        if (act === 'evict') here.content = undefined;
        let stands = act === 'write' || act === 'clear';
        if (stands) await keeper.write(act === 'write' ? next : undefined).catch(() => undefined);
        if (act === 'replace') stands = await keeper.replace(await load(), next).catch(() => true);
        if (stands && now !== 'nothing') replaced.add(now);
        const found = (await load())?.accessToken ?? 'nothing';
        expect(replaced).not.toContain(found);
        Object.assign(pages[page] ?? {}, { now: found });
      }
    }),
    { numRuns: 1_000 },
  );
});
