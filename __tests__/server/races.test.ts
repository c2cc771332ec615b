/** One token, many at once, on a real database: never a second branch. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Kysely } from 'kysely';
import { createRefreshEndpoint, type RefreshEndpoint, type SigningKey } from '../../src/server/index.js';
import { startApp, type App, type RaceOutcome } from './support/app.js';
import { startPostgres, type Postgres } from './support/postgres.js';
import { describeWithPostgres } from './support/with-postgres.js';
import { signingKey } from './support/stage.js';
import { inPostgres, inSqlite, type Kept } from './support/stores.js';

// A busy machine makes it slow, and nothing here is about time.
jest.setTimeout(240_000);

interface Rows {
  refresh_tokens: { family_id: string; generation: number };
}

interface Arena {
  readonly apps: readonly App[];
  readonly kept: Kept;
  readonly endpoint: RefreshEndpoint;
  close(): Promise<void>;
}

async function arena(place: string, kept: Kept, graceMs: number): Promise<Arena> {
  const key: SigningKey = await signingKey();
  const apps = await Promise.all([startApp({ place, key, graceMs }), startApp({ place, key, graceMs })]);
  const endpoint = createRefreshEndpoint({
    store: kept.store,
    accessTokens: { issuer: 'https://auth.test', audience: 'https://api.test', keys: [key] },
  });
  return {
    apps,
    kept,
    endpoint,
    async close() {
      await Promise.all(apps.map((app) => app.close()));
      await kept.close();
    },
  };
}

interface Round {
  readonly outcomes: readonly RaceOutcome[];
  /** Generations of the family's tokens: 1 is the one that they fought for. */
  readonly generations: readonly number[];
  readonly events: readonly string[];
  readonly isAlive: boolean;
}

async function round({ apps, kept, endpoint }: Arena): Promise<Round> {
  const { body, sessionId } = await endpoint.startSession({ subject: 'ada' });
  const token = body.refreshToken ?? '';
  const outcomes = (await Promise.all(apps.map((app) => app.race(token, 20 / apps.length)))).flat();
  const rows = await (kept.kysely as unknown as Kysely<Rows>)
    .selectFrom('refresh_tokens')
    .select('generation')
    .where('family_id', '=', sessionId)
    .orderBy('generation')
    .execute();
  const trail = await kept.store.auditTrail({ familyId: sessionId });
  const families = await kept.store.revoke({ familyId: sessionId }, Date.now());
  return {
    outcomes,
    generations: rows.map(({ generation }) => generation),
    events: trail.map(({ event }) => event).sort(),
    isAlive: families.length === 1,
  };
}

async function graceRounds(on: Arena, rounds: number): Promise<void> {
  for (let time = 0; time < rounds; time += 1) {
    const { outcomes, generations, events, isAlive } = await round(on);
    expect(generations).toStrictEqual([1, 2]);
    expect(new Set(outcomes.map(({ refreshToken }) => refreshToken)).size).toBe(1);
    expect(outcomes.every(({ code }) => code === undefined)).toBe(true);
    expect(events).toStrictEqual([...Array<string>(19).fill('grace'), 'issued', 'refreshed']);
    expect(isAlive).toBe(true);
  }
}

describeWithPostgres('twenty refreshes of one token at once, two servers over one PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.close());

  test('make one branch in each of 100 rounds, and everyone gets the same successor', async () => {
    const place = await postgres.database();
    const on = await arena(place, await inPostgres(place), 10_000);
    await graceRounds(on, 100);
    await on.close();
  });

  test('without grace make one branch, one winner, and one alarm', async () => {
    const place = await postgres.database();
    const on = await arena(place, await inPostgres(place), 0);
    for (let time = 0; time < 20; time += 1) {
      const { outcomes, generations, events, isAlive } = await round(on);
      expect(generations).toStrictEqual([1, 2]);
      expect(outcomes.filter(({ refreshToken }) => refreshToken !== undefined)).toHaveLength(1);
      expect(events.filter((event) => event === 'reused')).toHaveLength(1);
      expect(isAlive).toBe(false);
    }
    await on.close();
  });
});

describe('twenty refreshes of one token at once, two servers over one SQLite file', () => {
  test('make one branch in each of 20 rounds, and everyone gets the same successor', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-race-'));
    const place = join(folder, 'sessions.db');
    const on = await arena(place, await inSqlite(place)(), 10_000);
    await graceRounds(on, 20);
    await on.close();
    rmSync(folder, { recursive: true });
  });
});
