/**
 * Plays many rounds of two tabs with each store and writes the table of docs/reliability.md.
 *
 *     npm run reliability:tabs
 *     npm run reliability:tabs -- --rounds 50 --dry
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startAuthorizationServer } from '../support/oidc.js';
import { formatTable, withTable } from '../support/tables.js';
import { launch } from './chromium.js';
import type { StoreName } from './page/stores.js';
import { playRounds, type Tally } from './rounds.js';
import { startSite } from './site.js';

const compared: readonly (readonly [store: StoreName, title: string])[] = [
  ['indexeddb', '`browserStore()`'],
  ['local', "`browserStore({ persist: 'local' })`"],
  ['without a lock', '`browserStore()` without its lock'],
  ['naive', 'a lock around plain localStorage'],
];
const path = new URL('../../docs/reliability.md', import.meta.url);

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '500' }, dry: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new TypeError('--rounds takes a whole number of at least 1');

const [browser, authorization] = await Promise.all([launch(), startAuthorizationServer({ accessTokenTtl: 3_600 })]);
const site = await startSite(authorization);
const tallies = new Map<StoreName, Tally>();
try {
  for (const [store] of compared) {
    tallies.set(store, await playRounds({ browser, site, authorization }, store, rounds));
    console.log(JSON.stringify(tallies.get(store)));
  }
} finally {
  await Promise.all([browser.close(), authorization.close(), site.close()]);
}

const header = ['store', 'rounds', 'sessions lost', 'requests', 'failed', 'refreshes', 'reuse seen'];
const lines = compared.map(([store, title]) => {
  const tally = tallies.get(store);
  const { lost, requests, failed, refreshes, reuses } = tally ?? {};
  return [title, ...[tally?.rounds, lost, requests, failed, refreshes, reuses].map(String)];
});
const caption = `Chromium ${browser.version()}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.`;
const content = `${formatTable(header, lines)}\n\n${caption}`;
console.log(content);
if (!values.dry) writeFileSync(path, withTable(readFileSync(path, 'utf8'), 'tabs', content));
