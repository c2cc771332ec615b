/** Drives an Axios instance against a real authorization server and a protected API, and tells what happens. */
import { parseArgs } from 'node:util';
import { startApi } from '../../__tests__/support/api.js';
import { startAuthorizationServer } from '../../__tests__/support/oidc.js';
import { paint } from './paint.js';
import { runScene, scenes } from './scenes.js';
import { runGrant } from './snowflake/main.js';
import { printTable } from './table.js';
import type { Tally } from './tally.js';
import { createTimeline } from './timeline.js';

const { values: flags } = parseArgs({
  options: { short: { type: 'boolean', default: false }, grant: { type: 'string' } },
});
const accessTokenTtl = 4;
const steadyMs = flags.short ? 5_500 : 18_000;

async function main(): Promise<number> {
  // Slow enough for a refresh to be seen, and for requests to come in meanwhile.
  const auth = await startAuthorizationServer({ accessTokenTtl, delayMs: 150 });
  const api = await startApi({ verify: (accessToken) => auth.verify(accessToken), delayMs: 5 });
  try {
    const timeline = createTimeline();
    console.log(`Access tokens live ${accessTokenTtl} s; refresh tokens rotate, and using one twice ends the session.`);
    const tallies: Tally[] = [];
    for (const scene of scenes) tallies.push(await runScene(scene, { auth, api, timeline, steadyMs }));
    printTable(tallies);

    const unmet = tallies.flatMap((tally) => tally.unmet.map((what) => `${tally.scene}: ${what}`));
    const { refused, reuses } = await auth.counts();
    if (refused > 0) unmet.push(`the authorization server refused ${refused} refreshes (${reuses} reuses)`);
    return report(unmet);
  } finally {
    await api.close();
    await auth.close();
  }
}

function report(unmet: readonly string[]): number {
  console.log('');
  for (const what of unmet) console.log(paint('red', `✗ not met: ${what}`));
  if (unmet.length === 0) console.log(paint('green', '✓ The application saw no failure, and the server no reuse.'));
  return unmet.length === 0 ? 0 : 1;
}

process.exitCode = flags.grant === undefined ? await main() : await runGrant(flags.grant);
