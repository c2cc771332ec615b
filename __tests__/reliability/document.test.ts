/** docs/reliability.md shows every fault that is played, and its figures keep what the text promises. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { tableIn } from '../support/tables.js';
import { tables } from './faults.js';
import { columns } from './report.js';

const document = readFileSync(join(__dirname, '..', '..', 'docs', 'reliability.md'), 'utf8');

/** The figures of a cell `http / fetch`. */
const figuresOf = (cell: string | undefined): number[] => (cell ?? '').split(' / ').map(Number);

describe.each([...tables])('the table $name', ({ name, faults, failing }) => {
  const rows = tableIn(document, name);

  test('has a row for each fault, in the same order', () => {
    expect(rows.map((row) => row['fault'])).toEqual(faults.map((fault) => fault.name));
    for (const row of rows) expect(Object.keys(row)).toStrictEqual([...columns]);
  });

  test('has a figure for each adapter, of enough requests to tell', () => {
    for (const row of rows) {
      const { requests, failed, waited, refreshes, attempts } = row;
      for (const cell of [requests, failed, waited, refreshes, attempts]) {
        expect(figuresOf(cell)).toStrictEqual([expect.any(Number), expect.any(Number)]);
        expect(figuresOf(cell).every(Number.isSafeInteger)).toBe(true);
      }
      for (const sent of figuresOf(requests)) expect(sent).toBeGreaterThanOrEqual(1_000);
    }
  });

  test('shows no sign-out but those that the server ordered', () => {
    for (const [index, row] of rows.entries()) {
      const expected = faults[index]?.signOuts ?? 0;
      expect(figuresOf(row['sign-outs'])).toStrictEqual([expected, expected]);
      expect(figuresOf(row['unexpected'])).toStrictEqual([0, 0]);
    }
  });

  test('shows no more failed requests than may fail', () => {
    for (const [index, row] of rows.entries()) {
      const sent = figuresOf(row['requests']);
      for (const [adapter, failed] of figuresOf(row['failed']).entries()) {
        expect(failed / (sent[adapter] ?? 0)).toBeLessThanOrEqual(faults[index]?.failing ?? failing);
      }
    }
  });
});
