/** `npm run chaos -- --runs N --seed S`: long runs of the property test, and the replay of its failures. */
import { register } from 'node:module';
import { readArguments, usage, type ChaosArguments } from './chaos/arguments.js';
import { Progress } from './chaos/progress.js';

async function run({ runs, seed, path, axios }: ChaosArguments): Promise<void> {
  // What is loaded from here on gets the Axios that was asked for.
  if (axios === 'lowest') register('./chaos/lowest-axios.js', import.meta.url);
  const { findFault, replayFault } = await import('../__tests__/properties/chaos.js');
  let fault: string | undefined;
  let summary = 'the schedule of that seed and path';
  if (path === undefined) {
    process.stderr.write(`seed ${String(seed)}\n`);
    const progress = new Progress(process.stderr, runs);
    fault = await findFault({ runs, seed, onRun: () => progress.step() });
    summary = `${progress.end()}, seed ${String(seed)}`;
  } else {
    fault = await replayFault(seed, path);
  }
  if (fault === undefined) {
    process.stdout.write(`Everything held: ${summary}.\n`);
    return;
  }
  process.stdout.write(`${fault}${axios === 'lowest' ? ' --axios lowest' : ''}\n`);
  process.exitCode = 1;
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = 2;
}

const given = readArguments(process.argv.slice(2), Date.now());
if (given === 'help') process.stdout.write(usage);
else if ('complaint' in given) complain(`${given.complaint}\n\n${usage}`);
else {
  await run(given).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error;
    complain(error.message);
  });
}
