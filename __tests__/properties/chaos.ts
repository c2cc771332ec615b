/** The property that holds over all schedules, and how its failure is told: for the tests and for `npm run chaos`. */
import fc from 'fast-check';
import { describeSchedule } from './describe.js';
import { play } from './scene.js';
import { schedules, type Schedule } from './schedules.js';

// A schedule takes milliseconds; one that stands still must be told as well.
const standstillMs = 20_000;

export interface Chaos {
  readonly runs: number;
  readonly seed?: number | undefined;
  /** From a failure's report: plays that one schedule. */
  readonly path?: string | undefined;
  /** When to give up the search, or the shrinking. */
  readonly limitMs?: number | undefined;
  /** Hears of each schedule before it is played, those of the shrinking included. */
  readonly onRun?: (() => void) | undefined;
}

/** Plays that many random schedules. A report of what failed, made as small as could be; `undefined` if nothing did. */
export async function findFault({ runs, seed, path, limitMs, onRun }: Chaos): Promise<string | undefined> {
  const property = fc.asyncProperty(schedules, async (schedule) => {
    onRun?.();
    await play(schedule);
  });
  const details = await fc.check(property, {
    numRuns: runs,
    timeout: standstillMs,
    // A replay shows the schedule as it is.
    ...(path !== undefined && { path, endOnFailure: true }),
    ...(seed !== undefined && { seed }),
    ...(limitMs !== undefined && { interruptAfterTimeLimit: limitMs, markInterruptAsFailure: true }),
  });
  return details.failed ? reportOf(details) : undefined;
}

function reportOf(details: fc.RunDetails<[Schedule]>): string {
  const { counterexample, counterexamplePath, seed, numRuns, numShrinks, errorInstance } = details;
  if (!counterexample) return `Stopped after ${String(numRuns)} schedules: they take too long.`;
  const [schedule] = counterexample;
  return [
    `Broken by schedule ${String(numRuns)}, made smaller in ${String(numShrinks)} steps:`,
    errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
    '',
    describeSchedule(schedule),
    '',
    'replay',
    `  npm run chaos -- --seed ${String(seed)} --path ${counterexamplePath}`,
  ].join('\n');
}
