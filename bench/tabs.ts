/** What a store that tabs share adds to a refresh, and to a request with a valid token: in a real page. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromiumPath, launchProfile } from '../__tests__/e2e/chromium.js';
import { medianWithConfidence, percentile, ratios } from './measure.js';
import { spread, table } from './table.js';
import type { Cost } from './tabs-page.js';

export async function tabs(quick: boolean): Promise<string> {
  if (chromiumPath === undefined)
    return 'Not measured: Chromium was not found. Install it or set CHROMIUM to its path.';
  const costs = await measureInPage(quick ? [20, 5, 500] : [500, 100, 1_000]);
  const [memory] = costs;
  if (!memory) throw new Error('The page has measured nothing.');
  const rows = costs.map(({ store, refreshes, requests }) => [
    store,
    percentile(refreshes, 0.5).toFixed(1),
    percentile(refreshes, 0.99).toFixed(1),
    percentile(requests, 0.5).toFixed(1),
    spread(medianWithConfidence(ratios(requests, memory.requests)), 3),
  ]);
  return table(['store', 'refresh p50 (ms)', 'p99 (ms)', 'request (us)', 'to memoryStore() (95 %)'], rows);
}

async function measureInPage(plan: readonly [number, number, number]): Promise<Cost[]> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./tabs-page.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
  });
  const server = createServer((_request, response) => response.end('<!doctype html><title>bench</title>'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // On disk, as users have it: a private window keeps its databases in memory.
  const folder = await mkdtemp(join(tmpdir(), 'axios-token-refresh-bench-'));
  const browser = await launchProfile(folder);
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
    return await page.evaluate(
      (given) => (globalThis as unknown as { run(...plan: readonly number[]): Promise<Cost[]> }).run(...given),
      plan,
    );
  } finally {
    await browser.close();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
