/** Section `growth`: what a refresh costs beside 1,000 to 1,000,000 stored tokens. */
import { join } from 'node:path';
import { sql, type Kysely } from 'kysely';
import { createRefreshEndpoint, generateSigningKey, sqlRefreshStore } from 'axios-token-refresh/server';
import { percentile } from '../measure.js';
import { table } from '../table.js';
import { openPlace } from './place.js';
import type { Places } from './throughput.js';

/** Ten tokens for each family. */
const PER_FAMILY = 10;

export async function growth({ folder, postgres }: Places, quick: boolean): Promise<string> {
  const sizes = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000];
  const rows = await grow('SQLite', join(folder, 'growth.db'), sizes, quick);
  if (postgres) rows.push(...(await grow('PostgreSQL', await postgres(), sizes, quick)));
  return table(['storage', 'stored tokens', 'p50 ms', 'p99 ms', 'purge of 1,000 tokens, ms'], rows);
}

async function grow(storage: string, place: string, sizes: readonly number[], quick: boolean): Promise<string[][]> {
  const kysely = openPlace(place);
  const store = sqlRefreshStore(kysely);
  await store.migrate();
  const endpoint = createRefreshEndpoint({
    store,
    accessTokens: { issuer: 'https://auth.test', audience: 'https://api.test', keys: [await generateSigningKey()] },
    limits: { byFamily: false },
  });
  const rows: string[][] = [];
  let stored = 0;
  for (const size of sizes) {
    await fill(kysely, storage, stored / PER_FAMILY, size / PER_FAMILY, Date.now() + 9e8);
    stored = size;
    let { refreshToken = '' } = (await endpoint.startSession({ subject: 'ada' })).body;
    const latencies: number[] = [];
    for (let time = 0; time < (quick ? 100 : 1_000); time += 1) {
      const request = new Request('http://localhost/', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ refreshToken }),
      });
      const sent = performance.now();
      const body = (await (await endpoint.refresh(request)).json()) as { refreshToken: string };
      latencies.push(performance.now() - sent);
      refreshToken = body.refreshToken;
    }
    // As many dead families beside them, and how long it takes to be rid of them.
    await fill(kysely, storage, 1e7, 1e7 + 100, Date.now() - 1);
    const sent = performance.now();
    await endpoint.purge();
    const purged = (performance.now() - sent).toFixed(0);
    const tail = [0.5, 0.99].map((fraction) => percentile(latencies, fraction).toFixed(1));
    rows.push([storage, size.toLocaleString('en'), ...tail, purged]);
  }
  await kysely.destroy();
  return rows;
}

async function fill(
  kysely: Kysely<unknown>,
  storage: string,
  from: number,
  to: number,
  expiresAt: number,
): Promise<void> {
  const numbers = (low: number, high: number) =>
    storage === 'SQLite'
      ? sql`(with recursive n(i) as (select ${sql.lit(low)} union all select i + 1 from n where i + 1 < ${sql.lit(high)}) select i from n)`
      : sql`(select generate_series(${sql.lit(low)}, ${sql.lit(high - 1)}) as i)`;
  await sql`insert into refresh_families
    select 'family-' || i, 'user-' || (i % 5000), '{}', '{}', 0, ${sql.lit(expiresAt)}, 0, null, null
    from ${numbers(from, to)} as families`.execute(kysely);
  await sql`insert into refresh_tokens
    select 'family-' || i, g, 'hash-' || i || '-' || g || '-padded-to-the-length-of-one', 0, ${sql.lit(expiresAt)}, 0, null
    from ${numbers(from, to)} as families
    cross join (select i as g from ${numbers(1, PER_FAMILY + 1)} as inner_numbers) as generations`.execute(kysely);
  await sql`analyze`.execute(kysely);
}
