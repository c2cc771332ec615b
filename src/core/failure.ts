/** Tells refusals from mishaps: pure. */
import { isNetworkError, retryAfter } from 'axios-retry';
import type { AxiosError } from 'axios';
import { isTokenError } from '../errors.js';
import type { FailureKind } from '../types.js';
import { codeOf, field, headerOf, statusOf } from './redact.js';

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

// OAuth answers that blame the client, the request or the server rather than the grant (RFC 6749, section 5.2):
// still no reason to believe that the next attempt will do better, except for these.
const passing = new Set([
  'temporarily_unavailable',
  'server_error',
  'slow_down',
  'authorization_pending',
  'use_dpop_nonce',
]);
// Nothing left this machine, or the server was not there.
const unreached = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INTERNET_DISCONNECTED',
  'ERR_NAME_NOT_RESOLVED',
  'ERR_CONNECTION_REFUSED',
]);
const timeouts = new Set([
  'ECONNABORTED',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const socketCode = /^(E[A-Z_]+|UND_ERR_\w+|CERT_\w+|UNABLE_TO_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|HPE_\w+)$/;
const certificate = /CERT|UNABLE_TO_|DEPTH_ZERO|TLS/;

/** The OAuth error code of an answer's body, parsed or not. */
function oauthError(error: unknown): string | undefined {
  let body = field(field(error, 'response'), 'data');
  if (typeof body === 'string') {
    try {
      body = JSON.parse(body);
    } catch {
      return undefined;
    }
  }
  const code = field(body, 'error');
  return typeof code === 'string' ? code : undefined;
}

function isHtml(error: unknown): boolean {
  return /^\s*text\/html/i.test(headerOf(error, 'content-type') ?? '');
}

/** Whether an answer of this status refuses the refresh credential. */
function isRefusal(status: number, error: unknown): boolean {
  const code = oauthError(error);
  if (code !== undefined && passing.has(code)) return false;
  if (status === 401 || status === 403) return !isHtml(error);
  // A 400 without a word of the OAuth kind may come from a gateway; an empty or JSON one from a token endpoint is meant.
  return status === 400 && !isHtml(error) && code !== 'invalid_request';
}

/** The default reading of whatever a refresh callback threw. */
export function classify(error: unknown): Failure {
  if (isTokenError(error)) {
    const { kind = 'callback', status, code } = error;
    return { kind, terminal: code === 'AUTH_SESSION_EXPIRED', mayHaveReached: true, status, retryAfterMs: 0 };
  }
  const status = statusOf(error);
  const code = codeOf(error);
  const name = field(error, 'name');
  if (status !== undefined) {
    const terminal = isRefusal(status, error);
    const kind = terminal
      ? 'refused'
      : status === 429
        ? 'throttled'
        : status === 408
          ? 'timeout'
          : status >= 500 || status === 425 || isHtml(error)
            ? 'server'
            : 'protocol';
    return { kind, terminal, mayHaveReached: false, status, retryAfterMs: retryAfterOf(error) };
  }
  const failure = { terminal: false, status, retryAfterMs: 0 };
  if (name === 'TimeoutError' || (code !== undefined && timeouts.has(code))) {
    return { ...failure, kind: 'timeout', mayHaveReached: code !== 'UND_ERR_CONNECT_TIMEOUT' };
  }
  if (isConnectionFault(error, code)) {
    return {
      ...failure,
      kind: 'network',
      mayHaveReached: !(code !== undefined && (unreached.has(code) || certificate.test(code))),
    };
  }
  return { ...failure, kind: 'callback', mayHaveReached: true };
}

function isConnectionFault(error: unknown, code: string | undefined): boolean {
  if (code !== undefined && (unreached.has(code) || socketCode.test(code))) return true;
  // fetch says "TypeError" for every fault of the network, in other words on every engine.
  const message = field(error, 'message');
  if (field(error, 'name') === 'TypeError' && typeof message === 'string') {
    return /^(fetch failed|Failed to fetch|Load failed|NetworkError|Network request failed|terminated)/i.test(message);
  }
  return field(error, 'isAxiosError') === true && isNetworkError(error as AxiosError);
}

function retryAfterOf(error: unknown): number {
  const value = headerOf(error, 'retry-after');
  if (value === undefined) return 0;
  const asked = retryAfter({ response: { headers: { 'retry-after': value } } } as unknown as AxiosError);
  return Number.isFinite(asked) ? asked : 0;
}
