/**
 * Writes the table `processes` of docs/reliability.md: processes that share one session against a server with strict
 * rotation, with a burst at each expiry. `tsx scripts/reliability-processes.ts [rounds]`. Needs redis-server.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { startApi, type Api } from '../__tests__/support/api.js';
import type { Joining } from '../__tests__/support/holder-protocol.js';
import { all, startHolder, type HolderProcess } from '../__tests__/support/holders.js';
import { startAuthorizationServer, type AuthorizationServer } from '../__tests__/support/oidc.js';
import { startRedis } from '../__tests__/support/redis-server.js';
import { formatTable, withTable } from '../__tests__/support/tables.js';

const crowd = 8;
const requests = 10;
const rounds = Number(process.argv[2] ?? 20);
const document = new URL('../docs/reliability.md', import.meta.url);

const variants: [name: string, change: Partial<Joining>][] = [
  ['`redisStore`', {}],
  ['`redisStore` without its lease', { without: ['exclusive'] }],
  ['no shared store: each process has the tokens in its memory', { store: 'alone' }],
];
const header = ['store', 'sign-ins', 'requests', 'failed', 'refreshes', 'reuse seen', 'sessions lost'];

interface Servers {
  readonly auth: AuthorizationServer;
  readonly api: Api;
  readonly redisUrl: string;
}

/** Signs a new user in, and waits until every process has the tokens. */
async function signIn(
  { auth }: Servers,
  holders: readonly HolderProcess[],
  user: string,
  isAlone: boolean,
): Promise<void> {
  const { accessToken, refreshToken } = await auth.signIn(user);
  const order = { action: 'sign-in', tokens: { accessToken, refreshToken } } as const;
  if (isAlone) await all(holders, order);
  else await holders[0]?.order(order);
  for (;;) {
    const reports = await all(holders, { action: 'report' });
    const ends = reports.map(({ expiresAt }) => expiresAt);
    // The tokens of the round before have died.
    if (Math.min(...ends) > Date.now() + 300) return pause(Math.max(...ends) - Date.now() + 30);
    await pause(10);
  }
}

async function row(servers: Servers, [name, change]: (typeof variants)[number], index: number): Promise<string[]> {
  const { auth, api, redisUrl } = servers;
  const holders = await Promise.all(Array.from({ length: crowd }, () => startHolder()));
  const { tokenEndpoint, clientId } = auth;
  const common = {
    redisUrl,
    key: `session:${index}`,
    tokenEndpoint,
    clientId,
    apiUrl: api.url,
    aheadMs: 0,
    hesitateMs: 0,
  };
  const joining = { ...common, client: 'ioredis', without: [], store: 'redis', ...change } as const;
  await all(holders, { action: 'join', joining });
  const before = await auth.counts();
  let lost = 0;
  for (let round = 0; round < rounds; round += 1) {
    await signIn(servers, holders, `user-${index}-${round}`, joining.store === 'alone');
    const { reuses } = await auth.counts();
    await all(holders, { action: 'burst', requests });
    if ((await auth.counts()).reuses > reuses) lost += 1;
  }
  const counts = await auth.counts();
  const reports = await all(holders, { action: 'report' });
  const failed = reports.flatMap((report) => Object.values(report.failed)).reduce((sum, count) => sum + count, 0);
  await Promise.all(holders.map((holder) => holder.leave()));
  const figures = [
    rounds,
    rounds * crowd * requests,
    failed,
    counts.refreshes - before.refreshes,
    counts.reuses - before.reuses,
    lost,
  ];
  return [name, ...figures.map(String)];
}

const [redis, auth] = await Promise.all([startRedis(), startAuthorizationServer({ accessTokenTtl: 2, delayMs: 40 })]);
const api = await startApi({ verify: (token) => auth.verify(token) });
const rows: string[][] = [];
for (const [index, variant] of variants.entries()) {
  rows.push(await row({ auth, api, redisUrl: redis.url }, variant, index));
  console.log(rows.at(-1)?.join(' | '));
}
await Promise.all([redis.stop(), auth.close(), api.close()]);
const made = `${formatTable(header, rows)}\n\nNode ${process.versions.node}, ${crowd} processes, ${requests} requests each per burst, ${new Date().toISOString().slice(0, 10)}.`;
writeFileSync(document, withTable(readFileSync(document, 'utf8'), 'processes', made));
