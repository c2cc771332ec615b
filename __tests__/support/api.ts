/** A protected HTTP API on loopback: a valid Bearer token gets its request echoed, anything else a 401 (RFC 6750). */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ApiOptions {
  /** Rejects for a token that is not to be accepted. */
  readonly verify: (accessToken: string) => Promise<unknown>;
  /** How long an answer takes, in milliseconds. @default 0 */
  readonly delayMs?: number;
}

export interface ApiCounts {
  requests: number;
  accepted: number;
  /** 401s, by what was wrong with the token. */
  missing: number;
  revoked: number;
  expired: number;
  invalid: number;
}

/** Body of every 200. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Api {
  readonly url: string;
  readonly counts: Readonly<ApiCounts>;
  /** From now on this token is refused, though it has not expired. */
  revoke(accessToken: string): void;
  close(): Promise<void>;
}

type Verdict = Exclude<keyof ApiCounts, 'requests'>;

export async function startApi({ verify, delayMs = 0 }: ApiOptions): Promise<Api> {
  const denied = new Set<string>();
  const counts: ApiCounts = { requests: 0, accepted: 0, missing: 0, revoked: 0, expired: 0, invalid: 0 };

  async function judge(request: IncomingMessage): Promise<Verdict> {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return 'missing';
    if (denied.has(token)) return 'revoked';
    try {
      await verify(token);
      return 'accepted';
    } catch (error) {
      return (error as { code?: unknown }).code === 'ERR_JWT_EXPIRED' ? 'expired' : 'invalid';
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    counts.requests += 1;
    const [verdict, body] = await Promise.all([judge(request), readBody(request)]);
    counts[verdict] += 1;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (verdict === 'accepted') {
      const { method = '', url = '', headers } = request;
      send(response, 200, { method, url, headers, body } satisfies Echo);
    } else {
      // RFC 6750, section 3.1: a request without credentials is told no error code.
      const challenge =
        verdict === 'missing' ? 'Bearer' : `Bearer error="invalid_token", error_description="${verdict}"`;
      send(response, 401, { error: 'invalid_token' }, { 'WWW-Authenticate': challenge });
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    revoke(accessToken) {
      denied.add(accessToken);
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
  response.end(JSON.stringify(body));
}
