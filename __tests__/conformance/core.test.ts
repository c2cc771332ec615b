/** The cases that ask for freshness alone, on the pure core: no session, no timers. */
import { expect, test } from '@jest/globals';
import { freshnessOf, hold, type Held } from '../../src/core/freshness.js';
import type { Instant } from '../../src/core/lifetime.js';
import { isFreshnessCase, Mint, readCases, type Case, type Freshness } from './cases.js';

const windows = {
  refreshWindow: { maxMs: 120_000, ttlFraction: 0.2 },
  refreshAhead: { maxMs: 300_000, ttlFraction: 0.4 },
  formatHeader: (token: string) => `Bearer ${token}`,
};

/** The freshness that is asked for at each step, and the core's answers. */
function answers({ options, state, steps }: Case): { expected: Freshness[]; actual: Freshness[] } {
  let now: Instant = { wall: Date.UTC(2026, 0, 1), monotonic: 0 };
  const mint = new Mint(() => now.wall);
  const arrive = (spec: NonNullable<Case['state']>, anchor: Instant, fresh: boolean, previous?: Held): Held =>
    hold(mint.issue(spec), { ...windows, ...options }, { anchor, now, fresh, previous, skewMs: undefined });
  let held = arrive(state ?? {}, now, false);
  const expected: Freshness[] = [];
  const actual: Freshness[] = [];
  for (const { advanceMs = 0, jumpWallMs = 0, renew, setTokens, expect: { freshness } = {} } of steps) {
    const asked = now;
    const tookMs = renew?.tookMs ?? 0;
    now = { wall: now.wall + advanceMs + tookMs + jumpWallMs, monotonic: now.monotonic + advanceMs + tookMs };
    if (renew) held = arrive(renew, asked, true, held);
    if (setTokens) held = arrive(setTokens, now, false, held);
    if (freshness === undefined) continue;
    expected.push(freshness);
    actual.push(freshnessOf(held, now));
  }
  return { expected, actual };
}

const cases = [...readCases(__dirname).values()].flat().filter(isFreshnessCase);

test('there are at least 25 cases for the core, and each asks something', () => {
  expect(cases.length).toBeGreaterThanOrEqual(25);
  expect(cases.filter((freshnessCase) => answers(freshnessCase).expected.length === 0)).toStrictEqual([]);
});

test.each(cases.map((freshnessCase) => [freshnessCase.name, freshnessCase] as const))('%s', (_name, freshnessCase) => {
  const { expected, actual } = answers(freshnessCase);
  expect(actual).toEqual(expected);
});
