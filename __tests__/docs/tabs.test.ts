/** The table of tabs in docs/reliability.md is from a run that is long enough, and keeps what the text says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tableIn } from '../support/tables.js';
import { root } from './documents.js';

const rows = tableIn(readFileSync(join(root, 'docs', 'reliability.md'), 'utf8'), 'tabs');

test('each store has played at least 500 rounds, with three requests of each tab', () => {
  expect(rows).toHaveLength(4);
  for (const { rounds, requests } of rows) {
    expect(Number(rounds)).toBeGreaterThanOrEqual(500);
    expect(Number(requests)).toBe(6 * Number(rounds));
  }
});

test('ours loses no session and refreshes once a round; those beside it show that sessions can be lost', () => {
  const [database, local, ...others] = rows;
  for (const ours of [database, local]) {
    expect(ours).toMatchObject({ 'sessions lost': '0', failed: '0', refreshes: ours?.['rounds'], 'reuse seen': '0' });
  }
  for (const other of others) expect(Number(other['sessions lost'])).toBeGreaterThan(0);
});
