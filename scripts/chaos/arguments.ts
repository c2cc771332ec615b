/** Reads the arguments of `npm run chaos`. */
import { parseArgs } from 'node:util';

export interface ChaosArguments {
  readonly runs: number;
  readonly seed: number;
  readonly path: string | undefined;
  readonly axios: 'latest' | 'lowest';
}

export const usage = `Plays random schedules of requests, 401s, aborts, wrong clocks, sign-ins, sign-outs and failing
refreshes against a session and a model of the authorization server, and checks the guarantees at every step.

  npm run chaos -- [--runs N] [--seed S] [--path P] [--axios V]

  --runs N   how many schedules to play, at least 1 (default 10000)
  --seed S   a 32-bit whole number: the same seed plays the same schedules (default: the time)
  --path P   with --seed, as a failure's report gives them: plays that one schedule
  --axios V  "latest" (default) or "lowest": the end of the supported range to play with
  --help     this text

Exit status: 0 if everything held, 1 for a broken guarantee, 2 for arguments that make no sense.
`;

/** What was asked for; `'help'`; or a complaint. */
export function readArguments(given: readonly string[], now: number): ChaosArguments | 'help' | { complaint: string } {
  try {
    const { values } = parseArgs({
      args: joined(given),
      options: {
        runs: { type: 'string', default: '10000' },
        seed: { type: 'string' },
        path: { type: 'string' },
        axios: { type: 'string', default: 'latest' },
        help: { type: 'boolean', default: false },
      },
    });
    const { path, axios } = values;
    if (values.help) return 'help';
    if (path !== undefined && values.seed === undefined)
      throw new RangeError('--path needs the --seed that belongs to it');
    if (path !== undefined && !/^\d+(:\d+)*$/.test(path))
      throw new RangeError('--path must be numbers with colons between them');
    if (axios !== 'latest' && axios !== 'lowest') throw new RangeError('--axios must be "latest" or "lowest"');
    const runs = whole('--runs', values.runs, 1, 2 ** 31 - 1);
    const seed = values.seed === undefined ? now | 0 : whole('--seed', values.seed, -(2 ** 31), 2 ** 31 - 1);
    return { runs, seed, path, axios };
  } catch (error) {
    return { complaint: error instanceof Error ? error.message : String(error) };
  }
}

/** A negative seed would be taken for an option. */
function joined(given: readonly string[]): string[] {
  const args: string[] = [];
  for (const argument of given) {
    if (args.at(-1) === '--seed' && /^-\d/.test(argument)) args.splice(-1, 1, `--seed=${argument}`);
    else args.push(argument);
  }
  return args;
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < least || value > most)
    throw new RangeError(`${name} must be a whole number from ${String(least)} to ${String(most)}`);
  return value;
}
