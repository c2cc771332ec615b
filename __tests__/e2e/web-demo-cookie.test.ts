/** The live demo's session as it is kept: a cookie that no script can read, for an API on another origin. */
import { expect, test } from '@jest/globals';
import { burst, count, counts, press, sees } from './web-demo-page.js';
import { describeDemo } from './web-demo.js';

describeDemo('a visitor of the live demo, signed in by a cookie', ({ signedIn }) => {
  test('who reloads is still signed in, though no script can read the cookie and nothing holds a token', async () => {
    const page = await signedIn();
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/auth' });
    expect(await page.evaluate(() => document.cookie)).toBe('');
    const tokens = page.waitForResponse((response) => response.url().endsWith('/auth/refresh'));
    await page.reload();
    await sees(page, 'Signed in as Alice');
    await burst(page, 3);
    await counts(page, 'Sent', 3);
    expect(await count(page, 'Failed')).toBe(0);

    const response = await tokens;
    expect(new URL(response.url()).origin).not.toBe(new URL(page.url()).origin);
    const { accessToken } = (await response.json()) as { accessToken: string };
    const stored = await page.context().storageState({ indexedDB: true });
    expect(JSON.stringify(stored.origins)).not.toContain(accessToken);
    expect(JSON.stringify(stored.origins)).toContain('alice');
    const [rotated] = await page.context().cookies();
    expect(rotated?.value).not.toBe(cookie?.value);
    await page.context().close();
  });

  test('whose browser has thrown its storage away is signed in again by the cookie alone', async () => {
    const page = await signedIn();
    // Of the same origin, without the demo in it.
    await page.goto('/icon.svg');
    await page.evaluate(async () => {
      for (const { name = '' } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
    });
    await page.goto('/');
    await sees(page, 'Signed in as Alice');
    await page.context().close();
  });

  test('of another origin gets nothing from the API: no session, no answer, no cookie', async () => {
    const page = await signedIn();
    const stranger = await page.context().newPage();
    stranger.setDefaultTimeout(15_000);
    await stranger.goto(page.url().replace('127.0.0.1', 'localhost'));
    await press(stranger, 'Sign in as Bob');
    await sees(stranger, 'There is no connection.');
    expect(await stranger.getByRole('heading', { name: 'Signed in' }).count()).toBe(0);
    const cookies = await page.context().cookies();
    expect(cookies.map(({ domain }) => domain)).toStrictEqual(['127.0.0.1']);
    await page.reload();
    await sees(page, 'Signed in as Alice');
    await page.context().close();
  });
});
