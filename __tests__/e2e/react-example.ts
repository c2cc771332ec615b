/** The React example as `npm run demo:react` starts it, and a visitor with a browser of their own. */
import { afterAll, beforeAll } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launch } from './chromium.js';
import { describeWithChromium } from './group.js';
import { startExample, type ExampleServer } from './example-server.js';

/** How long the example's access tokens live. */
export const tokenSeconds = 300;

export interface Example {
  /** Opens a page of the example in a browser without a past. Its clock can be wound on. */
  readonly visit: (path: string, options?: VisitOptions) => Promise<Page>;
  /** Opens a page and signs in there. */
  readonly signedIn: (path: string, options?: VisitOptions) => Promise<Page>;
}

export interface VisitOptions extends BrowserContextOptions {
  /** Before the page is loaded. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** A group of tests of the example. */
export function describeExample(name: string, tests: (example: Example) => void): void {
  describeWithChromium(name, () => {
    let browser: Browser;
    let server: ExampleServer;
    beforeAll(async () => {
      [browser, server] = await Promise.all([launch(), startExample()]);
    });
    afterAll(async () => {
      await Promise.all([browser.close(), server.close()]);
    });

    const visit: Example['visit'] = async (path, { prepare, ...options } = {}) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      await page.clock.install();
      await prepare?.(page);
      await page.goto(path);
      return page;
    };
    tests({
      visit,
      async signedIn(path, options) {
        const page = await visit(path, options);
        await signIn(page);
        await page.getByRole('navigation').waitFor();
        return page;
      },
    });
  });
}

export async function signIn(page: Page, name = 'alice', password = 'wonderland'): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function write(page: Page, text: string): Promise<void> {
  await page.getByLabel('New note').fill(text);
  await page.getByRole('button', { name: 'Save' }).click();
}

/** Waits until the page shows the note as saved: neither as one that waits nor as one on its way. */
export async function isSaved(page: Page, note: string): Promise<void> {
  const states = /Saving…|Not saved yet/;
  await page.getByRole('listitem').filter({ hasText: note }).filter({ hasNotText: states }).waitFor();
}

/** What an administrator may do to the sessions of a user. */
export type Trouble = 'Refuse the next refresh' | 'Refuse my token, too';

/** Presses that button on the page's account page, and stays there. */
export async function make(trouble: Trouble, page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('button', { name: trouble }).click();
  await page.getByText('will be refused').waitFor();
}

/** Waits until the page shows this, and tells where it is then. */
export async function sees(page: Page, text: string | RegExp): Promise<string> {
  await page.getByText(text).first().waitFor();
  return new URL(page.url()).pathname;
}

/** The texts of the notes, newest first, with what is said of each. */
export const notesOf = (page: Page): Promise<string[]> =>
  page.getByRole('list', { name: 'Notes' }).locator('li').allInnerTexts();
