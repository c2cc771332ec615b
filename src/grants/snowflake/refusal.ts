/** What a refused exchange tells: account, host, code, message, request id, and no token. Pure. */
import { classify } from '../../core/failure.js';
import { describe, field, headerOf, identifier, requestIdOf, statusOf } from '../../core/redact.js';
import { isTokenError, TokenError } from '../../errors.js';
import type { TokenErrorCause } from '../../types.js';
import { parsed } from '../answer.js';

/** Which step of which exchange. */
export interface Step {
  /** The account's host name. */
  readonly account: string;
  /** The ingest host, once it is known. */
  readonly ingest: string | undefined;
  readonly jwt: string;
}

const uuid = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/i;
const wholeUuid = new RegExp(`^${uuid.source}\\.?$`, 'i');
const longestMessage = 300;

/** The error for a 400, 401 or 403, told in full; any other is given its request id, for the session to retry or not. */
export function told(error: unknown, step: Step): unknown {
  const status = statusOf(error);
  const requestId = requestIdIn(error, partsOf(step));
  if (status !== 400 && status !== 401 && status !== 403) {
    // The session knows neither Snowflake's header nor a body that is still text.
    return error instanceof Error && requestId !== undefined ? Object.assign(error, { requestId }) : error;
  }
  const { terminal, kind } = classify(error);
  const message = [
    `Snowflake refused the token exchange with HTTP ${status}${saidBy(error, step.jwt)}`,
    `account ${step.account}`,
    `ingest host ${step.ingest ?? 'not known yet'}`,
    `request id ${requestId ?? 'not given'}`,
  ].join(', ');
  return new TokenError(terminal ? 'AUTH_SESSION_EXPIRED' : 'AUTH_TOKEN_REFRESH_FAILED', `${message}.`, {
    kind,
    status,
    requestId,
    cause: describe(error, partsOf(step)),
  });
}

/** The same for callers outside of a session, who must not get an error with the request's headers in it. */
export function toldToCaller(error: unknown, step: Step): unknown {
  const what = `Account ${step.account} could not be asked for its ingest host`;
  return sanitised(error, what, describe(error, partsOf(step)), requestIdIn(error, partsOf(step)));
}

/** The same for what the function threw that was to make the JWT. */
export function toldOfSupply(error: unknown): unknown {
  const cause = describe(error);
  return sanitised(error, 'Option "jwt" gave no token', cause, cause.requestId);
}

function sanitised(error: unknown, what: string, cause: TokenErrorCause, requestId: string | undefined): unknown {
  if (isTokenError(error)) return error;
  const { kind, status } = classify(error);
  const fields = { kind, status, requestId, retryable: true, cause };
  return new TokenError('AUTH_TOKEN_REFRESH_FAILED', `${what} (${kind}: ${cause.message}).`, fields);
}

/** None of them is told: an id that a server makes of the JWT is one of these, or has one in it. */
function partsOf({ jwt }: Step): string[] {
  return jwt.split('.');
}

function bodyOf(error: unknown): unknown {
  return parsed(field(field(error, 'response'), 'data'));
}

/** Snowflake writes the id of a refused login into the message, in brackets: `SYSTEM$GET_LOGIN_FAILURE_DETAILS` takes it. */
function requestIdIn(error: unknown, secrets: readonly string[]): string | undefined {
  const body = bodyOf(error);
  return (
    [{ requestId: headerOf(error, 'x-snowflake-request-id') }, error, { response: { data: body } }]
      .map((source) => requestIdOf(source, secrets))
      .find(Boolean) ?? uuid.exec(messageIn(body))?.[0]
  );
}

function messageIn(body: unknown): string {
  const texts = [field(body, 'message'), field(body, 'error_description'), body];
  return texts.find((text): text is string => typeof text === 'string') ?? '';
}

/** Code and message of the server, as far as they can be told. */
function saidBy(error: unknown, jwt: string): string {
  const body = bodyOf(error);
  const codes = [field(body, 'code'), field(body, 'error_code'), field(body, 'error')].map((code) =>
    typeof code === 'number' ? String(code) : code,
  );
  const code = codes.map(identifier).find((one) => one !== undefined && !isSecret(one, jwt));
  const message = /^\s*</.test(messageIn(body)) ? '' : quotable(messageIn(body), jwt);
  return `${code === undefined ? '' : `, code ${code}`}${message === '' ? '' : `, message "${message}"`}`;
}

/** A foreign sentence on one line, without anything that could be a token. */
function quotable(text: string, jwt: string): string {
  const line = text
    .slice(0, longestMessage)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .replaceAll('"', "'")
    .trim();
  return line.replaceAll(/[^\s'`(){}<>[\],;:]+/g, (word) => (isSecret(word, jwt) ? '[redacted]' : word));
}

/** A part of the JWT, or a long word that is neither an identifier in one case nor a UUID. */
function isSecret(word: string, jwt: string): boolean {
  if (word.length >= 8 && jwt.includes(word)) return true;
  return word.length >= 16 && !/^([A-Z_]+|[a-z._-]+)$/.test(word) && !wholeUuid.test(word);
}
