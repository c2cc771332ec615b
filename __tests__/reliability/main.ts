/**
 * Plays every fault at length and writes the tables of docs/reliability.md. Writes none whose figures break a rule.
 *
 *     npm run reliability
 */
import { readFileSync, writeFileSync } from 'node:fs';
import axios from 'axios';
import { withTable } from '../support/tables.js';
import { tables } from './faults.js';
import { tableOf } from './report.js';
import { playTable, problemsIn } from './rows.js';

const path = new URL('../../docs/reliability.md', import.meta.url);
const requests = 1_000;

for (const table of tables) {
  console.log(`${table.name}: ${table.faults.length} faults …`);
  const rows = await playTable(table, requests);
  const problems = rows.flatMap((row) => problemsIn(row, table));
  if (problems.length > 0) {
    console.error(problems.join('\n'));
    process.exitCode = 1;
    continue;
  }
  const caption = `Node ${process.versions.node}, Axios ${axios.VERSION}, ${new Date().toISOString().slice(0, 10)}.`;
  const document = readFileSync(path, 'utf8');
  writeFileSync(path, withTable(document, table.name, `${tableOf(rows)}\n\n${caption}`));
}
