/** The cases on a session of the source, with a clock of our own. */
import { describe, expect, test } from '@jest/globals';
import * as source from '../../src/index.js';
import { readCases } from './cases.js';
import { play } from './play.js';

const files = readCases(__dirname);

test('there are at least 60 cases, each under a name of its own', () => {
  const names = [...files.values()].flat().map(({ name }) => name);
  expect(names.length).toBeGreaterThanOrEqual(60);
  expect(new Set(names).size).toBe(names.length);
});

describe.each([...files])('%s', (_file, cases) => {
  test.each(
    cases.map(
      (conformanceCase) => [conformanceCase.guarantees.join(' '), conformanceCase.name, conformanceCase] as const,
    ),
  )('%s: %s', async (_guarantees, _name, conformanceCase) => {
    expect(await play(source, conformanceCase)).toStrictEqual([]);
  });
});
