// Plays every case on the built package, loaded as its users load it: `node --import tsx built.mjs import|require`.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { readCases } from './cases.ts';
import { play } from './play.ts';

const require = createRequire(import.meta.url);
const name = 'axios-token-refresh';
const required = process.argv[2] === 'require';
const library = required ? require(name) : await import(name);

const report = {
  entry: required ? require.resolve(name) : fileURLToPath(import.meta.resolve(name)),
  ran: 0,
  problems: [],
};
for (const [file, cases] of readCases(fileURLToPath(new URL('.', import.meta.url)))) {
  for (const conformanceCase of cases) {
    report.ran += 1;
    for (const problem of await play(library, conformanceCase)) {
      report.problems.push(`${file}: ${conformanceCase.name}: ${problem}`);
    }
  }
}
process.stdout.write(JSON.stringify(report));
