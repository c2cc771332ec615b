/** Plays the rows of a table, all of them at once. */
import type { Fault, Table } from './faults.js';
import { problemsOf } from './invariants.js';
import { adapters, play, type AdapterName, type Figures } from './scenario.js';
import { Ticker } from './time.js';

export interface Row {
  readonly fault: Fault;
  readonly figures: Readonly<Record<AdapterName, Figures>>;
}

export async function playTable(table: Table, requests: number): Promise<Row[]> {
  const ticker = new Ticker();
  const rows = table.faults.map(async (fault) => {
    const [http, fetch] = await Promise.all([
      play(fault, table, 'http', ticker, requests),
      play(fault, table, 'fetch', ticker, requests),
    ]);
    return { fault, figures: { http, fetch } };
  });
  try {
    return await Promise.all(rows);
  } finally {
    ticker.stop();
  }
}

/** The rules that a row breaks, each with the row's name. */
export function problemsIn({ fault, figures }: Row, table: Table): string[] {
  return adapters.flatMap((adapter) =>
    problemsOf(fault, table, figures[adapter]).map((problem) => `${table.name}, ${fault.name}, ${adapter}: ${problem}`),
  );
}
