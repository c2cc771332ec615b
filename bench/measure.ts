/**
 * Paired measurement: many short rounds, every variant once per round in random order, ratios taken inside the round.
 * A machine that gets slower or faster between rounds then changes both sides of a ratio alike. Garbage is collected when
 * the engine wants to: a forced collection throws compiled code away, and what is measured then is the compiler.
 */

export interface Variant {
  readonly name: string;
  /** Makes one request and resolves when it has ended. */
  readonly send: () => Promise<unknown>;
}

export interface Plan {
  readonly rounds: number;
  readonly requestsPerRound: number;
  readonly concurrency: number;
}

/** Microseconds per request, one number per round: the n-th numbers of all variants come from the same round. */
export type Samples = ReadonlyMap<string, readonly number[]>;

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The first rounds are for the compiler, and are not counted. */
const WARM_UP_ROUNDS = 10;

export async function measure(variants: readonly Variant[], plan: Plan): Promise<Samples> {
  const samples = new Map<string, number[]>(variants.map(({ name }) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < plan.rounds; round += 1) {
    for (const variant of shuffled(variants)) {
      const microseconds = await timeRequests(variant, plan);
      if (round >= 0) samples.get(variant.name)?.push(microseconds);
    }
  }
  return samples;
}

/** The part of a set of numbers that lies in the middle half, and its median. */
export function quartiles(numbers: readonly number[]): Spread {
  const sorted = ascending(numbers);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** The median, and the interval that holds the true median with 95 % confidence (by order statistics, any distribution). */
export function medianWithConfidence(numbers: readonly number[]): Spread {
  const sorted = ascending(numbers);
  const halfWidth = 0.98 / Math.sqrt(Math.max(sorted.length, 1));
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, Math.max(0, 0.5 - halfWidth)),
    high: quantile(sorted, Math.min(1, 0.5 + halfWidth)),
  };
}

/** The number that a part of all numbers, from 0 to 1, does not exceed. */
export function percentile(numbers: readonly number[], fraction: number): number {
  return quantile(ascending(numbers), fraction);
}

/** One ratio per round. */
export function ratios(numerators: readonly number[], denominators: readonly number[]): number[] {
  return numerators.map((numerator, round) => numerator / (denominators[round] ?? Number.NaN));
}

export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

export function collectGarbage(): void {
  if (!globalThis.gc) throw new Error('Run with --expose-gc: npm run bench');
  globalThis.gc();
}

async function timeRequests({ send }: Variant, { requestsPerRound, concurrency }: Plan): Promise<number> {
  let left = requestsPerRound;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await send();
    }
  };
  const start = performance.now();
  if (concurrency === 1) await worker();
  else await Promise.all(Array.from({ length: concurrency }, worker));
  return ((performance.now() - start) * 1000) / requestsPerRound;
}

function ascending(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b);
}

/** Linear between the two nearest numbers. */
function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
