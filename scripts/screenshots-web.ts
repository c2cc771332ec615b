/**
 * Takes the pictures of the live demo that the documents show.
 *
 *     npm run screenshots:web
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { launch } from '../__tests__/e2e/chromium.js';
import { behave, burst, open, press, sees, signIn, startDemo } from '../__tests__/e2e/web-demo-page.js';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const wide = { viewport: { width: 1_120, height: 800 } };
const narrow = { viewport: { width: 360, height: 760 } };
const dark = { colorScheme: 'dark' } as const;

const steady = (page: Page): Promise<void> => page.getByRole('switch', { name: 'Steady traffic' }).check();
const pass = (page: Page, seconds: number): Promise<void> => page.waitForTimeout(seconds * 1_000);

const states: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async traffic(page) {
    await signIn(page, 'Alice');
    await steady(page);
    await pass(page, 15);
    await behave(page, 'Refresh endpoint', 'is slow (3 s)');
    await pass(page, 5);
    await press(page, 'Revoke the token');
    await burst(page, 40);
    await pass(page, 5);
    await behave(page, 'Refresh endpoint', 'works');
  },
  async ended(page) {
    await signIn(page, 'Bob');
    await steady(page);
    await pass(page, 2);
    await press(page, 'Revoke the session');
    await sees(page, 'Your session has ended. Please sign in again.');
    await pass(page, 1);
  },
  async offline(page) {
    await signIn(page, 'Alice');
    await burst(page, 12);
    await pass(page, 3);
    await page.getByRole('switch', { name: 'Offline' }).check();
    await burst(page, 12);
    await pass(page, 1);
  },
};

const pictures: readonly (readonly [state: string, look: string, options: BrowserContextOptions])[] = [
  ['traffic', 'light', wide],
  ['traffic', 'dark', { ...wide, ...dark }],
  ['ended', 'light', wide],
  ['offline', 'narrow', { ...narrow, ...dark }],
];

mkdirSync(folder, { recursive: true });
const [browser, server] = await Promise.all([launch(), startDemo()]);
try {
  for (const [state, look, options] of pictures) {
    const context = await browser.newContext({ baseURL: server.url, ...options });
    const page = await open(await context.newPage());
    page.setDefaultTimeout(40_000);
    await states[state]?.(page);
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `${folder}demo-${state}-${look}.png` });
    await context.close();
  }
} finally {
  await Promise.all([browser.close(), server.close()]);
}
