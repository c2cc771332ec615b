/** Tells refusals from mishaps: pure. */
import { isNetworkError } from 'axios-retry';
import type { AxiosError } from 'axios';
import { isTokenError } from '../errors.js';
import type { FailureKind } from '../types.js';
import { ask } from './ask.js';
import { isObject } from './checks.js';
import { codesOf, field, headerOf, statusOf } from './redact.js';

export interface Failure {
  readonly kind: FailureKind;
  /** The server refused the credential for good. */
  readonly terminal: boolean;
  /** The server may have acted on the request without our having its answer: a second one is risky, a late one worse. */
  readonly mayHaveReached: boolean;
  readonly status: number | undefined;
  /** How long the server asks us to stay away. 0 if it does not. */
  readonly retryAfterMs: number;
}

// OAuth errors that pass (RFC 6749, section 4.1.2.1; RFC 8628, section 3.5; RFC 9449, section 8), and those that blame
// the request or the application (RFC 6749, section 5.2): no sign-in would mend these.
const sparing =
  /^(temporarily_unavailable|server_error|slow_down|authorization_pending|use_dpop_nonce|invalid_request|AUTH_REQUEST_INVALID|invalid_client|unauthorized_client|unsupported_grant_type)$/;
// Codes of sockets, resolvers and TLS in Node, undici and browsers, by what they say of the request.
const timeout = /ABORTED|TIMEDOUT|_TIMEOUT$/;
const unreached =
  /REFUSED|NOTFOUND|EAI_AGAIN|UNREACH|NETDOWN|ADDRNOTAVAIL|NOT_RESOLVED|DISCONNECTED|CONNECT_TIMEOUT|CERT|TLS|UNABLE_TO_|DEPTH_ZERO/;
const connection = /^(E[A-Z]+|EAI_\w+|EPROTO|HPE_\w+|UND_ERR_\w+|ERR_(NETWORK|TLS|SSL|INTERNET|NAME|CONNECTION)\w*)$/;
// What fetch says of the network, in the words of each engine; its errors are plain TypeErrors, on Cloudflare plain Errors.
const fetchFault =
  /^(TypeError: (fetch failed|Failed to fetch|Load failed|NetworkError|Network request failed|terminated|error reading a body)|Error: Network connection lost|NetworkError\b)/i;

/** Where clients put an answer's body. */
function bodiesOf(error: unknown): unknown[] {
  const response = field(error, 'response');
  return [field(response, 'data'), field(response, 'body'), field(error, 'data')];
}

/** The error code of an answer's body, parsed or not, OAuth's or `{ error: { code } }`; or of an error that carries it itself. */
function oauthError(error: unknown): string | undefined {
  const errors = [...bodiesOf(error), error].map((body) => field(parsed(body), 'error'));
  return errors.flatMap((error) => [error, field(error, 'code')]).find((code) => typeof code === 'string');
}

/** The answer's own word for what is wrong, such as `invalid_client`: a name, since a token has digits or letters of both cases. */
export function errorWord(error: unknown): string | undefined {
  return /^([a-z_]{1,40}|[A-Z_]{1,40})$/.exec(oauthError(error) ?? '')?.[0];
}

function parsed(body: unknown): unknown {
  try {
    return typeof body === 'string' ? JSON.parse(body) : body;
  } catch {
    return undefined;
  }
}

/** Whether an answer is a page, and so from something in between. What its body is counts, where that can be read. */
function isPage(error: unknown): boolean {
  const body = bodiesOf(error).find((one) => typeof one === 'string' || isRecord(one));
  if (body !== undefined) return typeof body === 'string' && /^\s*</.test(body);
  return /^\s*(text\/html|application\/xhtml)/i.test(headerOf(error, 'content-type') ?? '');
}

/** Parsed JSON; no stream, no bytes. */
function isRecord(value: unknown): boolean {
  return isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether an answer of this status refuses the refresh credential. */
function isRefusal(status: number, error: unknown): boolean {
  return [400, 401, 403].includes(status) && !isPage(error) && !sparing.test(oauthError(error) ?? '');
}

function kindOf(status: number, error: unknown): FailureKind {
  if (status === 429) return 'throttled';
  if (status === 408) return 'timeout';
  return status >= 500 || status === 425 || isPage(error) ? 'server' : 'protocol';
}

/** The default reading of whatever a refresh callback threw, at the moment `now` of the wall clock. */
export function classify(error: unknown, now = NaN): Failure {
  if (isTokenError(error)) {
    const { kind = 'callback', status, code } = error;
    return { kind, terminal: code === 'AUTH_SESSION_EXPIRED', mayHaveReached: true, status, retryAfterMs: 0 };
  }
  const status = statusOf(error);
  if (status !== undefined) {
    const terminal = isRefusal(status, error);
    // An answer of success that broke off or makes no sense; or a gateway gave up waiting: what is behind it may have acted.
    const mayHaveReached = status < 300 || status === 502 || status === 504;
    return {
      kind: terminal ? 'refused' : kindOf(status, error),
      terminal,
      mayHaveReached,
      status,
      retryAfterMs: retryAfterOf(error, now),
    };
  }
  const codes = codesOf(error);
  const says = (what: RegExp): boolean => codes.some((code) => what.test(code));
  const kind: FailureKind =
    field(error, 'name') === 'TimeoutError' || says(timeout)
      ? 'timeout'
      : says(unreached) || says(connection) || isConnectionFault(error)
        ? 'network'
        : 'callback';
  return { kind, terminal: false, mayHaveReached: !says(unreached), status, retryAfterMs: 0 };
}

/** The reading after the user's own rule. */
export function judge(
  error: unknown,
  rule: ((error: unknown) => 'terminal' | 'transient' | undefined) | undefined,
  fault: (thrown: unknown) => void,
  now: number,
): Failure {
  const failure = classify(error, now);
  const verdict = ask({ name: 'classifyFailure', verdicts: ['terminal', 'transient'], fault }, () => rule?.(error));
  return verdict ? { ...failure, terminal: verdict === 'terminal' } : failure;
}

function isConnectionFault(error: unknown): boolean {
  const told = [field(error, 'name'), field(error, 'message')].filter((part) => typeof part === 'string').join(': ');
  return fetchFault.test(told) || (field(error, 'isAxiosError') === true && isNetworkError(error as AxiosError));
}

function retryAfterOf(error: unknown, now: number): number {
  const value = headerOf(error, 'retry-after') ?? '';
  const seconds = Number(value);
  // A date counts from the answer's own: whose clock is off does not matter then.
  const untilMs = Date.parse(value) - (Date.parse(headerOf(error, 'date') ?? '') || now);
  const askedMs = Number.isNaN(seconds) ? untilMs : seconds * 1000;
  return askedMs > 0 && Number.isFinite(askedMs) ? askedMs : 0;
}
