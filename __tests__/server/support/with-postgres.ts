/** Tests that need a real PostgreSQL. */
import { describe, test } from '@jest/globals';
import { hasPostgres } from './postgres.js';

/** Tests that need PostgreSQL: without one they are left out aloud, and fail where `CI` is set. */
export function describeWithPostgres(name: string, tests: () => void, { own = false } = {}): void {
  if (hasPostgres({ own })) {
    describe(name, tests);
  } else if (process.env['CI']) {
    test(name, () => {
      throw new Error('There is no PostgreSQL on this machine: install it, or set DATABASE_URL.');
    });
  } else {
    process.stderr.write(`\nLEFT OUT, no PostgreSQL on this machine: ${name}\n`);
    describe.skip(name, tests);
  }
}
