/** One refresh for all tabs: bursts at expiry, and tabs that go away in the middle (G7, G26). */
import { expect, test } from '@jest/globals';
import { describeInChromium } from './stage.js';
import { burst } from './tabs.js';

describeInChromium('G7, G26 tabs that share a session', ({ play, authorization }) => {
  test.each([2, 6])('%p tabs whose token has died: one refresh, every request answered', async (count) => {
    const counts = await play(async (profile) => {
      const tabs = await profile.tabs(count);
      for (let round = 1; round <= 3; round += 1) {
        await profile.signIn(tabs);
        const answers = await burst(tabs, 5);
        expect(answers).toEqual(answers.map(() => ({ status: 200, subject: 'alice' })));
      }
    });
    expect(counts).toEqual({ refreshes: 3, refused: 0, reuses: 0 });
    void authorization;
  });
});
