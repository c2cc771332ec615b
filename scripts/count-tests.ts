/** Prints "passed failed" of a Jest report: `node count-tests.js report.json <exit status of Jest>`. */
import { existsSync, readFileSync } from 'node:fs';

const [report, status] = process.argv.slice(2);
const {
  numPassedTests = 0,
  numFailedTests = 0,
  numRuntimeErrorTestSuites = 0,
} = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
const failed = numFailedTests + numRuntimeErrorTestSuites;
// No report, or a failure that belongs to no test: a build that broke, a coverage threshold, an obsolete snapshot.
const unnamed = failed === 0 && (status !== '0' || numPassedTests === 0) ? 1 : 0;
console.log(numPassedTests, failed + unnamed);
