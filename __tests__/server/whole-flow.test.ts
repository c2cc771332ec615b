/** Client and server together, as users have them: an Axios client here, Express and a database in processes of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import axios, { type AxiosInstance } from 'axios';
import { createTokenSession, type TokenSession, type TokenSet } from '../../src/index.js';
import { startApp, type App, type AppInput } from './support/app.js';
import { startOwnPostgres, startPostgres, type OwnPostgres, type Postgres } from './support/postgres.js';
import { describeWithPostgres } from './support/with-postgres.js';
import { signingKey } from './support/stage.js';
import { inPostgres, inSqlite, type Kept } from './support/stores.js';

// A busy machine makes processes slow to start.
jest.setTimeout(120_000);
const graceMs = 60_000;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = ends.pop(); end; end = ends.pop()) await end();
});

async function app(input: Pick<AppInput, 'place'> & Partial<AppInput>): Promise<App> {
  const started = await startApp({ key: await signingKey(), ...input });
  ends.push(() => started.close());
  return started;
}

interface User {
  readonly api: AxiosInstance;
  readonly session: TokenSession;
  /** The number of each attempt to refresh, whatever came of it. */
  readonly attempts: number[];
  /** Every token set that the server gave. */
  readonly held: TokenSet[];
}

/** Signs in over HTTP. `urls` are asked in turn: servers behind one name. */
async function signIn(subject: string, ...urls: readonly string[]): Promise<User> {
  let turn = 0;
  const next = (): string => urls[turn++ % urls.length] ?? '';
  const attempts: number[] = [];
  const held: TokenSet[] = [];
  const session = createTokenSession({
    refresh: async ({ tokens, http, attempt }) => {
      attempts.push(attempt);
      const { data } = await http.post<TokenSet>(`${next()}/auth/refresh-token`, {
        refreshToken: tokens?.refreshToken,
      });
      held.push(data);
      return data;
    },
  });
  ends.push(() => session.dispose());
  const api = axios.create({ timeout: 10_000 });
  api.interceptors.request.use((config) => ({ ...config, baseURL: next() }));
  session.attach(api, { origins: [...urls] });
  const { data } = await axios.post<TokenSet>(`${next()}/sign-in`, { subject });
  held.push(data);
  await session.setTokens(data);
  return { api, session, attempts, held };
}

/** As if the user came back after the access token has died. */
async function comeBackLater({ session, held }: User): Promise<void> {
  const refreshToken = held.at(-1)?.refreshToken;
  await session.setTokens({ accessToken: 'dead', refreshToken, expiresAt: Date.now() - 1_000 });
}

const pause = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 40));
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const eventsOf = async ({ store }: Kept): Promise<string[]> =>
  (await store.auditTrail({ limit: 1_000 })).map(({ event }) => event);
const count = (events: readonly string[], event: string): number => events.filter((each) => each === event).length;

interface Place {
  readonly place: string;
  /** The same database, to look into it. */
  readonly kept: Kept;
}

function wholeFlow(make: () => Promise<Place>): void {
  test('sign in, make requests over several lifetimes of the access token, sign out', async () => {
    const { place, kept } = await make();
    ends.push(() => kept.close());
    const { url } = await app({ place, accessTokenTtlMs: 2_000 });
    const { api, session, held } = await signIn('ada', url);
    while (held.length < 3) {
      const answers = await Promise.all(times(5, () => api.get<{ subject: string }>('/me')));
      for (const { data } of answers) expect(data).toEqual({ subject: 'ada', context: { plan: 'pro' } });
      await pause();
    }
    const seen = await eventsOf(kept);
    expect(count(seen, 'refreshed')).toBeGreaterThanOrEqual(2);
    expect(count(seen, 'reused') + count(seen, 'refused') + count(seen, 'grace')).toBe(0);

    const last = held.at(-1)?.refreshToken ?? '';
    await axios.post(`${url}/auth/sign-out`, { refreshToken: last });
    await expect(session.refresh()).rejects.toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    expect(count(await eventsOf(kept), 'signed-out')).toBe(1);
  });

  test('fifty requests after a long pause make one refresh', async () => {
    const { place, kept } = await make();
    ends.push(() => kept.close());
    const { url } = await app({ place });
    const user = await signIn('ada', url);
    await comeBackLater(user);
    const answers = await Promise.all(times(50, () => user.api.get<{ subject: string }>('/me')));
    expect(answers.every(({ data }) => data.subject === 'ada')).toBe(true);
    expect(await eventsOf(kept)).toStrictEqual(['refreshed', 'issued']);
  });

  test('a server killed between commit and answer: the client tries again, and stays signed in', async () => {
    const { place, kept } = await make();
    ends.push(() => kept.close());
    const first = await app({ place, graceMs });
    const user = await signIn('ada', first.url);
    await comeBackLater(user);
    const { dead } = await first.dieAfterCommit();
    const lost = user.api.get('/me').catch((error: unknown) => error);
    await dead;
    // The token was used up, and nobody has heard of its successor.
    expect(await eventsOf(kept)).toStrictEqual(['refreshed', 'issued']);
    const second = await app({ place, graceMs, port: first.port });
    expect(second.url).toBe(first.url);
    await lost;
    await user.session.refresh();
    const { data } = await user.api.get<{ subject: string }>('/me');
    expect(data.subject).toBe('ada');
    expect(user.session.status).toBe('active');
    const seen = await eventsOf(kept);
    expect(count(seen, 'grace')).toBeGreaterThanOrEqual(1);
    expect(count(seen, 'reused') + count(seen, 'refused')).toBe(0);
    // And the session goes on from there.
    await user.session.refresh();
    expect(user.session.status).toBe('active');
  });
}

