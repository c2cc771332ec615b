/** What a bundler for browsers or edge functions makes of an import. */
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

const dist = join(__dirname, '..', '..', 'dist');

async function bundle(code: string, platform: 'browser' | 'neutral'): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: dist },
    bundle: true,
    write: false,
    format: 'esm',
    platform,
    logLevel: 'silent',
  });
  return outputFiles.map(({ text }) => text).join('');
}

describe('bundled without Node', () => {
  test.each(['browser', 'neutral'] as const)('for a %s platform, the reporters need nothing', async (platform) => {
    const text = await bundle(`export * from './reporters.js';`, platform);
    expect(text).toContain('sendBeacon');
    expect(text).not.toMatch(/(from|require\()\s*["']/);
  });

  test('httpAudit alone leaves the vendors’ reporters out', async () => {
    const text = await bundle(`export { httpAudit } from './reporters.js';`, 'browser');
    expect(text).toContain('sendBeacon');
    expect(text).not.toContain('captureMessage');
  });

  test('the audit in files is refused, at build time', async () => {
    await expect(bundle(`export { fileAudit } from './audit.js';`, 'browser')).rejects.toThrow(/node:fs/);
  });
});
