/** `npm run chaos -- --runs N --seed S`: long runs of the property test, and the replay of its failures. */
import { register } from 'node:module';
import { readArguments, usage } from './chaos/arguments.js';
import { Progress } from './chaos/progress.js';

const given = readArguments(process.argv.slice(2), Date.now());
if (given === 'help') {
  process.stdout.write(usage);
} else if ('complaint' in given) {
  process.stderr.write(`${given.complaint}\n\n${usage}`);
  process.exitCode = 2;
} else {
  const { runs, seed, path, axios } = given;
  // Only now: what is loaded from here on gets the Axios that was asked for.
  if (axios === 'lowest') register('./chaos/lowest-axios.js', import.meta.url);
  const { findFault } = await import('../__tests__/properties/chaos.js');
  const progress = new Progress(process.stderr, path === undefined ? runs : 1);
  process.stderr.write(`seed ${String(seed)}\n`);
  const fault = await findFault({ runs, seed, path, onRun: () => progress.step() });
  const summary = progress.end();
  if (fault === undefined) {
    process.stdout.write(`Everything held: ${summary}, seed ${String(seed)}.\n`);
  } else {
    process.stdout.write(`${fault}${axios === 'lowest' ? ' --axios lowest' : ''}\n`);
    process.exitCode = 1;
  }
}
