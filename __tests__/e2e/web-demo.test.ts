/** The live demo in a real Chromium: what a person sees of a session kept by a cookie, with the API on another origin. */
import { expect, test } from '@jest/globals';
import {
  behave,
  burst,
  count,
  counts,
  open,
  press,
  secondTab,
  sees,
  signIn,
  tokenSeconds,
  windowSeconds,
} from './web-demo-page.js';
import { describeDemo } from './web-demo.js';

const ended = 'Your session has ended. Please sign in again.';

describeDemo('a visitor of the live demo', ({ visit, signedIn }) => {
  test('who is not signed in sees that, and no talk of an end', async () => {
    const page = await visit();
    await sees(page, 'Signed out');
    await sees(page, 'Nobody is signed in here.');
    expect(await page.getByText(ended).count()).toBe(0);
    await burst(page, 2);
    await counts(page, 'Failed', 2);
    await press(page, 'Sign out');
    await press(page, 'Revoke the session');
    await sees(page, /Nobody is signed in here\. × [45]/);
    await page.context().close();
  });

  test('who was idle past the end of the token is served: the requests wait, one refresh is made, none fails', async () => {
    const page = await signedIn();
    await page.clock.fastForward(tokenSeconds * 3_000);
    await sees(page, 'Token has expired');
    const before = await count(page, 'Refreshes');
    await burst(page, 20);
    await counts(page, 'Sent', 20);
    await sees(page, /^Token valid for/);
    await counts(page, 'Waited', 20);
    expect(await count(page, 'Refreshes')).toBe(before + 1);
    expect(await count(page, 'Failed')).toBe(0);
    await page.context().close();
  });

  test('sees a burst in the refresh window wait for one new token', async () => {
    const page = await signedIn();
    const before = await count(page, 'Refreshes');
    await page.clock.fastForward((tokenSeconds - windowSeconds + 1) * 1_000);
    await burst(page, 50);
    await sees(page, /New token after/);
    await counts(page, 'Waited', 50);
    await counts(page, 'Sent', 50);
    expect(await count(page, 'Refreshes')).toBe(before + 1);
    expect(await count(page, 'Failed')).toBe(0);
    await page.context().close();
  });

  test('sees requests replayed when the token is revoked before its time, and none fail', async () => {
    const page = await signedIn();
    await press(page, 'Revoke the token');
    await sees(page, 'The API refuses this token from now on.');
    await burst(page, 5);
    await counts(page, 'Replayed', 5);
    await sees(page, 'A refused request is sent again.');
    expect(await count(page, 'Failed')).toBe(0);
    await page.context().close();
  });

  test('who revokes the token twice has revoked one: requests are replayed, and none fail', async () => {
    const page = await signedIn();
    await press(page, 'Revoke the token');
    await sees(page, 'The API refuses this token from now on.');
    await press(page, 'Revoke the token');
    await sees(page, 'The API refuses this token from now on. × 2');
    await burst(page, 5);
    await counts(page, 'Replayed', 5);
    expect(await count(page, 'Failed')).toBe(0);
    await page.context().close();
  });

  test('whose session is revoked is served to the end of the token, then asked to sign in again', async () => {
    const page = await signedIn('Bob');
    await press(page, 'Revoke the session');
    await sees(page, 'The server has ended this session.');
    await page.clock.fastForward((tokenSeconds - windowSeconds + 1) * 1_000);
    await burst(page, 1);
    // Announced once: the seconds are told elsewhere.
    await sees(page, 'Your session ends with this token.');
    expect(await page.getByRole('status').innerText()).not.toMatch(/\d/);
    await counts(page, 'Sent', 1);
    expect(await count(page, 'Failed')).toBe(0);
    await page.clock.fastForward(windowSeconds * 1_000);
    await sees(page, ended);
    await sees(page, 'Session ended');
    await page.getByRole('button', { name: 'Sign in again as Bob' }).press('Enter');
    // The focus goes there as the button goes away.
    await page.locator(':focus', { hasText: /^Signed in as Bob$/ }).waitFor();
    expect(await page.getByText(ended, { exact: true }).isVisible()).toBe(false);
    await page.context().close();
  });

  test.each([
    ['by the switch of the page', (page) => page.getByRole('switch', { name: 'Offline' }).setChecked(true)],
    ['by the browser', (page) => page.context().setOffline(true)],
  ] as const satisfies readonly (readonly [string, (page: Awaited<ReturnType<typeof signedIn>>) => Promise<void>])[])(
    'offline %s past the end of the token: the session is kept, and serves again when the network is back',
    async (_how, goOffline) => {
      const page = await signedIn();
      await goOffline(page);
      await sees(page, 'You are offline. Your session is kept.');
      await page.clock.fastForward(tokenSeconds * 2_000);
      await burst(page, 2);
      await page.clock.runFor(20_000);
      await counts(page, 'Failed', 2);
      await sees(page, 'Signed in as Alice');
      await page.context().setOffline(false);
      await page.getByRole('switch', { name: 'Offline' }).setChecked(false);
      await page.getByText('You are offline.').waitFor({ state: 'hidden' });
      await burst(page, 2);
      await sees(page, /^Token valid for/);
      await counts(page, 'Sent', 2);
      expect(await count(page, 'Failed')).toBe(2);
      await page.context().close();
    },
  );

  test('with two tabs has one session: who signs in, changes and signs out in one does so in both', async () => {
    const first = await visit();
    const second = await secondTab(first);
    await signIn(first, 'Alice');
    await sees(second, 'Signed in as Alice');
    await sees(second, /shared by 2 tabs/);
    await signIn(second, 'Bob');
    await sees(first, 'Signed in as Bob');
    // The tabs of one browser have one clock.
    await first.clock.fastForward(tokenSeconds * 1_000);
    await Promise.all([burst(first, 10), burst(second, 10)]);
    for (const page of [first, second]) {
      await counts(page, 'Sent', 10);
      expect(await count(page, 'Failed')).toBe(0);
    }
    await sees(first, 'Another tab has a new token.');
    await press(first, 'Sign out');
    for (const page of [first, second]) await page.getByRole('heading', { name: 'Signed out' }).waitFor();
    await first.context().close();
  });

  test('a sign-out during a slow refresh wins: what waited is rejected, and nobody is signed in afterwards', async () => {
    const page = await signedIn();
    await behave(page, 'Refresh endpoint', 'is slow (3 s)');
    await page.clock.fastForward(tokenSeconds * 1_000);
    const refreshed = page.waitForEvent('requestfinished', (request) => request.url().endsWith('/auth/refresh'));
    const dropped = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/auth/refresh'));
    await burst(page, 3);
    await sees(page, /3 waiting/);
    await press(page, 'Sign out');
    await page.getByRole('heading', { name: 'Signed out' }).waitFor();
    await sees(page, 'This was not finished, because you signed out or changed accounts.');
    await counts(page, 'Failed', 3);
    await Promise.any([refreshed, dropped]);
    expect(await count(page, 'Sent')).toBe(0);
    await behave(page, 'Refresh endpoint', 'works');
    await page.reload();
    await sees(page, 'Nobody is signed in here.');
    expect(await page.getByRole('heading', { name: 'Signed out' }).isVisible()).toBe(true);
    await page.context().close();
  });

  test('is told when the sign-in cannot be confirmed, and nothing ends', async () => {
    const page = await signedIn();
    await behave(page, 'Refresh endpoint', 'fails (503)');
    await page.clock.fastForward(tokenSeconds * 1_000);
    await burst(page, 4);
    await page.clock.runFor(20_000);
    await page.getByRole('status').getByText('We cannot confirm your sign-in right now.').waitFor();
    await counts(page, 'Failed', 4);
    await behave(page, 'Refresh endpoint', 'works');
    await page.clock.fastForward(60_000);
    await burst(page, 4);
    await counts(page, 'Sent', 4);
    await sees(page, 'Signed in as Alice');
    expect(await page.getByRole('status').isVisible()).toBe(false);
    await page.context().close();
  });

  test('whose clock is 2 hours ahead is served, and told so', async () => {
    const page = await signedIn();
    await page.getByRole('combobox', { name: 'Browser’s clock' }).selectOption({ label: 'is 2 hours ahead' });
    await burst(page, 5);
    await sees(page, /this clock is 120 min ahead of the server's/);
    await counts(page, 'Sent', 5);
    await burst(page, 5);
    await counts(page, 'Sent', 10);
    expect(await count(page, 'Failed')).toBe(0);
    await page.context().close();
  });

  test('does everything by keyboard', async () => {
    const page = await visit();
    const name = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent.trim() ?? '');
    await page.keyboard.press('Tab');
    expect(await name()).toBe('Sign in as Alice');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await sees(page, 'Signed in as Bob');
    for (const expected of ['Sign out', 'Open a second tab']) {
      await page.keyboard.press('Tab');
      expect(await name()).toBe(expected);
    }
    await page.keyboard.press('Tab');
    await page.keyboard.type('7');
    await page.keyboard.press('Enter');
    await counts(page, 'Sent', 7);
    await page.context().close();
  });

  test.each([
    ['light', 320],
    ['dark', 360],
    ['light', 1_200],
  ] as const)('%s and %p px wide: nothing has to be scrolled sideways', async (colorScheme, width) => {
    const page = await signedIn('Alice', { colorScheme, viewport: { width, height: 720 } });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe(colorScheme === 'dark' ? 'rgb(18, 20, 28)' : 'rgb(244, 245, 249)');
    await page.context().close();
  });

  test('opens the demo twice in two browsers without one disturbing the other', async () => {
    const [alice, bob] = [await signedIn('Alice'), await signedIn('Bob')];
    await press(alice, 'Revoke the session');
    await bob.reload();
    await open(bob);
    await sees(bob, 'Signed in as Bob');
    await Promise.all([alice, bob].map((page) => page.context().close()));
  });
});
