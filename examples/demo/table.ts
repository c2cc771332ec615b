/** The closing table: a row per count, a column per scene, and their sum. */
import { paint } from './paint.js';
import type { Tally } from './tally.js';

export type Row = readonly [title: string, count: (tally: Tally) => number];

export const rows: readonly Row[] = [
  ['requests sent', (tally) => tally.sent],
  ['waited', (tally) => tally.waited],
  ['replayed', (tally) => tally.replayed],
  ['refreshes', (tally) => tally.refreshes],
  ['401s seen by the app', (tally) => tally.unauthorized],
  ['failed', (tally) => tally.failed],
  ['rejected by the sign-out (expected)', (tally) => tally.cleared],
];

export function printTable(tallies: readonly Tally[], shown: readonly Row[]): void {
  const header = ['', ...tallies.map((tally) => tally.scene), 'total'];
  const lines = shown.map(([title, count]) => [title, ...tallies.map(count), sum(tallies, count)].map(String));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((cells) => (cells[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => pad(cell, widths[column] ?? 0, column === 0)).join('  ');

  console.log(`\n${paint('bold', line(header))}`);
  console.log(paint('dim', widths.map((width) => '─'.repeat(width)).join('  ')));
  for (const cells of lines) console.log(line(cells));
}

export function sum(tallies: readonly Tally[], count: (tally: Tally) => number): number {
  return tallies.reduce((total, tally) => total + count(tally), 0);
}

function pad(text: string, width: number, isTitle: boolean): string {
  return isTitle ? text.padEnd(width) : text.padStart(width);
}
