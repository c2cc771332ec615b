import { describe, expect, test } from '@jest/globals';
import { findFault } from './chaos.js';

describe('G3, G4, G7-G11, G15, G16, G20 over random schedules', () => {
  // Jest itself fails a test that leaves a rejection unhandled.
  test('requests, 401s, aborts, wrong clocks, sleeps, sign-ins, sign-outs and failing refreshes: nobody is lost', async () => {
    expect(await findFault({ runs: 1_000, limitMs: 50_000 })).toBeUndefined();
  }, 60_000);
});
