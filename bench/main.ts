/**
 * Prints what the package costs, beside its neighbours. Only an error makes it fail, and a heap that is not flat.
 *
 *     npm run bench
 *     npm run bench -- --quick
 *     npm run bench -- --only noop
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { heap } from './heap.js';
import { http } from './http.js';
import { noop } from './noop.js';
import { refreshes } from './refreshes.js';
import { reporters } from './reporters.js';
import { stores } from './stores.js';
import { tabs } from './tabs.js';
import { waiting } from './waiting.js';

const sections = new Map<string, (quick: boolean) => Promise<string>>([
  ['noop', noop],
  ['http', http],
  ['waiting', waiting],
  ['refreshes', refreshes],
  ['heap', heap],
  ['stores', stores],
  ['reporters', reporters],
  ['tabs', tabs],
]);

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
if (values.only !== undefined && !sections.has(values.only)) {
  throw new TypeError(`--only takes one of: ${[...sections.keys()].join(', ')}`);
}

console.log(`# axios-token-refresh: cost\n\n${versions().join(', ')}, ${new Date().toISOString().slice(0, 10)}`);
for (const [name, run] of sections) {
  if (values.only === undefined || values.only === name) console.log(`\n## ${name}\n\n${await run(values.quick)}`);
}

function versions(): string[] {
  const packages = ['axios', 'axios-auth-refresh', 'axios-jwt'].map(
    (name) => `${name} ${versionIn(`../node_modules/${name}/package.json`)}`,
  );
  return [`Node ${process.versions.node}`, ...packages, `axios-token-refresh ${versionIn('../package.json')}`];
}

function versionIn(path: string): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return known ? String(manifest.version) : 'unknown';
}
