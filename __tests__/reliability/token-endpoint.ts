/** A token endpoint over real HTTP that misbehaves at the worst moment: just when a client comes to renew its token. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Authority, Issued } from './authority.js';
import type { Time } from './time.js';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One request of a client. */
export interface TokenCall {
  readonly authority: Authority;
  readonly time: Time;
  readonly response: ServerResponse;
  /** Spends the refresh token, and says what a healthy server would. */
  readonly commit: () => Promise<Reply>;
  readonly respond: (reply: Reply) => void;
}

/** What the endpoint does with a request instead of its work; `'down'` is a process that has ended. */
export type Misbehaviour = 'down' | ((call: TokenCall) => unknown);

export interface Schedule {
  readonly does: Misbehaviour;
  /** How long, in milliseconds; 0 for one request. */
  readonly lastsMs: number;
  /** How often, the first time with the first renewal. Between two times the client is answered properly once. */
  readonly rounds: number;
}

export interface TokenEndpoint {
  readonly url: string;
  /** Requests that met the fault. */
  readonly met: number;
  close(): Promise<void>;
}

export const granted = ({ accessToken, refreshToken }: Partial<Issued>): Reply => ({
  status: 200,
  headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
  body: JSON.stringify({ access_token: accessToken, refresh_token: refreshToken, token_type: 'Bearer' }),
});

export const refused = (error: string, status = 400): Reply => ({
  status,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ error }),
});

export interface EndpointOptions {
  readonly authority: Authority;
  readonly time: Time;
  readonly schedule: Schedule | undefined;
  /** Whether answers carry a `Date`. */
  readonly dates: boolean;
}

export async function startTokenEndpoint({
  authority,
  time,
  schedule,
  dates,
}: EndpointOptions): Promise<TokenEndpoint> {
  let met = 0;
  let roundsLeft = schedule?.rounds ?? 0;
  let until = -Infinity;
  let answered = 1;
  let closed = false;

  /** What is wrong with the endpoint right now. */
  function fault(): Misbehaviour | undefined {
    if (!schedule) return undefined;
    if (time.now() >= until && roundsLeft > 0 && answered > 0) {
      roundsLeft -= 1;
      answered = 0;
      until = time.now() + schedule.lastsMs;
      return schedule.does;
    }
    return time.now() < until ? schedule.does : undefined;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.sendDate = false;
    if (dates) response.setHeader('Date', new Date(time.now()).toUTCString());
    const call: TokenCall = {
      authority,
      time,
      response,
      async commit() {
        const issued = authority.rotate(await refreshTokenOf(request));
        return issued ? granted(issued) : refused('invalid_grant');
      },
      respond({ status, headers, body }) {
        response.writeHead(status, headers).end(body);
      },
    };
    const does = fault();
    if (does !== undefined) met += 1;
    if (does === 'down') await restart();
    else if (does) await does(call);
    else {
      const reply = await call.commit();
      answered += 1;
      call.respond(reply);
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;

  async function restart(): Promise<void> {
    server.close();
    server.closeAllConnections();
    await time.pause(until - time.now());
    // Somebody's outgoing connection may have been given the port meanwhile.
    while (!closed && !(await isListening(server, port))) await time.pause(100);
  }

  return {
    url: `http://127.0.0.1:${port}/token`,
    get met() {
      return met;
    },
    async close() {
      closed = true;
      if (!server.listening) return;
      const ended = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await ended;
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  await once(server.listen(port, '127.0.0.1'), 'listening');
}

async function isListening(server: Server, port: number): Promise<boolean> {
  return listen(server, port).then(
    () => true,
    () => false,
  );
}

async function refreshTokenOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString()).get('refresh_token') ?? '';
}
