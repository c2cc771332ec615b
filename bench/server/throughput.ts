/** Section `throughput`: refreshes per second and their tail, beside oidc-provider with the same storage class. */
import { join } from 'node:path';
import { medianWithConfidence, percentile, ratios, shuffled } from '../measure.js';
import { spread, table } from '../table.js';
import { startContender, storages, type Contender } from './contender.js';

/** Sessions of each contender; each refreshes one token after the other, and all at the same time. */
const SESSIONS = 8;
const WARM_UP_ROUNDS = 2;

export interface Places {
  readonly folder: string;
  /** Makes an empty database. `undefined` where there is no PostgreSQL. */
  readonly postgres: (() => Promise<string>) | undefined;
}

interface Measured {
  /** Refreshes per second, one number per round. */
  readonly rates: number[];
  /** Milliseconds, one for each refresh. */
  readonly latencies: number[];
}

export async function throughput({ folder, postgres }: Places, quick: boolean): Promise<string> {
  const contenders: Contender[] = [];
  for (const storage of storages) {
    if (storage === 'PostgreSQL' && !postgres) continue;
    for (const kind of ['axios-token-refresh', 'oidc-provider'] as const) {
      const place = storage === 'PostgreSQL' ? await postgres?.() : join(folder, `${kind}.db`);
      contenders.push(await startContender(kind, { storage, place: place ?? '', sessions: SESSIONS }));
    }
  }
  const rounds = quick ? 5 : 25;
  const each = quick ? 10 : 25;
  const measured = new Map<string, Measured>(contenders.map(({ name }) => [name, { rates: [], latencies: [] }]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const contender of shuffled(contenders)) {
      const { rates, latencies } = await measureOnce(contender, each);
      if (round < 0) continue;
      measured.get(contender.name)?.rates.push(...rates);
      measured.get(contender.name)?.latencies.push(...latencies);
    }
  }
  await Promise.all(contenders.map((contender) => contender.close()));
  return tableOf(measured);
}

async function measureOnce({ tokens, refresh }: Contender, each: number): Promise<Measured> {
  const latencies: number[] = [];
  const start = performance.now();
  await Promise.all(
    tokens.map(async (_, index) => {
      for (let time = 0; time < each; time += 1) {
        const sent = performance.now();
        tokens[index] = await refresh(tokens[index] ?? '');
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  return { rates: [latencies.length / seconds], latencies };
}

function tableOf(measured: ReadonlyMap<string, Measured>): string {
  const rows = [...measured].map(([name, { rates, latencies }]) => {
    const rival = measured.get(name.replace('axios-token-refresh', 'oidc-provider'))?.rates ?? [];
    const ratio = name.startsWith('oidc') ? '' : spread(medianWithConfidence(ratios(rates, rival)), 2);
    const { median } = medianWithConfidence(rates);
    const tail = [0.5, 0.99].map((fraction) => percentile(latencies, fraction).toFixed(1));
    return [name, median.toFixed(0), ...tail, ratio];
  });
  return table(['endpoint', 'refreshes/s', 'p50 ms', 'p99 ms', 'rate to oidc-provider (95 %)'], rows);
}
