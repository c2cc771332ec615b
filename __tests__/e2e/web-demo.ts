/** The live demo as `npm run demo:web` starts it, and a visitor with a browser of their own. */
import { afterAll, beforeAll } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launch } from './chromium.js';
import { describeWithChromium } from './group.js';
import type { ExampleServer } from './example-server.js';
import { open, signIn, startDemo } from './web-demo-page.js';

export interface Demo {
  /** Opens the demo in a browser without a past. Its clock can be wound on. */
  readonly visit: (options?: BrowserContextOptions) => Promise<Page>;
  /** Opens it and signs in. */
  readonly signedIn: (user?: string, options?: BrowserContextOptions) => Promise<Page>;
}

/** A group of tests of the demo. */
export function describeDemo(name: string, tests: (demo: Demo) => void): void {
  describeWithChromium(name, () => {
    let browser: Browser;
    let server: ExampleServer;
    beforeAll(async () => {
      [browser, server] = await Promise.all([launch(), startDemo()]);
    });
    afterAll(async () => {
      await Promise.all([browser.close(), server.close()]);
    });

    const visit: Demo['visit'] = async (options = {}) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      return open(await context.newPage());
    };
    tests({
      visit,
      async signedIn(user = 'Alice', options = {}) {
        const page = await visit(options);
        await signIn(page, user);
        return page;
      },
    });
  });
}
