/** What may stand after `npm run demo --`. */
import { parseArgs } from 'node:util';

export interface Arguments {
  readonly help: boolean;
  /** Less traffic, for a check rather than a look. */
  readonly short: boolean;
  /** The authorization server fails now and then. */
  readonly chaos: boolean;
  /** Which faults `chaos` brings. */
  readonly seed: number;
  /** The exchange of a grant instead. */
  readonly grant: 'snowflake' | undefined;
}

/** A short run with it meets every kind of fault. */
const defaultSeed = 50;
const maxSeed = 2 ** 32 - 1;

export const usage = `Usage: npm run demo -- [options]

  --short      less traffic, for a check rather than a look
  --chaos      the authorization server fails now and then
  --seed <n>   which faults --chaos brings: a whole number (default: ${defaultSeed})
  --grant <g>  the exchange of a grant instead; there is one: snowflake
  --help       this text`;

/** Throws a `TypeError` that says what is wrong with them. */
export function readArguments(given: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...given],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      short: { type: 'boolean', default: false },
      chaos: { type: 'boolean', default: false },
      seed: { type: 'string' },
      grant: { type: 'string' },
    },
  });
  const { seed, grant, ...flags } = values;
  if (grant !== undefined && grant !== 'snowflake') {
    throw new TypeError(`Option '--grant' takes 'snowflake', not '${grant}'`);
  }
  if (grant !== undefined && (flags.chaos || flags.short)) {
    throw new TypeError("Option '--grant' goes with no other");
  }
  if (seed !== undefined && !flags.chaos) throw new TypeError("Option '--seed' goes with '--chaos'");
  return { ...flags, grant, seed: seed === undefined ? defaultSeed : readSeed(seed) };
}

function readSeed(given: string): number {
  const seed = Number(given);
  if (!/^\d+$/.test(given) || seed > maxSeed) {
    throw new TypeError(`Option '--seed' takes a whole number from 0 to ${maxSeed}, not '${given}'`);
  }
  return seed;
}
