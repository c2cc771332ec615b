/** What must be true of every row, in the test run and in the document alike. */
import { remainingMs, type Fault, type Table } from './faults.js';
import { eventCount, failures, type Figures } from './scenario.js';

/** Attempts within a second of an outage, above the renewals of the quiet time. */
const mostAttemptsPerSecond = 2;
const quietAttempts = 12;

/** The rules that the figures break, in words. */
export function problemsOf(fault: Fault, table: Table, figures: Figures): string[] {
  const { does, signOuts = 0, losesReplies = false, fails, failing = table.failing, believedLate = false } = fault;
  const { sent, failed, attempts } = figures;
  const signedOut = eventCount(figures, 'session.expired');
  const failedRefreshes = eventCount(figures, 'refresh.failed');
  const replays = eventCount(figures, 'request.replayed');
  const mostAttempts = quietAttempts + (mostAttemptsPerSecond * table.rounds * table.lastsMs) / 1_000;
  const signedOutRequests = [...failed.keys()].filter(
    (code) => code === '401' || code.includes('AUTH_SESSION_EXPIRED'),
  );
  // The fault ends before the token does.
  const whileAlive = table.lastsMs < remainingMs;
  const rules: [broken: boolean, problem: string][] = [
    [does !== undefined && figures.met === 0, 'the fault was never met'],
    [signedOut !== signOuts, `signed out ${signedOut} times, expected ${signOuts}`],
    [
      whileAlive && !believedLate && eventCount(figures, 'session.ending') !== signOuts,
      'a sign-out was not announced, or an idle threat',
    ],
    [failures(figures) > failing * sent, `${failures(figures)} of ${sent} requests failed: ${[...failed].join(' ')}`],
    [figures.failedAtLast > 0, `${figures.failedAtLast} requests failed long after the fault`],
    [
      signOuts === 0 && signedOutRequests.length > 0,
      `requests failed for want of a session: ${signedOutRequests.join(' ')}`,
    ],
    [figures.wrong > 0, `${figures.wrong} answers were not what was asked for`],
    [figures.strangers > 0, `${figures.strangers} requests were sent as another user`],
    [figures.dead > 0, `${figures.dead} requests were sent with a dead token`],
    [!losesReplies && figures.reuses > 0, `a spent refresh token was presented ${figures.reuses} times`],
    [attempts > mostAttempts, `${attempts} attempts are a storm`],
    [does === undefined && !fault.api && replays > 0, `${replays} requests were refused for their token`],
    [fails === true && failedRefreshes === 0, 'no refresh failed'],
    [fails === true && attempts <= eventCount(figures, 'refresh.started'), 'no attempt was repeated'],
    [fails === false && whileAlive && failedRefreshes > 0, `${failedRefreshes} refreshes failed`],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}
