/**
 * Takes the pictures of the React example that the documents show.
 *
 *     npm run screenshots:react
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { launch } from '../__tests__/e2e/chromium.js';
import { startExample } from '../__tests__/e2e/example-server.js';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const wide = { viewport: { width: 760, height: 420 } };
const narrow = { viewport: { width: 360, height: 640 } };

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Name').fill('alice');
  await page.getByLabel('Password').fill('wonderland');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Your notes' }).waitFor();
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByLabel('New note').fill(text);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('listitem').filter({ hasText: text }).waitFor();
}

async function refuse(page: Page, button: string): Promise<void> {
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('button', { name: button }).click();
  await page.getByText('will be refused').waitFor();
  await page.getByRole('link', { name: 'Notes' }).click();
}

const states: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async loading(page) {
    await page.route('**/auth/refresh', () => undefined);
    await page.goto('/');
    await page.getByText('One moment').waitFor();
  },
  async ending(page) {
    await page.goto('/');
    await signIn(page);
    await refuse(page, 'Refuse the next refresh');
    await page.clock.fastForward(220_000);
    await page.getByText('Your session ends in 2 minutes.').waitFor();
  },
  async ended(page) {
    await page.goto('/');
    await signIn(page);
    await refuse(page, 'Refuse my token, too');
    await page.getByText('Your session has ended.').waitFor();
  },
  async offline(page) {
    await page.goto('/');
    await signIn(page);
    await page.context().setOffline(true);
    await write(page, 'Call the plumber');
    await page.getByText('Not saved yet.').waitFor();
  },
};

const pictures: readonly (readonly [state: string, look: string, options: BrowserContextOptions])[] = [
  ['loading', 'light', wide],
  ['ending', 'light', wide],
  ['ending', 'dark', { ...wide, colorScheme: 'dark' }],
  ['ended', 'narrow', narrow],
  ['offline', 'narrow', { ...narrow, colorScheme: 'dark' }],
];

mkdirSync(folder, { recursive: true });
const [browser, server] = await Promise.all([launch(), startExample()]);
try {
  const first = await browser.newPage({ baseURL: server.url });
  await first.goto('/');
  await signIn(first);
  for (const text of ['Book the train to Bergen', 'Return the library books']) await write(first, text);
  for (const [state, look, options] of pictures) {
    const context = await browser.newContext({ baseURL: server.url, reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    await page.clock.install();
    await states[state]?.(page);
    await page.screenshot({ path: `${folder}react-${state}-${look}.png`, animations: 'disabled' });
    await context.close();
  }
} finally {
  await Promise.all([browser.close(), server.close()]);
}
