/** Groups of tests that need a Chromium. */
import { describe } from '@jest/globals';
import { chromiumPath } from './chromium.js';

/** A group of tests in Chromium. Where there is none they are left out, loudly; under `CI` they fail. */
export function describeWithChromium(name: string, tests: () => void): void {
  const isLeftOut = chromiumPath === undefined && !process.env['CI'];
  if (isLeftOut) {
    process.stderr.write(`SKIPPED: "${name}": no Chromium found. Install it or set CHROMIUM to its path.\n`);
  }
  (isLeftOut ? describe.skip : describe)(name, tests);
}
