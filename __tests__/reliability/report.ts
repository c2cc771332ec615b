/** Turns what was counted into the tables of docs/reliability.md. */
import type { TokenEventType } from '../../src/index.js';
import { formatTable } from '../support/tables.js';
import type { Row } from './rows.js';
import { adapters, eventCount, failures, type Figures } from './scenario.js';

/** Told beside the failures of requests; the rest is everyday life. */
const notable: readonly TokenEventType[] = [
  'refresh.failed',
  'refresh.escalated',
  'session.ending',
  'session.expired',
  'request.replayed',
  'clock.skewed',
];

export const columns = [
  'fault',
  'requests',
  'failed',
  'waited',
  'refreshes',
  'attempts',
  'reuse seen',
  'sign-outs',
  'unexpected',
  'what the app sees',
] as const;

/** `http / fetch` */
const pair = (row: Row, figure: (figures: Figures) => number): string =>
  adapters.map((adapter) => figure(row.figures[adapter])).join(' / ');

function seen(row: Row): string {
  const codes = new Set(adapters.flatMap((adapter) => [...row.figures[adapter].failed.keys()]));
  const errors = [...codes]
    .sort()
    .map((code) => `requests: \`${code}\` ${pair(row, ({ failed }) => failed.get(code) ?? 0)}`);
  const events = notable
    .map((type) => [type, (figures: Figures) => eventCount(figures, type)] as const)
    .filter(([, count]) => adapters.some((adapter) => count(row.figures[adapter]) > 0))
    .map(([type, count]) => `\`${type}\` ${pair(row, count)}`);
  const told = [...events, ...errors];
  return told.length > 0 ? told.join('; ') : 'nothing';
}

export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { name, signOuts = 0 } = row.fault;
    const signedOut = (figures: Figures): number => eventCount(figures, 'session.expired');
    return [
      name,
      pair(row, ({ sent }) => sent),
      pair(row, failures),
      pair(row, (figures) => eventCount(figures, 'request.queued')),
      pair(row, (figures) => eventCount(figures, 'refresh.started')),
      pair(row, ({ attempts }) => attempts),
      pair(row, ({ reuses }) => reuses),
      pair(row, signedOut),
      pair(row, (figures) => Math.max(0, signedOut(figures) - signOuts)),
      seen(row),
    ];
  });
  return formatTable(columns, lines);
}
