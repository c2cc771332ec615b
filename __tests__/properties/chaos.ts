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
  /** When to end the search, or the shrinking: a slow machine plays fewer schedules. */
  readonly limitMs?: number | undefined;
  /** Hears of each schedule before it is played, those of the shrinking included. */
  readonly onRun?: (() => void) | undefined;
}

/** Plays that many random schedules. A report of what failed, made as small as could be; `undefined` if nothing did. */
export async function findFault({ runs, seed, limitMs, onRun }: Chaos): Promise<string | undefined> {
  const property = fc.asyncProperty(schedules, async (schedule) => {
    onRun?.();
    await play(schedule);
  });
  const details = await fc.check(property, {
    numRuns: runs,
    timeout: standstillMs,
    ...(seed !== undefined && { seed }),
    ...(limitMs !== undefined && { interruptAfterTimeLimit: limitMs }),
  });
  if (!details.failed) return undefined;
  const { counterexample, counterexamplePath, numRuns, numShrinks, errorInstance } = details;
  if (!counterexample) return 'Not one schedule was played in time.';
  const found = `Broken by schedule ${String(numRuns)}, made smaller in ${String(numShrinks)} steps:`;
  return `${found}\n${reportOf(errorInstance, counterexample[0], details.seed, counterexamplePath)}`;
}

/** Plays the one schedule of an earlier report. Throws a `RangeError` if there is none of that seed and path. */
export async function replayFault(seed: number, path: string): Promise<string | undefined> {
  const schedule = scheduleAt(seed, path);
  try {
    await play(schedule);
    return undefined;
  } catch (error) {
    return reportOf(error, schedule, seed, path);
  }
}

/** The schedule that a search of that seed has at that path: the first on which one that finds fault with all ends. */
function scheduleAt(seed: number, path: string): Schedule {
  try {
    const nothingIsRight = fc.property(schedules, (_schedule: Schedule) => false);
    const { counterexample } = fc.check(nothingIsRight, { seed, path, numRuns: 1, endOnFailure: true });
    if (counterexample) return counterexample[0];
  } catch {
    // The path is longer than the ways to make the schedule smaller.
  }
  throw new RangeError('That path leads nowhere: the schedules have changed, or it belongs to another seed.');
}

function reportOf(error: unknown, schedule: Schedule, seed: number, path: string): string {
  return [
    error instanceof Error ? error.message : String(error),
    '',
    describeSchedule(schedule),
    '',
    'replay',
    `  npm run chaos -- --seed ${String(seed)} --path ${path}`,
  ].join('\n');
}
