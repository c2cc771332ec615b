/** A real Chromium. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const candidates = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where it is; `undefined` if it is not installed. */
export const chromiumPath = candidates.find((path) => path !== undefined && existsSync(path));

export function launch(): Promise<Browser> {
  if (chromiumPath === undefined) {
    throw new Error(
      'Chromium was not found. Install it (Debian: apt-get install chromium) or set CHROMIUM to its path.',
    );
  }
  return chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    // The tests need pages to come back from the cache, as they do for users.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
}
