/** The origin of the page: three files, the script bundled from the page's modules and the package as it is built. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import express, { type Express } from 'express';

const folder = new URL('../page/', import.meta.url);
const read = (name: string): Promise<string> => readFile(new URL(name, folder), 'utf8');

/** @param apiUrl the only other origin that the page may speak to */
export async function createSite(apiUrl: string): Promise<Express> {
  const [html, style, icon, script] = await Promise.all([
    read('index.html'),
    read('style.css'),
    read('icon.svg'),
    bundle(),
  ]);
  const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
    '/': ['text/html', html.replace('%API%', apiUrl)],
    '/style.css': ['text/css', style],
    '/icon.svg': ['image/svg+xml', icon],
    '/main.js': ['text/javascript', script],
  };
  const app = express();
  app.use((_request, response, next) => {
    response.set({
      'Content-Security-Policy': `default-src 'self'; connect-src ${apiUrl}; base-uri 'none'; frame-ancestors 'none'`,
      'Cache-Control': 'no-cache',
    });
    next();
  });
  for (const [path, [type, text]] of Object.entries(files))
    app.get(path, (_request, response) => void response.type(type).send(text));
  return app;
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('main.ts', folder))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  });
  return outputFiles[0]?.text ?? '';
}
