/** Tells of foreign errors without what they may carry: configs, headers, bodies, tokens. */
import type { TokenErrorCause, TokenSet } from '../types.js';

type Fields = Record<string, unknown>;

/** Own or inherited property of anything, never throwing. */
export function field(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return (value as Fields)[name];
  } catch {
    return undefined;
  }
}

const word = /^[\w.:/@+-]{1,128}$/;
const codeWord = /^[A-Za-z]\w{0,39}$/;
// Longer than the words of the engines' messages.
const tokenLike = /[^\s"'`(){}<>[\],;]{16,}/g;
const engineErrors = new Set(['TypeError', 'ReferenceError', 'RangeError']);

/** A short identifier, or nothing: what could be a sentence or a secret is left out. */
export function identifier(value: unknown): string | undefined {
  return typeof value === 'string' && word.test(value) ? value : undefined;
}

/** What must not be told of token sets. One or two characters hide nothing, and are in every sentence. */
export function secretsOf(sets: readonly (TokenSet | undefined)[]): string[] {
  return sets
    .flatMap((tokens) => [tokens?.accessToken, tokens?.refreshToken])
    .filter((secret): secret is string => secret !== undefined && secret.length > 2);
}

/** Replaces the given secrets. */
export function hide(text: string, secrets: readonly string[]): string {
  return secrets.reduce((told, secret) => told.replaceAll(secret, '[redacted]'), text);
}

/** Replaces the given secrets, and whatever is long enough to be one. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return hide(text, secrets).replace(tokenLike, '[redacted]');
}

/** HTTP status of an error of any common client. */
export function statusOf(error: unknown): number | undefined {
  const response = field(error, 'response');
  const candidates = [
    field(response, 'status'),
    field(response, 'statusCode'),
    field(error, 'status'),
    field(error, 'statusCode'),
    field(field(error, '$metadata'), 'httpStatusCode'),
  ];
  return candidates.find((status): status is number => typeof status === 'number' && status >= 100 && status < 600);
}

/** Response header of an error of any common client: Axios's headers, a plain object, or fetch's `Headers`. */
export function headerOf(error: unknown, name: string): string | undefined {
  const headers = field(field(error, 'response'), 'headers') ?? field(error, 'headers');
  try {
    const get = field(headers, 'get');
    const value: unknown =
      typeof get === 'function'
        ? (get as (name: string) => unknown).call(headers, name)
        : Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

const requestIdHeaders = ['x-request-id', 'request-id', 'x-correlation-id', 'traceparent'];

/** The server's name for the request, or our own error's; never one with a secret in it. */
export function requestIdOf(error: unknown, secrets: readonly string[] = []): string | undefined {
  const body = field(field(error, 'response'), 'data');
  return [
    ...requestIdHeaders.map((name) => headerOf(error, name)),
    field(body, 'request_id'),
    field(body, 'requestId'),
    field(field(body, 'error'), 'requestId'),
    field(error, 'requestId'),
  ]
    .map(identifier)
    .find((id) => id !== undefined && !secrets.some((secret) => id.includes(secret)));
}

/** Code of an error, or of the error behind it. */
export function codeOf(error: unknown): string | undefined {
  return codesOf(error)[0];
}

/** Codes of an error, and of the error behind it: fetch hides the socket's behind its own. */
export function codesOf(error: unknown): string[] {
  return [field(error, 'code'), field(field(error, 'cause'), 'code')].filter(isCode);
}

function isCode(value: unknown): value is string {
  return typeof value === 'string' && codeWord.test(value);
}

/**
 * What may be told of an error: name, code, status, request id. The message only where the JavaScript engine wrote it,
 * since a developer needs it there and servers cannot put secrets into it; even then it is cleaned.
 */
export function describe(error: unknown, secrets: readonly string[] = []): TokenErrorCause {
  const own = field(error, 'name');
  const name = isCode(own) ? own : typeof error;
  const text = field(error, 'message');
  const code = codeOf(error);
  const status = statusOf(error);
  const requestId = requestIdOf(error, secrets);
  const message =
    typeof text === 'string' && engineErrors.has(name) && code === undefined
      ? withoutSecrets(text, secrets)
      : [name, code, status].filter((part) => part !== undefined).join(' ');
  const told = new Error(message);
  // JSON leaves out what an Error has of its own: a record of an event would say `{}`.
  const toJSON = (): object => Object.assign({ name, message: told.message }, told);
  Object.defineProperties(told, { name: { value: name }, toJSON: { value: toJSON } });
  told.stack = [`${name}: ${message}`, ...framesOf(text, field(error, 'stack'))].join('\n');
  return Object.assign(
    told,
    code !== undefined && { code },
    status !== undefined && { status },
    requestId !== undefined && { requestId },
  );
}

/** Where it was thrown, without the message that the stack repeats. */
function framesOf(message: unknown, stack: unknown): string[] {
  if (typeof message !== 'string' || typeof stack !== 'string' || !stack.includes(message)) return [];
  const frames = stack.slice(stack.indexOf(message) + message.length).split('\n');
  return frames.filter((line) => /^\s+at /.test(line));
}
