/** Drives an Axios instance against a protected API and two authorization servers in turn, and tells what happens. */
import { parseArgs } from 'node:util';
import { startApi } from '../../__tests__/support/api.js';
import { startOurs, startProvider, type Authority, type AuthorityOptions } from './authority.js';
import { paint } from './paint.js';
import { runScene, scenes } from './scenes.js';
import { printTable } from './table.js';
import type { Tally } from './tally.js';
import { createTimeline } from './timeline.js';

const { values: flags } = parseArgs({ options: { short: { type: 'boolean', default: false } } });
const accessTokenTtl = 4;
const steadyMs = flags.short ? 5_500 : 18_000;

async function play(start: (options: AuthorityOptions) => Promise<Authority>): Promise<string[]> {
  // Slow enough for a refresh to be seen, and for requests to come in meanwhile.
  const auth = await start({ accessTokenTtl, delayMs: 150 });
  const api = await startApi({ verify: (accessToken) => auth.verify(accessToken), delayMs: 5 });
  try {
    const timeline = createTimeline();
    console.log(paint('bold', `\nTokens by ${auth.name}`));
    console.log(`Access tokens live ${accessTokenTtl} s; refresh tokens rotate, and using one twice ends the session.`);
    const tallies: Tally[] = [];
    for (const scene of scenes) tallies.push(await runScene(scene, { auth, api, timeline, steadyMs }));
    printTable(tallies);

    const unmet = tallies.flatMap((tally) => tally.unmet.map((what) => `${auth.name}, ${tally.scene}: ${what}`));
    const { refused, reuses } = await auth.counts();
    if (refused > 0) unmet.push(`${auth.name} refused ${refused} refreshes (${reuses} reuses)`);
    return unmet;
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

process.exitCode = report([...(await play(startProvider)), ...(await play(startOurs))]);
