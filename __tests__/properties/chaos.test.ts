import { describe, expect, test } from '@jest/globals';
import { readArguments } from '../../scripts/chaos/arguments.js';
import { replayFault } from './chaos.js';

describe('npm run chaos', () => {
  test.each([
    [['--runs', '0'], '--runs'],
    [['--runs', '1e3'], '--runs'],
    [['--runs'], '--runs'],
    [['--seed', '99999999999'], '--seed'],
    [['--path', '1:2'], '--seed'],
    [['--seed', '1', '--path', 'one'], '--path'],
    [['--axios', '0.27'], '--axios'],
    [['--run', '5'], '--run'],
    [['5'], '5'],
  ])('%j is complained of by name', (given, named) => {
    expect(readArguments(given, 0)).toEqual({ complaint: expect.stringContaining(named) as unknown });
  });

  test('the time is the seed if none is given, and the seed and the path of a report are taken as they stand', () => {
    expect(readArguments([], 7)).toEqual({ runs: 10_000, seed: 7, path: undefined, axios: 'latest' });
    expect(readArguments(['--seed', '-7', '--path', '3:0:1'], 0)).toMatchObject({ seed: -7, path: '3:0:1' });
    expect(readArguments(['--help'], 0)).toBe('help');
  });

  test('a path that leads nowhere is not taken for a schedule that holds', async () => {
    await expect(replayFault(1, '3:99999')).rejects.toThrow(RangeError);
  });
});
