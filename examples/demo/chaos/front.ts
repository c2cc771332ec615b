/**
 * Stands before the token endpoint and fails some requests. Always before they are forwarded: the server behind rotates
 * refresh tokens and ends a session whose token comes twice, so an answer lost after that would be a session lost.
 */
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFaults, type Fault, type Faults } from './faults.js';

const slowMs = 700;
const page = '<!doctype html><title>503</title><h1>Service Unavailable</h1>';

export interface Front extends Pick<Faults, 'goDown' | 'comeBack'> {
  readonly tokenEndpoint: string;
  /** Starts the faults of a scene. `told` hears of every token request, and of what it met. */
  begin(scene: string, told: (fault: Fault | undefined) => void): void;
  close(): Promise<void>;
}

export async function startFront(tokenEndpoint: string, seed: number): Promise<Front> {
  let faults = makeFaults(seed, '');
  let tell: (fault: Fault | undefined) => void = () => undefined;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const fault = faults.next();
    tell(fault);
    if (fault === 'slow') await sleep(slowMs);
    else if (fault) {
      fail(fault, response);
      return;
    }
    // Whoever has hung up wants no new refresh token.
    if (!response.destroyed) pass(request, body, response, tokenEndpoint);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  return {
    tokenEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    begin(scene, told) {
      faults = makeFaults(seed, scene);
      tell = told;
    },
    goDown() {
      faults.goDown();
    },
    comeBack() {
      faults.comeBack();
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function fail(fault: Exclude<Fault, 'slow'>, response: ServerResponse): void {
  switch (fault) {
    case '503':
      response.writeHead(503, { 'Content-Type': 'text/html' }).end(page);
      return;
    case '502':
      response.writeHead(502).end();
      return;
    case '429':
      response.writeHead(429, { 'Retry-After': '1' }).end();
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
  }
}

function pass({ method, headers }: IncomingMessage, body: Buffer, response: ServerResponse, to: string): void {
  const onward = forward(to, { method, headers: { ...headers, host: new URL(to).host } }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  onward.end(body);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
