/** Plays the rows of a table, a number of them at a time. */
import type { Fault, Table } from './faults.js';
import { problemsOf } from './invariants.js';
import { adapters, play, type AdapterName, type Figures } from './scenario.js';

import { Ticker } from './time.js';

export interface Row {
  readonly fault: Fault;
  readonly figures: Readonly<Record<AdapterName, Figures>>;
}

export async function playTable(table: Table, requests: number, atOnce: number): Promise<Row[]> {
  const ticker = new Ticker();
  const due = [...table.faults.entries()];
  const rows: Row[] = [];
  const worker = async (): Promise<void> => {
    for (let next = due.shift(); next; next = due.shift()) {
      const [index, fault] = next;
      const [http, fetch] = await Promise.all(adapters.map((adapter) => play(fault, table, adapter, ticker, requests)));
      if (http && fetch) rows[index] = { fault, figures: { http, fetch } };
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  ticker.stop();
  return rows;
}

/** The rules that a row breaks, each with the row's name. */
export function problemsIn({ fault, figures }: Row, table: Table): string[] {
  return adapters.flatMap((adapter) =>
    problemsOf(fault, table, figures[adapter]).map((problem) => `${table.name}, ${fault.name}, ${adapter}: ${problem}`),
  );
}
