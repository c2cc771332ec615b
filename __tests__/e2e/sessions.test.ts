/** Sign-in and sign-out count for all tabs, whatever else is going on (G11, G26). */
import { expect, test } from '@jest/globals';
import { describeInChromium } from './stage.js';
import { burst, type Tab } from './tabs.js';

const statuses = (tabs: readonly Tab[]): Promise<string[]> => Promise.all(tabs.map((tab) => tab.call('status')));

describeInChromium('G11, G26 signing in and out', (stage) => {
  test('a sign-out in one tab signs out all, and what is stored holds no token', async () => {
    await stage.play(async (profile) => {
      const tabs = await profile.tabs(3);
      const [first, ...others] = tabs;
      if (!first) throw new Error('There is no tab.');
      await profile.signIn(tabs);
      await burst(tabs, 1);
      const token = await first.call('token');
      expect(await first.call('stored')).toContain(token);
      await first.call('signOut');
      await Promise.all(others.map((tab) => tab.until('status', 'signed-out')));
      const stored = await first.call('stored');
      expect(stored).toContain('"tokens":null');
      expect(stored).not.toContain(token);
      expect(await statuses([await profile.tab()])).toStrictEqual(['signed-out']);
    });
  });

  test('a sign-out wins over a refresh of another tab, also in the store', async () => {
    const counts = await stage.play(async (profile) => {
      const [refreshing, leaving] = [await profile.tab(), await profile.tab()];
      const tabs = [refreshing, leaving];
      await profile.signIn(tabs);
      const { held } = await profile.holdRefresh(refreshing);
      const answers = burst([refreshing], 2);
      const request = await held;
      await leaving.call('signOut');
      expect((await answers).map(({ code }) => code)).toStrictEqual(['AUTH_SESSION_CLEARED', 'AUTH_SESSION_CLEARED']);
      await request.release().catch(() => undefined);
      expect(await statuses(tabs)).toStrictEqual(['signed-out', 'signed-out']);
      expect(await leaving.call('stored')).toContain('"tokens":null');
    });
    expect(counts.reuses).toBe(0);
  });

  test('a sign-out at the moment of a burst ends with everybody signed out, 10 times', async () => {
    const counts = await stage.play(async (profile) => {
      const [busy, leaving] = [await profile.tab(), await profile.tab()];
      for (let round = 0; round < 10; round += 1) {
        await profile.signIn([busy, leaving]);
        const answers = burst([busy], 2);
        await new Promise((resolve) => setTimeout(resolve, 45 + round * 4));
        await leaving.call('signOut');
        await answers;
        await busy.until('status', 'signed-out');
        expect(await leaving.call('status')).toBe('signed-out');
        expect(await leaving.call('stored')).toContain('"tokens":null');
      }
    });
    expect(counts.reuses).toBe(0);
  });

  test('a sign-in as another user moves all tabs at once, and nothing of the first user’s queue is sent', async () => {
    await stage.play(async (profile) => {
      const [waiting, signingIn] = [await profile.tab(), await profile.tab()];
      await profile.signIn([waiting, signingIn]);
      const { held } = await profile.holdRefresh(waiting);
      const queue = burst([waiting], 3);
      await held;
      const before = stage.site.seen.length;
      await signingIn.call('signIn', await stage.authorization.signIn('bob'));
      expect((await queue).map(({ code }) => code)).toEqual(Array(3).fill('AUTH_SESSION_CLEARED'));
      expect(stage.site.seen.slice(before)).toStrictEqual([]);
      const answers = await burst([waiting, signingIn], 2);
      expect(answers.map(({ subject }) => subject)).toEqual(Array(4).fill('bob'));
    });
  });

  test.each([
    ['signed out', 'signed-out'],
    ['signed in as somebody else', 'active'],
  ])('a page that comes back from the back/forward cache has %s with the others', async (_what, status) => {
    await stage.play(async (profile) => {
      const [away, other] = [await profile.tab(), await profile.tab()];
      await profile.signIn([away, other]);
      await burst([away, other], 1);
      await away.page.evaluate(() => {
        addEventListener('pageshow', ({ persisted }) => {
          document.title = `persisted ${String(persisted)}`;
        });
      });
      await away.page.goto(`${stage.site.url}/elsewhere`);
      if (status === 'active') await other.call('signIn', await stage.authorization.signIn('bob'));
      else await other.call('signOut');
      await away.page.goBack({ waitUntil: 'commit' });
      await away.page.waitForFunction(() => document.title === 'persisted true');
      if (status === 'active') {
        await away.until('generation', 3);
        expect((await burst([away], 1)).map(({ subject }) => subject)).toStrictEqual(['bob']);
      } else await away.until('status', 'signed-out');
      // It hears of what comes next, too.
      await other.call('signIn', await stage.authorization.signIn('carol'));
      await away.until('status', 'active');
      await other.call('signOut');
      await away.until('status', 'signed-out');
    });
  });
});
