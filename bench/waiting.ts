/**
 * Section `waiting`: many requests that wait for one refresh, beside the same requests without a plugin, held as long by
 * their adapter. The waiting itself is not measured, only the work and the memory that it takes.
 */
import { setImmediate } from 'node:timers/promises';
import { BARE, NOISE, OURS } from './contenders.js';
import { holders, type Held } from './holders.js';
import { collectGarbage, quartiles, shuffled } from './measure.js';
import { spread, table } from './table.js';

const COLUMNS = ['us to queue', 'us to release', 'heap bytes while waiting', 'heap bytes left after'] as const;

type Cost = Record<(typeof COLUMNS)[number], number>;

export async function waiting(quick: boolean): Promise<string> {
  const rounds = quick ? 3 : 9;
  const requests = quick ? 2_000 : 10_000;
  const costs = new Map<string, Cost[]>([...holders.keys()].map((name) => [name, []]));
  const refreshes = new Map<string, number>();
  // Round -1 warms the compiler up and is not counted.
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, hold] of shuffled([...holders])) {
      const held = await hold();
      const cost = await measureHeld(held, requests);
      if (round >= 0) costs.get(name)?.push(cost);
      refreshes.set(name, held.refreshes());
      held.close();
    }
  }
  const rows = [...costs].map(([name, samples]) => [
    name,
    ...COLUMNS.map((column) => spread(quartiles(samples.map((cost) => cost[column])), column.startsWith('us') ? 1 : 0)),
    String(refreshes.get(name)),
  ]);
  const title = `${requests} requests that wait for one refresh, per request, quartiles of ${rounds} rounds`;
  return `${title}\n\n${table(['variant', ...COLUMNS, 'refreshes'], rows)}\n\n${differences(costs)}`;
}

/** What waiting costs more than being held by the adapter, with the noise in the same words. */
function differences(costs: ReadonlyMap<string, readonly Cost[]>): string {
  const perRound = (name: string, column: keyof Cost): string => {
    const bare = costs.get(BARE) ?? [];
    const more = (costs.get(name) ?? []).map((cost, round) => cost[column] - (bare[round]?.[column] ?? Number.NaN));
    return spread(quartiles(more), column.startsWith('us') ? 1 : 0);
  };
  const rows = [OURS, NOISE].map((name) => [name, ...COLUMNS.map((column) => perRound(name, column))]);
  return `More than bare Axios in the same round:\n\n${table(['variant', ...COLUMNS], rows)}`;
}

async function measureHeld(held: Held, requests: number): Promise<Cost> {
  const heapBefore = heapUsed();
  let start = performance.now();
  const pending = Array.from({ length: requests }, () => held.send());
  await setImmediate();
  const queueMs = performance.now() - start;
  const heapWaiting = heapUsed();
  start = performance.now();
  held.open();
  await Promise.all(pending);
  const releaseMs = performance.now() - start;
  pending.length = 0;
  await setImmediate();
  return {
    'us to queue': (queueMs * 1000) / requests,
    'us to release': (releaseMs * 1000) / requests,
    'heap bytes while waiting': (heapWaiting - heapBefore) / requests,
    'heap bytes left after': (heapUsed() - heapBefore) / requests,
  };
}

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
