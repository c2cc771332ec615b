/**
 * Prints what a refresh costs on the server. It judges nothing: only an error makes it fail.
 *
 *     npm run bench:server
 *     npm run bench:server -- --quick
 *     npm run bench:server -- --only growth
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPostgres } from './postgres.js';
import { growth } from './growth.js';
import { throughput, type Places } from './throughput.js';

const sections = new Map<string, (places: Places, quick: boolean) => Promise<string>>([
  ['throughput', throughput],
  ['growth', growth],
]);

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
if (values.only !== undefined && !sections.has(values.only))
  throw new TypeError(`--only takes one of: ${[...sections.keys()].join(', ')}`);

const packages = ['oidc-provider', 'kysely', 'libsql', 'pg'].map((name) => `${name} ${versionOf(name)}`);
console.log(`# axios-token-refresh/server: cost\n\nNode ${process.versions.node}, ${packages.join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-bench-'));
const postgres = await findPostgres();
if (!postgres) console.log('\nLEFT OUT, no PostgreSQL on this machine: its rows.');
try {
  for (const [name, run] of sections) {
    if (values.only !== undefined && values.only !== name) continue;
    const places = { folder, postgres: postgres && (() => postgres.database()) };
    console.log(`\n## ${name}\n\n${await run(places, values.quick)}`);
  }
} finally {
  await postgres?.close();
  rmSync(folder, { recursive: true });
}

function versionOf(name: string): string {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
