/** Blocks of tests that need a real Redis. */
import { spawnSync } from 'node:child_process';
import { describe, test } from '@jest/globals';

const isInstalled = spawnSync('redis-server', ['--version']).status === 0;
const { CI, REDIS_URL } = process.env;

/** A block of tests that need a Redis. Without one they are skipped with a loud line; in CI that is a failure. */
export function describeWithRedis(name: string, block: () => void, { canBeShared = false } = {}): void {
  if (isInstalled || (REDIS_URL && canBeShared)) {
    describe(name, block);
  } else if (CI) {
    test(`${name}: Redis is there`, () => {
      throw new Error('redis-server is not installed.');
    });
  } else {
    const hint = canBeShared ? 'install redis-server, or set REDIS_URL' : 'install redis-server';
    process.stderr.write(`\n*** NOT TESTED, for want of a Redis: "${name}". To test it, ${hint}. ***\n\n`);
    describe.skip(name, block);
  }
}
