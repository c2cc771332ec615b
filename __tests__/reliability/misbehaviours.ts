/** What a token endpoint does wrong, down to the socket. */
import type { Authority, Issued } from './authority.js';
import type { Misbehaviour, Reply, TokenCall } from './token-endpoint.js';
import { granted, refused } from './token-endpoint.js';

export const user = 'ada';
export const stranger = 'bob';

const html = { 'Content-Type': 'text/html; charset=utf-8' };
const page = '<!doctype html><h1>Back in a moment</h1>';

/** Answers without having done anything. */
export const answers =
  (status: number, body = '', headers: Readonly<Record<string, string>> = {}): Misbehaviour =>
  ({ respond }) =>
    respond({ status, body, headers });

export const answersWithPage = (status: number): Misbehaviour => answers(status, page, html);

/** 429, with what the `Retry-After` header says. */
export const throttles =
  (retryAfter: (call: TokenCall) => string): Misbehaviour =>
  (call) =>
    call.respond({ status: 429, body: '', headers: { 'Retry-After': retryAfter(call) } });

export const refuses =
  (error: string, status?: number): Misbehaviour =>
  ({ respond }) =>
    respond(refused(error, status));

/** 200, with a token that is of no use; the refresh token is not spent. */
export const hands =
  (tokens: (authority: Authority) => Partial<Issued>): Misbehaviour =>
  ({ authority, respond }) =>
    respond(granted(tokens(authority)));

export const resets: Misbehaviour = ({ response }) => response.socket?.resetAndDestroy();

export const isSilent: Misbehaviour = () => undefined;

/** Spends the refresh token, and breaks the connection. */
export const losesReply: Misbehaviour = async (call) => {
  await call.commit();
  call.response.socket?.resetAndDestroy();
};

/** Spends the refresh token, and never says so. */
export const swallowsReply: Misbehaviour = (call) => call.commit();

/** Spends the refresh token, and answers that long after. */
export const delaysReply =
  (ms: number): Misbehaviour =>
  async (call) => {
    const reply = await call.commit();
    await call.time.pause(ms);
    call.respond(reply);
  };

/** Spends the refresh token, and lets the answer out bit by bit. */
export const trickles =
  (ms: number): Misbehaviour =>
  async ({ commit, response, time }) => {
    const { status, headers, body } = await commit();
    const pieces = body.match(/.{1,20}/gs) ?? [];
    const start = time.elapsed();
    response.writeHead(status, headers);
    for (const [index, piece] of pieces.entries()) {
      response.write(piece);
      await time.pause(start + (ms * (index + 1)) / pieces.length - time.elapsed());
    }
    response.end();
  };

/** Answers, and goes on talking on the same connection in the same breath. */
const answersAndThen =
  (more: (call: TokenCall) => string): Misbehaviour =>
  async (call) => {
    const reply = await call.commit();
    const { socket } = call.response;
    socket?.cork();
    call.respond(reply);
    socket?.write(more(call));
    socket?.uncork();
  };

const onTheWire = ({ status, body }: Reply): string =>
  `HTTP/1.1 ${status} OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** The second answer is meant for somebody else. */
export const answersTwice = answersAndThen(({ authority }) => onTheWire(granted(authority.signIn(stranger))));

export const answersAndRaves = answersAndThen(() => '\0\u{1f525} not HTTP\r\n\r\n'.repeat(50));
