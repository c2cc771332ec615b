import { describe, test } from '@jest/globals';
import { findFault } from './chaos.js';

describe('G3, G4, G7-G13, G15-G17, G20 over random schedules', () => {
  // Jest itself fails a test that leaves a rejection unhandled.
  test('requests, 401s, aborts, wrong clocks, sleeps, sign-ins, sign-outs and failing refreshes: nobody is lost', async () => {
    const fault = await findFault({ runs: 1_200, limitMs: 50_000 });
    if (fault !== undefined) throw new Error(fault);
  }, 60_000);
});
