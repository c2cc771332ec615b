/** Processes that end, and processes that share a directory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { times } from '../properties/world.js';
import { freshDirectory, outcomesIn, recordsIn } from './folder.js';

const three = ['success', 'started', 'success', 'success'];

function start(directory: string, mode: string): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'child.ts'), directory, mode], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

async function run(directory: string, mode: string, signal?: NodeJS.Signals): Promise<unknown> {
  const child = start(directory, mode);
  const closed = once(child, 'close');
  if (signal && child.stdout) {
    await once(child.stdout, 'data');
    child.kill(signal);
  }
  const [code, killedBy] = (await closed) as unknown[];
  return killedBy ?? code;
}

describe('nothing is lost at the end of a process', () => {
  test.each([
    ['that runs out of work', 'end', 0],
    ['that calls process.exit', 'exit', 3],
    ['that dies of an exception', 'throw', 1],
  ])('%s', async (_what, mode, code) => {
    const directory = freshDirectory();
    expect(await run(directory, mode)).toBe(code);
    expect(await outcomesIn(directory)).toEqual(three);
  });

  test('that ends itself at SIGTERM, with a refresh on the way', async () => {
    const directory = freshDirectory();
    expect(await run(directory, 'handled', 'SIGTERM')).toBe(0);
    expect(await outcomesIn(directory)).toStrictEqual([...three, 'success']);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('that %s kills, but for the turn in which it comes', async (signal) => {
    const directory = freshDirectory();
    expect(await run(directory, 'unhandled', signal)).toBe(signal);
    expect(await outcomesIn(directory)).toEqual(three);
  });
});

test('four processes write into one directory, each line whole', async () => {
  const directory = freshDirectory();
  const torn: unknown[] = [];
  const codes = await Promise.all(times(4, () => run(directory, 'many')));
  expect(codes).toStrictEqual([0, 0, 0, 0]);
  const records = await recordsIn(directory, { onUnreadable: (place) => torn.push(place) });
  expect(torn).toStrictEqual([]);
  expect(new Set(records.map(({ id }) => id)).size).toBe(4 * 201);
});
