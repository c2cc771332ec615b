/** Prints "passed failed" of a Jest report: `tsx count-tests.ts report.json <exit status of Jest>`. */
import { existsSync, readFileSync } from 'node:fs';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  /** Test files that could not be run at all: none of their tests is counted as failed. */
  readonly numRuntimeErrorTestSuites: number;
}

const [path = '', status] = process.argv.slice(2);
const none: Report = { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0 };
const report = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Report) : none;
const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
// No report, or a failure that belongs to no test: a build that broke, a coverage threshold, an obsolete snapshot.
const unnamed = failed === 0 && (status !== '0' || report.numPassedTests === 0) ? 1 : 0;
process.stdout.write(`${report.numPassedTests} ${failed + unnamed}\n`);
