/** A real Chromium: the one that is installed, or that of the environment variable `CHROMIUM`. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type LaunchOptions } from 'playwright-core';

const candidates = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where it is; `undefined` if it is not installed. */
export const chromiumPath = candidates.find((path) => path !== undefined && existsSync(path));

const options = (): LaunchOptions => {
  if (chromiumPath === undefined) {
    throw new Error(
      'Chromium was not found. Install it (Debian: apt-get install chromium) or set CHROMIUM to its path.',
    );
  }
  return {
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    // Pages are to come back from the cache, as they do for users.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  };
};

/** Each context of it is a private window of its own. */
export function launch(): Promise<Browser> {
  return chromium.launch(options());
}

/** A profile on disk. */
export function launchProfile(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, options());
}
