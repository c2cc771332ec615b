/** Turns numbers into aligned Markdown tables. */
import { medianWithConfidence, quartiles, ratios, type Samples, type Spread } from './measure.js';

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => align(cells[column] ?? '', width, column)).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

/** One row per variant: its cost, and its ratio to two of the others. */
export function costTable(samples: Samples, bare: string, limit: string): string {
  const of = (name: string): readonly number[] => samples.get(name) ?? [];
  const rows = [...samples].map(([name, costs]) => [
    name,
    spread(quartiles(costs), 1),
    spread(medianWithConfidence(ratios(costs, of(bare))), 3),
    spread(medianWithConfidence(ratios(costs, of(limit))), 3),
  ]);
  return table(['variant', 'us/request (quartiles)', 'to bare (95 %)', 'to the limit (95 %)'], rows);
}

/** One row per variant: its cost, and its ratio to one of them. */
export function comparisonTable(samples: Samples, base: string): string {
  const rows = [...samples].map(([name, costs]) => [
    name,
    spread(quartiles(costs), 1),
    spread(medianWithConfidence(ratios(costs, samples.get(base) ?? [])), 3),
  ]);
  return table(['variant', 'us/request (quartiles)', 'ratio (95 %)'], rows);
}

/** `43.2 (41.0-46.9)` */
export function spread({ median, low, high }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}

function align(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
