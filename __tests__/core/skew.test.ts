/** How far the server's clock is ahead of ours. */
import { describe, expect, test } from '@jest/globals';
import { skewNoiseMs, skewOf } from '../../src/core/skew.js';

const server = Date.UTC(2026, 0, 1);

describe('skewOf (G21): the server second against the middle of the exchange', () => {
  test.each<readonly [what: string, sentAt: number, receivedAt: number, expected: number]>([
    ['the clocks agree', server + 400, server + 600, 0],
    ['the clocks agree, and no time passed', server, server, 0],
    ['asked in the last millisecond of the second', server + 999, server + 30_000, 0],
    ['asked after the second: no slow exchange explains that', server + 1_000, server + 31_000, -15_500],
    ['dated after the answer came', server - 30_000, server - 1, 15_501],
    ['our clock is an hour slow', server - 3_600_000 + 400, server - 3_600_000 + 600, 3_600_000],
    ['our clock is an hour fast', server + 3_600_000 + 400, server + 3_600_000 + 600, -3_600_000],
    ['a slow exchange: the answer was dated at its beginning', server + 100, server + 12_000, 0],
    ['a slow exchange: the answer was dated at its end', server - 12_000, server + 100, 0],
    ['a slow exchange does not explain an hour', server + 3_594_500, server + 3_606_500, -3_600_000],
    ['no server has sent a date', NaN, NaN, NaN],
  ])('%s', (_what, sentAt, receivedAt, expected) => {
    expect(skewOf(server, sentAt, receivedAt)).toBe(expected);
  });

  test('the rounding of a Date header is below the noise', () => {
    for (const offset of [0, 250, 500, 999]) {
      expect(Math.abs(skewOf(server, server + offset, server + offset))).toBeLessThan(skewNoiseMs);
    }
  });

  test('a whole number comes out', () => {
    expect(Number.isInteger(skewOf(server, server + 1, server + 2))).toBe(true);
  });
});
