/** The rules that rows are held against notice what they are there for. */
import { describe, expect, test } from '@jest/globals';
import { longer, shorter, terminal, throughout, type Fault, type Table } from './faults.js';
import { problemsOf } from './invariants.js';
import type { Figures } from './scenario.js';

const fault: Fault = { name: 'made', does: () => undefined };
const repeated: Fault = { ...fault, fails: true };
const good: Figures = {
  sent: 1_000,
  failed: new Map(),
  failedAtLast: 0,
  wrong: 0,
  strangers: 0,
  dead: 0,
  attempts: 7,
  events: new Map([['refresh.started', 5]]),
  reuses: 0,
  met: 3,
};
const failed = (code: string, count: number): Partial<Figures> => ({ failed: new Map([[code, count]]) });
const told = (...events: [string, number][]): Partial<Figures> => ({ events: new Map(events) });

const cases: [what: string, figures: Partial<Figures>, problem: string, fault?: Fault, table?: Table][] = [
  ['a fault that was not met', { met: 0 }, 'the fault was never met'],
  ['a sign-out', told(['session.expired', 1], ['session.ending', 0]), 'signed out 1 times, expected 0'],
  [
    'a sign-out that did not come',
    told(['session.ending', 1]),
    'signed out 0 times',
    { ...fault, signOuts: 1 },
    terminal,
  ],
  ['a second sign-out', told(['session.expired', 2]), 'signed out 2 times', { ...fault, signOuts: 1 }, longer],
  ['a session that is said to end', told(['session.ending', 1]), 'an idle threat'],
  ['two failures in a thousand', failed('AUTH_WAIT_TIMEOUT', 2), '2 of 1000 requests failed: AUTH_WAIT_TIMEOUT,2'],
  ['half of the requests failing', failed('AUTH_WAIT_TIMEOUT', 500), '500 of 1000', fault, longer],
  ['failures long after', { failedAtLast: 1 }, '1 requests failed long after the fault', fault, longer],
  ['requests without a token', failed('401', 1), 'for want of a session: 401'],
  ['requests after the end', failed('401 (AUTH_SESSION_EXPIRED)', 1), 'for want of a session', fault, longer],
  ['an answer for somebody else', { wrong: 1 }, '1 answers were not what was asked for'],
  ['a request as somebody else', { strangers: 1 }, '1 requests were sent as another user'],
  ['a dead token', { dead: 1 }, '1 requests were sent with a dead token'],
  ['a spent refresh token', { reuses: 1 }, 'a spent refresh token was presented 1 times'],
  [
    'a refused token',
    told(['request.replayed', 1]),
    '1 requests were refused for their token',
    { name: 'made' },
    throughout,
  ],
  ['a storm', { attempts: 73 }, '73 attempts are a storm'],
  ['a refresh that did not fail', {}, 'no refresh failed', repeated],
  ['no second attempt', { attempts: 5 }, 'no attempt was repeated', repeated],
  ['a refresh that failed', told(['refresh.failed', 1]), '1 refreshes failed', { ...fault, fails: false }],
];

describe('the rules notice', () => {
  test.each(cases)('%s', (_, figures, problem, made = fault, table = shorter) => {
    expect(problemsOf(made, table, { ...good, ...figures }).join('; ')).toContain(problem);
  });

  test('nothing wrong with what is right', () => {
    expect(problemsOf(fault, shorter, { ...good, ...failed('AUTH_WAIT_TIMEOUT', 1) })).toStrictEqual([]);
    expect(problemsOf({ ...fault, losesReplies: true }, shorter, { ...good, reuses: 3 })).toStrictEqual([]);
  });
});
