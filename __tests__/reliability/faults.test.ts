/** Every fault over real HTTP, with less traffic than the document's figures, each row held against the rules. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { tables } from './faults.js';
import { playTable, problemsIn, type Row } from './rows.js';
import { adapters } from './scenario.js';

const requests = 200;
const played = new Map<string, readonly Row[]>();

beforeAll(async () => {
  await Promise.all(
    tables.map(async (table) => {
      played.set(table.name, await playTable(table, requests));
    }),
  );
}, 600_000);

describe.each([...tables])('$title', (table) => {
  test.each(table.faults.map(({ name }, index) => ({ name, index })))('$name', ({ index }) => {
    const row = played.get(table.name)?.[index];
    for (const adapter of adapters) expect(row?.figures[adapter].sent).toBe(requests);
    expect(row && problemsIn(row, table)).toStrictEqual([]);
  });
});
