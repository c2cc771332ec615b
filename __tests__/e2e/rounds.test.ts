/** A short run of what `npm run reliability:tabs` measures. */
import { expect, test } from '@jest/globals';
import { playRounds } from './rounds.js';
import { describeInChromium } from './stage.js';

describeInChromium('G26 two tabs whose token dies at the same moment', (stage) => {
  test.each(['indexeddb', 'local'] as const)(
    'persist %p: 25 rounds, one refresh each, no session lost',
    async (store) => {
      const { lost, failed, reuses, refreshes } = await playRounds(stage, store, 25);
      expect({ lost, failed, reuses, refreshes }).toEqual({ lost: 0, failed: 0, reuses: 0, refreshes: 25 });
    },
  );

  test('without the lock the same rounds lose sessions: they are able to tell', async () => {
    let lost = 0;
    // On a busy machine the tabs may miss each other.
    for (let tries = 0; lost === 0 && tries < 10; tries += 1)
      ({ lost } = await playRounds(stage, 'without a lock', 10));
    expect(lost).toBeGreaterThan(0);
  });
});
