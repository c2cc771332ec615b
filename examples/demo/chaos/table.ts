/** What `--chaos` adds to the closing table. */
import { sum, type Row } from '../table.js';
import type { Tally } from '../tally.js';
import { descriptions, kinds } from './faults.js';

export const chaosRows: readonly Row[] = [
  ['token requests', (tally) => tally.tokenRequests],
  ...kinds.map((kind): Row => [`  ${descriptions[kind]}`, (tally) => tally.faults.get(kind) ?? 0]),
  ['refreshes', (tally) => tally.refreshes],
  ['  retries', (tally) => tally.retries],
  ['  failed after all retries', (tally) => tally.failedRefreshes],
  ['requests', (tally) => tally.sent],
  ['  left with the current token*', (tally) => tally.servedCurrent],
  ['  waited', (tally) => tally.waited],
  ['  replayed', (tally) => tally.replayed],
  ['  failed', (tally) => tally.failed],
  ['sign-outs', (tally) => tally.signOuts],
];

export const footnote = '* though a newer one was due: it is valid, so no request waits for the server';

/** `12 faults in 30 token requests`. */
export function faultsOf(tallies: readonly Tally[]): string {
  const faults = sum(tallies, (tally) => [...tally.faults.values()].reduce((total, count) => total + count, 0));
  return `${faults} faults in ${sum(tallies, (tally) => tally.tokenRequests)} token requests`;
}
