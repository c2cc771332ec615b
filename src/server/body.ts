/** Reads what a caller sent, and little of it. */
import { isObject } from '../core/checks.js';
import { AuthError } from './refusal.js';

/** Longest body, in bytes. */
export const longestBody = 8 * 1024;

const json = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
/** Names that become part of an object's chain when someone merges it carelessly. */
const traps = ['__proto__', 'constructor', 'prototype'];

const readBefore = 'The body was read before it came here: mount this handler before whatever reads it.';

const invalid = (status: number, message: string): AuthError =>
  new AuthError('AUTH_REQUEST_INVALID', { status, message });

/** @throws {AuthError} `AUTH_REQUEST_INVALID` with status 405 */
export function checkMethod(request: Request, allowed: 'GET' | 'POST'): void {
  if (request.method === allowed || (allowed === 'GET' && request.method === 'HEAD')) return;
  const headers = { Allow: allowed === 'GET' ? 'GET, HEAD' : allowed };
  throw new AuthError('AUTH_REQUEST_INVALID', { status: 405, message: `Only ${allowed} is taken here.`, headers });
}

/**
 * The `refreshToken` of the JSON object in the body, whatever it is; `undefined` without it, or without a body.
 *
 * @throws {AuthError} `AUTH_REQUEST_INVALID`: 415 for another type or a coded body, 413 for a long one, 400 for what is no JSON object;
 *   `AUTH_UNAVAILABLE`, 500, for one that is gone: a fault of the set-up must not pass for a token that is missing
 */
export async function readRefreshToken(request: Request): Promise<unknown> {
  if (Number(request.headers.get('content-length') ?? 0) > longestBody) throw tooLong();
  if (request.bodyUsed || request.body?.locked) {
    if (saysBody(request.headers)) throw new AuthError('AUTH_UNAVAILABLE', { status: 500, message: readBefore });
    return undefined;
  }
  const bytes = await readBytes(request);
  if (bytes.length === 0) return undefined;
  if (!json.test(request.headers.get('content-type') ?? '')) throw invalid(415, 'Only application/json is taken here.');
  if (request.headers.has('content-encoding')) throw invalid(415, 'Coded bodies are not taken here.');
  const value = parse(bytes);
  if (!isObject(value)) throw invalid(400, 'The body must be a JSON object.');
  if (traps.some((name) => Object.hasOwn(value, name))) throw invalid(400, 'The body has a name that is not allowed.');
  return Object.hasOwn(value, 'refreshToken') ? value['refreshToken'] : undefined;
}

/** Whether there was a body, where it can no longer be asked itself. */
const saysBody = (headers: Headers): boolean =>
  headers.get('content-length') !== '0' &&
  ['content-length', 'transfer-encoding', 'content-type'].some((name) => headers.has(name));

async function readBytes({ body }: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Counted while it comes in: a body may be longer than it says, or not say.
  try {
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > longestBody) throw tooLong();
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof AuthError ? error : invalid(400, 'The body broke off.');
  }
  return Buffer.concat(chunks);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid(400, 'The body is no JSON in UTF-8.');
  }
}

const tooLong = (): AuthError => invalid(413, `The body is longer than ${longestBody} bytes.`);
