/** `exclusive`: turns. */
import type { TokenStore } from '../types.js';
import { comesAbout, expect, inTime, nth, pause, vigilMs, type Rule } from './rule.js';

const one = 'Two holders in their turns at once send one refresh token twice, and a strict server ends the session.';
const stuck = 'Every other holder would wait for a turn that does not come.';

function enter<T>(
  store: TokenStore,
  work: () => Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  if (!store.exclusive) throw new TypeError('The store has no method "exclusive".');
  const turn = store.exclusive(work, signal);
  // It may settle before a rule comes to look at it.
  turn.catch(() => undefined);
  return turn;
}

/** Work that goes on until it is told to end. */
function openWork(): { work: () => Promise<string>; end: () => void; readonly runs: number } {
  let end = (): void => undefined;
  const ended = new Promise<string>((resolve) => (end = () => resolve('done')));
  const open = {
    runs: 0,
    end: () => end(),
    work: () => {
      open.runs += 1;
      return ended;
    },
  };
  return open;
}

/** Checks that somebody else's turn comes. */
async function expectFree(store: TokenStore, limitMs: number): Promise<void> {
  await inTime(
    enter(store, () => Promise.resolve()),
    limitMs,
    `a free turn to come within ${limitMs} ms`,
    stuck,
  );
}

/** What a promise rejects with, or nothing. */
async function reasonOf(promise: Promise<unknown>): Promise<{ readonly reason: unknown } | undefined> {
  try {
    await promise;
  } catch (reason) {
    return { reason };
  }
  return undefined;
}

export const exclusiveRules: readonly Rule[] = [
  {
    name: 'exclusive runs the work once and passes on what it returns',
    method: 'exclusive',
    holders: 1,
    async check(stores, patienceMs) {
      let runs = 0;
      const work = (): Promise<number> => Promise.resolve((runs += 1));
      const result = await inTime(enter(nth(stores, 0), work), patienceMs, 'the work to be run', stuck);
      expect(result === 1 && runs === 1, `one run and its result, not ${runs} runs`, one);
    },
  },
  {
    name: 'exclusive passes on what the work throws, and the next one has its turn',
    method: 'exclusive',
    holders: 2,
    async check(stores, patienceMs) {
      const thrown = new Error('The work has failed.');
      const attempt = inTime(
        reasonOf(enter(nth(stores, 0), () => Promise.reject(thrown))),
        patienceMs,
        'it to settle',
        stuck,
      );
      const failure = await attempt;
      expect(
        failure?.reason === thrown,
        'exclusive() to reject with the very error of the work',
        'It says what failed.',
      );
      await expectFree(nth(stores, 1), patienceMs);
    },
  },
  {
    name: 'exclusive lets one holder in at a time, and all of them in the end',
    method: 'exclusive',
    holders: 3,
    async check(stores, patienceMs) {
      let inside = 0;
      let most = 0;
      let turns = 0;
      const work = async (): Promise<void> => {
        most = Math.max(most, ++inside);
        await pause(5);
        inside -= 1;
        turns += 1;
      };
      const all = [...stores, ...stores].map((store) => enter(store, work));
      await inTime(Promise.all(all), patienceMs, `${all.length} short turns within ${patienceMs} ms`, stuck);
      expect(most === 1, `one holder inside at a time, not ${most}`, one);
      expect(turns === all.length, `${all.length} turns, not ${turns}`, stuck);
    },
  },
  {
    name: 'exclusive waits as long as another’s work goes on',
    method: 'exclusive',
    holders: 2,
    async check(stores, patienceMs) {
      const first = openWork();
      const second = openWork();
      const running = enter(nth(stores, 0), first.work);
      await comesAbout(() => first.runs === 1, patienceMs);
      const waiting = enter(nth(stores, 1), second.work);
      await pause(vigilMs);
      const early = second.runs;
      first.end();
      second.end();
      await inTime(Promise.all([running, waiting]), patienceMs, 'both turns to end', stuck);
      expect(early === 0, 'the second holder to wait for the first', one);
    },
  },
  {
    name: 'an abort ends the wait for a turn: exclusive rejects, and the work is never run',
    method: 'exclusive',
    holders: 3,
    async check(stores, patienceMs) {
      const first = openWork();
      const second = openWork();
      const running = enter(nth(stores, 0), first.work);
      await comesAbout(() => first.runs === 1, patienceMs);
      const controller = new AbortController();
      const waiting = reasonOf(enter(nth(stores, 1), second.work, controller.signal));
      await pause(vigilMs);
      controller.abort(new Error('No longer wanted.'));
      const failure = await inTime(
        waiting,
        patienceMs,
        'exclusive() to settle when its signal aborts',
        'The wait is bounded.',
      );
      first.end();
      second.end();
      await inTime(running, patienceMs, 'the holder inside to end undisturbed', one);
      await expectFree(nth(stores, 2), patienceMs);
      await pause(vigilMs);
      expect(failure !== undefined, 'exclusive() to reject when its signal aborts', 'The wait is bounded.');
      expect(second.runs === 0, 'the work not to be run after the abort', 'The session has gone on without it.');
    },
  },
  {
    name: 'an abort during the work does not cut it short',
    method: 'exclusive',
    holders: 2,
    async check(stores, patienceMs) {
      const first = openWork();
      const controller = new AbortController();
      const running = enter(nth(stores, 0), first.work, controller.signal);
      await comesAbout(() => first.runs === 1, patienceMs);
      controller.abort();
      const other = openWork();
      other.end();
      const waiting = enter(nth(stores, 1), other.work);
      await pause(vigilMs);
      const early = other.runs;
      first.end();
      const failure = await inTime(reasonOf(running), patienceMs, 'the work to end by itself', stuck);
      expect(!failure, 'exclusive() not to reject while the work goes on', one);
      const result = await running;
      await inTime(waiting, patienceMs, 'the next turn to come', stuck);
      expect(result === 'done' && early === 0, 'the turn to last until the work ends', one);
    },
  },
];
