/** Adapters: web-standard handlers on Node's own server and on Express. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { longestBody } from './body.js';
import type { Connection } from './caller.js';
import { AuthError, refuse } from './refusal.js';
import type { Handler } from './visit.js';

/** How much of a body is read and thrown away after its answer, in bytes. */
const longestRest = 1024 * 1024;

/** Methods that the web's Request refuses. */
const notInRequests = /^(CONNECT|TRACE|TRACK)$/i;

/** A listener of `http.createServer`, and what frameworks take under names like "raw handler". */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** A route handler of Express 4 and 5. */
export type ExpressHandler = (
  request: IncomingMessage & { readonly body?: unknown },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Puts a handler on Node's own server. It tells the handler the peer's address; who is trusted to say otherwise is the
 * endpoint's option `trustedProxies`. It is made for the handlers of this package: the body of a request that is longer
 * than 8 kB cannot be read to its end.
 *
 * @throws {TypeError} if the handler is no function
 * @example
 * import { createServer } from 'node:http';
 * import { toNodeHandler, type Handler } from 'axios-token-refresh/server';
 *
 * const serve = (handler: Handler) => createServer(toNodeHandler(handler));
 */
export function toNodeHandler(handler: Handler): NodeHandler {
  checkHandler(handler, 'toNodeHandler');
  return (request, response) => {
    serve(handler, request, response).catch(() => response.destroy());
  };
}

/**
 * Puts a handler on a route of Express. It works behind `express.json()` too, which has read the body by then.
 *
 * @throws {TypeError} if the handler is no function
 * @example
 * import express from 'express';
 * import { toExpress, type Handler } from 'axios-token-refresh/server';
 *
 * const mount = (handler: Handler) => express().post('/auth/refresh-token', toExpress(handler));
 */
export function toExpress(handler: Handler): ExpressHandler {
  checkHandler(handler, 'toExpress');
  return (request, response, next) => {
    serve(handler, request, response).catch(next);
  };
}

function checkHandler(handler: unknown, of: string): void {
  if (typeof handler !== 'function') throw new TypeError(`The handler of ${of} must be a function.`);
}

async function serve(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const peerAddress = request.socket.remoteAddress;
  // Sent and then reset, a request can still be read, though not whence it came: no way past limits and audit.
  if (peerAddress === undefined && isOverTcp(request)) {
    request.destroy();
    return;
  }
  await write(await answerTo(request, handler, { peerAddress }), response);
  drain(request);
}

/** Or was: a connection that is gone has no address of its own either. A Unix socket never has one. */
const isOverTcp = ({ socket }: IncomingMessage): boolean => socket.destroyed || socket.localAddress !== undefined;

/** What was not read of a body that was turned down must not be taken for the next request; nor may it go on for ever. */
function drain(request: IncomingMessage): void {
  let length = 0;
  request.on('data', (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > longestRest) request.destroy();
  });
}

async function answerTo(
  request: IncomingMessage & { readonly body?: unknown },
  handler: Handler,
  connection: Connection,
): Promise<Response> {
  let standard: Request;
  try {
    standard = await requestOf(request);
  } catch {
    // A header that the web's Headers do not take.
    return refuse(new AuthError('AUTH_REQUEST_INVALID'), randomUUID());
  }
  return handler(standard, connection);
}

async function requestOf(request: IncomingMessage & { readonly body?: unknown }): Promise<Request> {
  const { method = 'GET', url = '/' } = request;
  const headers = new Headers();
  // Not the raw ones: a middleware may have set its request id, and stand-ins for Node's server have no others.
  for (const [name, value] of Object.entries(request.headers)) {
    // HTTP/2 has names of its own that start with a colon.
    if (!name.startsWith(':')) for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  // The host is the caller's word, and nothing here needs it.
  const target = new URL(`http://localhost${url.startsWith('/') ? url : '/'}`);
  const body = method === 'GET' || method === 'HEAD' ? undefined : await bodyOf(request);
  // Another unknown method stands for them, so that the handler counts, records and refuses them as any.
  const taken = notInRequests.test(method) ? `NOT-${method}` : method;
  const standard = new Request(target, {
    method: taken,
    headers,
    ...(body !== undefined && { body, duplex: 'half' }),
  });
  // As used up as the one that it stands for.
  if (body === '') await standard.text();
  return standard;
}

/**
 * The bytes as they come, or what a body parser made of them; `''` if somebody has read them and kept them. Past the
 * limit they are not read: our handlers see too many already, and to others a part must not pass for the whole.
 */
async function bodyOf(request: IncomingMessage & { readonly body?: unknown }): Promise<BodyInit | undefined> {
  const { body } = request;
  // A form parser has an object for it, though there was nothing: Axios calls a POST without a body a form.
  if (request.headers['content-length'] === '0') return undefined;
  if (request.readableEnded && body !== undefined) {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    return isRaw ? Uint8Array.from(Buffer.from(body)) : JSON.stringify(body);
  }
  if (request.readableDidRead) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > longestBody) return brokenOff(chunks);
  }
  return length === 0 ? undefined : Uint8Array.from(Buffer.concat(chunks));
}

function brokenOff(chunks: readonly Uint8Array[]): ReadableStream {
  const left = chunks.values();
  return new ReadableStream({
    pull(controller) {
      const next = left.next();
      if (!next.done) controller.enqueue(next.value);
      else controller.error(new RangeError(`Bodies of more than ${longestBody} bytes are not read here.`));
    },
  });
}

async function write(answer: Response, response: ServerResponse): Promise<void> {
  // By a middleware that times out. The next request on this connection is somebody else's.
  if (response.headersSent) return;
  for (const [name, value] of answer.headers) if (name !== 'set-cookie') response.setHeader(name, value);
  // Beside the cookies that a middleware has set.
  const cookies = [response.getHeader('set-cookie') ?? [], answer.headers.getSetCookie()].flat().map(String);
  if (cookies.length > 0) response.setHeader('set-cookie', cookies);
  response.writeHead(answer.status);
  response.end(Buffer.from(await answer.arrayBuffer()));
}
