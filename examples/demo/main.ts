/** Drives an Axios instance against a protected API and two authorization servers in turn, and tells what happens. */
import { startApi } from '../../__tests__/support/api.js';
import { readArguments, usage, type Arguments } from './arguments.js';
import { paint } from './paint.js';
import { startChaos, startOurs, startProvider, type Programme, type ProgrammeOptions } from './programme.js';
import { runScene } from './scenes.js';
import { runExchange } from './snowflake/main.js';
import { printTable } from './table.js';
import type { Tally } from './tally.js';
import { createTimeline } from './timeline.js';

const accessTokenTtl = 4;

async function main(given: readonly string[]): Promise<number> {
  let flags: Arguments;
  try {
    flags = readArguments(given);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (flags.help) {
    console.log(usage);
    return 0;
  }
  if (flags.grant) return runExchange();
  let code = 0;
  for (const start of flags.chaos ? [startChaos] : [startProvider, startOurs]) {
    // Slow enough for a refresh to be seen, and for requests to come in meanwhile.
    code ||= await run(start, { accessTokenTtl, delayMs: 150, ...flags });
  }
  return code;
}

async function run(
  start: (options: ProgrammeOptions) => Promise<Programme>,
  options: ProgrammeOptions,
): Promise<number> {
  const { auth, ...programme } = await start(options);
  const api = await startApi({ verify: (accessToken) => auth.verify(accessToken), delayMs: 5 });
  try {
    const timeline = createTimeline();
    console.log(paint('bold', `\nTokens by ${auth.name}`));
    console.log(`Access tokens live ${accessTokenTtl} s; refresh tokens rotate, and using one twice ends the session.`);
    for (const line of programme.introduction) console.log(line);
    const tallies: Tally[] = [];
    for (const scene of programme.scenes) {
      tallies.push(await runScene(scene, { auth, api, timeline, steadyMs: programme.steadyMs }));
    }
    printTable(tallies, programme.rows);
    if (programme.footnote) console.log(paint('dim', programme.footnote));

    const unmet = tallies.flatMap((tally) => tally.unmet.map((what) => `${tally.scene}: ${what}`));
    const { refused, reuses } = await auth.counts();
    if (refused > 0) unmet.push(`${auth.name} refused ${refused} refreshes (${reuses} reuses)`);
    return report(unmet, programme.success(tallies));
  } finally {
    await api.close();
    await auth.close();
  }
}

function report(unmet: readonly string[], success: string): number {
  console.log('');
  for (const what of unmet) console.log(paint('red', `✗ not met: ${what}`));
  if (unmet.length === 0) console.log(paint('green', `✓ ${success}`));
  return unmet.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
