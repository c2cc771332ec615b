/** Two origins on loopback: the one of the pages, and the one of the API. The authorization server is a third. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { AuthorizationServer } from '../support/oidc.js';
import { cookieSessions } from './cookie-sessions.js';
import type { Settings } from './page/app.js';

/** A request that the API has seen. */
export interface Seen {
  readonly token: string | undefined;
  readonly subject: string | undefined;
}

export interface Site {
  readonly url: string;
  readonly api: string;
  /** Requests to the API, in order. */
  readonly seen: Seen[];
  /** Where a page is found that runs with these settings. */
  pageFor(settings: Pick<Settings, 'store'> & Partial<Settings>): string;
  close(): Promise<void>;
}

export async function startSite(authorization: AuthorizationServer): Promise<Site> {
  const script = await bundle();
  const seen: Seen[] = [];
  const cookies = cookieSessions();
  const pages = await listen((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    if (url.pathname === '/app.js') respond(response, 200, 'text/javascript', script);
    else if (url.pathname === '/app')
      respond(response, 200, 'text/html', documentFor(url.searchParams.get('settings') ?? ''));
    else respond(response, 200, 'text/html', '<!doctype html><title>elsewhere</title>');
  });
  const api = await listen((request, response) => {
    allow(request, response);
    if (request.method === 'OPTIONS') response.writeHead(204).end();
    else if (request.url?.startsWith('/session')) cookies.handle(request, response);
    else void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const subject = token === undefined ? undefined : await subjectOf(token);
    seen.push({ token, subject });
    respond(response, subject === undefined ? 401 : 200, 'application/json', JSON.stringify({ sub: subject }));
  }

  async function subjectOf(token: string): Promise<string | undefined> {
    const ofCookie = cookies.subjectOf(token);
    if (ofCookie !== undefined) return ofCookie;
    return (await authorization.verify(token).catch(() => undefined))?.sub;
  }

  return {
    url: pages.url,
    api: api.url,
    seen,
    pageFor(settings) {
      const { tokenEndpoint, clientId } = authorization;
      const all: Settings = { api: api.url, tokenEndpoint, clientId, key: 'test', ...settings };
      return `${pages.url}/app?settings=${encodeURIComponent(JSON.stringify(all))}`;
    },
    async close() {
      await Promise.all([pages.close(), api.close()]);
    },
  };
}

/** The page's script, with the package as it is built and shipped. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./page/app.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  });
  return outputFiles[0]?.text ?? '';
}

const documentFor = (settings: string): string =>
  `<!doctype html><title>app</title><body data-settings="${settings.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">` +
  '<script type="module" src="/app.js"></script></body>';

function allow(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
  response.setHeader('access-control-allow-credentials', 'true');
  response.setHeader('access-control-allow-headers', 'authorization, content-type');
  response.setHeader('access-control-max-age', '600');
}

function respond(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}

async function listen(handle: RequestListener): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer(handle);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
