/** An API over real HTTP that knows whose token it is shown, and may be slow or refuse what it accepted before. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Authority } from './authority.js';
import type { Time } from './time.js';

export interface ApiFault {
  /** How long it takes to look at a token, in milliseconds. */
  readonly delayMs?: number;
  /** When it begins to refuse all tokens issued so far, in milliseconds from the start. */
  readonly withdrawsAtMs?: readonly number[];
  /** Between which times it refuses everything, in milliseconds from the start. */
  readonly refusesAllMs?: readonly [from: number, to: number];
}

/** Body of every 200. */
export interface Order {
  readonly subject: string;
  /** What was asked for, and what the body said. */
  readonly order: string;
  readonly note: string;
}

export interface OrdersApi {
  readonly url: string;
  /** Requests that came with a token of somebody else than `user`. */
  readonly strangers: number;
  /** Requests that came with a token that had long been dead. */
  readonly dead: number;
  close(): Promise<void>;
}

export interface ApiOptions {
  readonly authority: Authority;
  readonly time: Time;
  readonly user: string;
  readonly fault?: ApiFault | undefined;
}

// A token may die on its way.
const travelMs = 5_000;

export async function startOrdersApi({ authority, time, user, fault = {} }: ApiOptions): Promise<OrdersApi> {
  const { delayMs = 0, withdrawsAtMs = [], refusesAllMs: [from, to] = [Infinity, Infinity] } = fault;
  const withdrawals = [...withdrawsAtMs];
  let strangers = 0;
  let dead = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (authority.isDead(token, travelMs)) dead += 1;
    if (delayMs > 0) await time.pause(delayMs);
    const elapsed = time.elapsed();
    if (elapsed >= (withdrawals[0] ?? Infinity)) {
      withdrawals.shift();
      authority.withdraw();
    }
    const subject = elapsed >= from && elapsed < to ? undefined : authority.subjectOf(token);
    if (subject !== undefined && subject !== user) strangers += 1;
    const answer: Order | { error: string } =
      subject === undefined
        ? { error: 'invalid_token' }
        : { subject, order: request.url ?? '', note: Buffer.concat(chunks).toString() };
    response.writeHead(subject === undefined ? 401 : 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get strangers() {
      return strangers;
    },
    get dead() {
      return dead;
    },
    async close() {
      const ended = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await ended;
    },
  };
}
