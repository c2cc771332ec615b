/** The live demo as `npm run demo:web` starts it, and a visitor with a browser of their own. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromiumPath, launch } from './chromium.js';
import type { ExampleServer } from './example-server.js';
import { open, signIn, startDemo } from './web-demo-page.js';

export interface Demo {
  /** Opens the demo in a browser without a past. Its clock can be wound on. */
  readonly visit: (options?: BrowserContextOptions) => Promise<Page>;
  /** Opens it and signs in. */
  readonly signedIn: (user?: string, options?: BrowserContextOptions) => Promise<Page>;
}

/** A group of tests of the demo. Where there is no Chromium they are left out, loudly; under `CI` they fail. */
export function describeDemo(name: string, tests: (demo: Demo) => void): void {
  const isLeftOut = chromiumPath === undefined && !process.env['CI'];
  if (isLeftOut) {
    process.stderr.write(`SKIPPED: "${name}": no Chromium found. Install it or set CHROMIUM to its path.\n`);
  }
  (isLeftOut ? describe.skip : describe)(name, () => {
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