describe('Express and SQLite', () => {
  wholeFlow(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-flow-'));
    ends.push(() => rmSync(folder, { recursive: true }));
    const place = join(folder, 'sessions.db');
    return { place, kept: await inSqlite(place)() };
  });
});

describeWithPostgres('Express and PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.close());
  const make = async (): Promise<Place> => {
    const place = await postgres.database();
    return { place, kept: await inPostgres(place) };
  };

  wholeFlow(make);

  test('two servers behind one name and one database: it does not matter who answers', async () => {
    const { place, kept } = await make();
    ends.push(() => kept.close());
    const [one, two] = await Promise.all([app({ place }), app({ place })]);
    const user = await signIn('ada', one.url, two.url);
    for (let time = 0; time < 10; time += 1) {
      await user.session.refresh();
      const answers = await Promise.all(times(4, () => user.api.get<{ subject: string }>('/me')));
      expect(answers.every(({ data }) => data.subject === 'ada')).toBe(true);
    }
    // The same token at both of them at once, as two tabs would send it.
    const token = user.held.at(-1)?.refreshToken ?? '';
    const answers = await Promise.all(
      [one, two].map(({ url }) => axios.post<TokenSet>(`${url}/auth/refresh-token`, { refreshToken: token })),
    );
    expect(new Set(answers.map(({ data }) => data.refreshToken)).size).toBe(1);
    const seen = await eventsOf(kept);
    expect(count(seen, 'refreshed')).toBe(11);
    expect(count(seen, 'reused') + count(seen, 'refused')).toBe(0);
  });
});

describeWithPostgres(
  'a database that is restarted under load',
  () => {
    let postgres: OwnPostgres;
    beforeAll(async () => {
      postgres = await startOwnPostgres();
    });
    afterAll(() => postgres.close());

    test('signs nobody out', async () => {
      const place = await postgres.database();
      const { url } = await app({ place, graceMs });
      const users = await Promise.all(times(8, (index) => signIn(`user-${index}`, url)));
      let isOver = false;
      let failures = 0;
      /** Until each of them has new tokens. */
      const refreshed = async (): Promise<void> => {
        const before = users.map(({ held }) => held.length);
        while (users.some(({ held }, index) => held.length === before[index])) await pause();
      };
      const load = users.map(async ({ session }) => {
        while (!isOver)
          await session.refresh().catch(() => {
            failures += 1;
          });
      });
      await refreshed();
      await postgres.restart();
      await refreshed();
      isOver = true;
      await Promise.all(load);
      // It was felt.
      expect(users.some(({ attempts }) => attempts.some((attempt) => attempt > 1)) || failures > 0).toBe(true);
      for (const { session } of users) {
        await session.refresh();
        expect(session.status).toBe('active');
      }
      const kept = await inPostgres(place);
      ends.push(() => kept.close());
      for (const [index] of users.entries()) {
        const trail = await kept.store.auditTrail({ subject: `user-${index}`, limit: 1_000 });
        const seen = trail.map(({ event }) => event);
        expect(count(seen, 'refreshed')).toBeGreaterThan(1);
        expect(count(seen, 'reused') + count(seen, 'refused')).toBe(0);
      }
    });
  },
  { own: true },
);
