/** One refresh for all tabs: bursts at expiry, and tabs that go away in the middle of it (G7, G26). */
import { expect, test } from '@jest/globals';
import { describeInChromium } from './stage.js';
import { burst, type Tab } from './tabs.js';

const oneRefresh = { refreshes: 1, refused: 0, reuses: 0 };
const answered = { status: 200, subject: 'alice', code: undefined };

async function expectAnswers(tabs: readonly Tab[], count = 3): Promise<void> {
  const answers = await burst(tabs, count);
  expect(answers).toEqual(answers.map(() => answered));
}

describeInChromium('G7, G26 tabs that share a session', (stage) => {
  test.each([2, 6])('%p tabs whose token has died: one refresh each time, every request answered', async (count) => {
    const counts = await stage.play(async (profile) => {
      const tabs = await profile.tabs(count);
      for (let round = 0; round < 3; round += 1) {
        await profile.signIn(tabs);
        await expectAnswers(tabs, 5);
      }
    });
    expect(counts).toEqual({ refreshes: 3, refused: 0, reuses: 0 });
  });

  test('a tab that is opened later finds the session, and needs no refresh', async () => {
    const counts = await stage.play(async (profile) => {
      const first = await profile.tab();
      await profile.signIn([first]);
      await expectAnswers([first]);
      await first.page.close();
      await expectAnswers([await profile.tab()]);
    });
    expect(counts).toEqual(oneRefresh);
  });

  test('a tab that is closed while it refreshes leaves its turn to the next', async () => {
    const counts = await stage.play(async (profile) => {
      const [closing, staying] = [await profile.tab(), await profile.tab()];
      await profile.signIn([closing, staying]);
      const stalled = closing.call('stall');
      void burst([closing], 1).catch(() => undefined);
      await stalled;
      const answers = burst([staying], 3);
      await closing.page.close();
      expect(await answers).toStrictEqual([answered, answered, answered]);
      expect(await staying.told('store.failed')).toStrictEqual([]);
    });
    expect(counts).toEqual(oneRefresh);
  });

  test('a tab that crashes while it refreshes leaves its turn to the next', async () => {
    const counts = await stage.play(async (profile) => {
      const [crashing, staying] = [await profile.tab(), await profile.tab()];
      await profile.signIn([crashing, staying]);
      const { held } = await profile.holdRefresh(crashing);
      void burst([crashing], 1).catch(() => undefined);
      await held;
      const answers = burst([staying], 3);
      const crashed = crashing.page.waitForEvent('crash');
      void (await crashing.devTools()).send('Page.crash').catch(() => undefined);
      await crashed;
      expect(await answers).toStrictEqual([answered, answered, answered]);
      expect(await staying.told('store.failed')).toStrictEqual([]);
    });
    expect(counts).toEqual(oneRefresh);
  });

  test('a tab that freezes while it refreshes stops nobody, and follows when it thaws', async () => {
    const counts = await stage.play(async (profile) => {
      const settings = { attemptTimeoutMs: 2_000 };
      const [freezing, staying] = [await profile.tab(settings), await profile.tab(settings)];
      await profile.signIn([freezing, staying]);
      const { held } = await profile.holdRefresh(freezing);
      const late = burst([freezing], 1);
      const request = await held;
      const tools = await freezing.devTools();
      await tools.send('Debugger.enable');
      await tools.send('Debugger.pause');
      await expectAnswers([staying]);
      expect(await staying.told('store.failed')).toStrictEqual([
        { type: 'store.failed', action: 'exclusive', code: undefined, name: 'TimeoutError' },
      ]);
      await tools.send('Debugger.disable');
      await request.drop();
      expect(await late).toStrictEqual([answered]);
      expect(await freezing.call('token')).toBe(await staying.call('token'));
    });
    expect(counts).toEqual(oneRefresh);
  });

  test('a reload while it refreshes costs nothing', async () => {
    const counts = await stage.play(async (profile) => {
      const [reloading, staying] = [await profile.tab(), await profile.tab()];
      await profile.signIn([reloading, staying]);
      const { held } = await profile.holdRefresh(reloading);
      void burst([reloading], 1).catch(() => undefined);
      await held;
      await reloading.page.reload();
      await reloading.isReady();
      expect(await reloading.call('status')).toBe('active');
      await expectAnswers([reloading, staying]);
    });
    expect(counts).toEqual(oneRefresh);
  });

  test('offline, tabs keep their session; online again, one of them refreshes for all', async () => {
    const counts = await stage.play(async (profile) => {
      const tabs = await profile.tabs(2);
      await profile.signIn(tabs);
      await profile.context.setOffline(true);
      const codes = (await burst(tabs, 2)).map(({ code }) => code);
      expect(codes).toEqual(codes.map(() => 'AUTH_TOKEN_REFRESH_FAILED'));
      expect(await Promise.all(tabs.map((tab) => tab.call('status')))).toStrictEqual(['active', 'active']);
      await profile.context.setOffline(false);
      await expectAnswers(tabs);
    });
    expect(counts).toEqual(oneRefresh);
  });

  test('a turn that never comes is not waited for: somebody else holds the lock for good', async () => {
    const counts = await stage.play(async (profile) => {
      const page = await profile.context.newPage();
      await page.goto(`${stage.site.url}/elsewhere`);
      await page.evaluate(
        () => void navigator.locks.request('axios-token-refresh:test', () => new Promise(() => undefined)),
      );
      const tab = await profile.tab({ attemptTimeoutMs: 2_000 });
      await profile.signIn([tab]);
      await expectAnswers([tab]);
      expect(await tab.told('store.failed')).toStrictEqual([
        { type: 'store.failed', action: 'exclusive', code: undefined, name: 'TimeoutError' },
      ]);
      expect(await page.evaluate(async () => (await navigator.locks.query()).held?.length)).toBe(1);
    });
    expect(counts).toEqual(oneRefresh);
  });
});

describeInChromium(
  'G1, G7 tabs under steady traffic, with tokens that live 3 s',
  (stage) => {
    test('no request fails over four lifetimes, and nobody refreshes twice', async () => {
      const counts = await stage.play(async (profile) => {
        const tabs = await profile.tabs(2);
        const { accessToken, refreshToken } = await stage.authorization.signIn('alice');
        await tabs[0]?.call('signIn', { accessToken, refreshToken });
        await Promise.all(tabs.map((tab) => tab.until('status', 'active')));
        const end = Date.now() + 12_000;
        while (Date.now() < end) await expectAnswers(tabs, 2);
      });
      expect(counts).toMatchObject({ refused: 0, reuses: 0 });
      expect(counts.refreshes).toBeGreaterThanOrEqual(3);
      // By the refresh-ahead window not before 60 % of a lifetime, and lifetimes are cut to the second.
      expect(counts.refreshes).toBeLessThanOrEqual(12);
    });
  },
  { accessTokenTtl: 3 },
);
