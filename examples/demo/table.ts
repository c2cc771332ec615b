/** The closing table: a row per scene, and their sum. */
import { paint } from './paint.js';
import type { Tally } from './tally.js';

type Count = 'sent' | 'waited' | 'replayed' | 'refreshes' | 'unauthorized' | 'failed' | 'cleared';

const columns: readonly (readonly [count: Count, title: string])[] = [
  ['sent', 'requests sent'],
  ['waited', 'waited'],
  ['replayed', 'replayed'],
  ['refreshes', 'refreshes'],
  ['unauthorized', '401s seen by the app'],
  ['failed', 'failed'],
  ['cleared', 'rejected by the sign-out (expected)'],
];

export function printTable(tallies: readonly Tally[]): void {
  const sum = (count: Count): number => tallies.reduce((total, tally) => total + tally[count], 0);
  const header = ['', ...tallies.map((tally) => tally.scene), 'total'];
  const rows = columns.map(([count, title]) =>
    [title, ...tallies.map((tally) => tally[count]), sum(count)].map(String),
  );
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => pad(cell, widths[column] ?? 0, column === 0)).join('  ');

  console.log(`\n${paint('bold', line(header))}`);
  console.log(paint('dim', widths.map((width) => '─'.repeat(width)).join('  ')));
  for (const row of rows) console.log(line(row));
}

function pad(text: string, width: number, isTitle: boolean): string {
  return isTitle ? text.padEnd(width) : text.padStart(width);
}
