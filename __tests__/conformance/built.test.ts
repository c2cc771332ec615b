/** The cases on the built package in a plain Node process, by `import` and by `require`. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { readCases } from './cases.js';

interface Report {
  readonly entry: string;
  readonly ran: number;
  readonly problems: readonly string[];
}

const written = [...readCases(__dirname).values()].flat().length;

describe.each([
  ['import', 'index.js'],
  ['require', 'index.cjs'],
])('the package by %s', (how, file) => {
  test('goes by all the cases', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--unhandled-rejections=strict', '--import', 'tsx', join(__dirname, 'built.mjs'), how],
      { timeout: 50_000, killSignal: 'SIGKILL', maxBuffer: 2 ** 24 },
    );
    const { entry, ran, problems } = JSON.parse(stdout) as Report;
    expect(entry).toMatch(new RegExp(`[\\\\/]dist[\\\\/]${file.replace('.', '\\.')}$`));
    expect(problems).toStrictEqual([]);
    expect(ran).toBe(written);
    expect(ran).toBeGreaterThanOrEqual(60);
  });
});
