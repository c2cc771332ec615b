/** A scripted HTTP server on loopback: remembers every request to the byte, answers as it is told. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The Bearer token, if there was one. */
  readonly token: string | undefined;
}

export interface ScriptedAnswer {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. @default empty */
  readonly body?: string | Buffer | object;
}

/** An answer, a connection that breaks, or one that stays open without a word. */
export type Answer = ScriptedAnswer | 'reset' | 'silence';

/** Answers the request that is the `index`-th of this server, counted from 0. */
export type Script = (request: SeenRequest, index: number) => Answer | Promise<Answer>;

export interface ScriptedServer {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  /** May be replaced at any time. */
  script: Script;
  close(): Promise<void>;
}

export interface ListenOptions {
  /** A Unix socket instead of a port. */
  readonly socketPath?: string;
}

export async function startServer(
  script: Script = () => ({}),
  { socketPath }: ListenOptions = {},
): Promise<ScriptedServer> {
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  // A thousand connections at once find room, and a slow machine none that was closed meanwhile for being idle.
  server.keepAliveTimeout = 120_000;
  await once(socketPath ? server.listen(socketPath) : server.listen(0, '127.0.0.1', 2_048), 'listening');
  const port = socketPath ? 0 : (server.address() as AddressInfo).port;

  const scripted: ScriptedServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    seen: [],
    script,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    const seen = { method, url, headers, body: Buffer.concat(chunks), token };
    const index = scripted.seen.push(seen) - 1;
    const answer = await scripted.script(seen, index);
    if (answer === 'silence') return;
    if (answer === 'reset') request.socket.resetAndDestroy();
    else send(response, answer);
  }

  return scripted;
}

function send(response: ServerResponse, { status = 200, headers = {}, body = '' }: ScriptedAnswer): void {
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  response.writeHead(status, { 'Content-Type': isText ? 'text/plain' : 'application/json', ...headers });
  response.end(isText ? body : JSON.stringify(body));
}
