/** Tells refusals from mishaps: pure. */
import { isNetworkError, retryAfter } from 'axios-retry';
import type { AxiosError } from 'axios';
import { isTokenError } from '../errors.js';
import type { FailureKind } from '../types.js';
import { ask } from './ask.js';
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

// OAuth errors that pass (RFC 6749, section 4.1.2.1; RFC 8628, section 3.5; RFC 9449, section 8), and those that blame
// the request or the application (RFC 6749, section 5.2): no sign-in would mend these.
const sparing =
  /^(temporarily_unavailable|server_error|slow_down|authorization_pending|use_dpop_nonce|invalid_request|AUTH_REQUEST_INVALID|invalid_client|unauthorized_client|unsupported_grant_type)$/;
// Codes of sockets, resolvers and TLS in Node, undici and browsers, by what they say of the request.
const timeout = /ABORTED|TIMEDOUT|_TIMEOUT$/;
const unreached =
  /REFUSED|NOTFOUND|EAI_AGAIN|UNREACH|NETDOWN|ADDRNOTAVAIL|NOT_RESOLVED|DISCONNECTED|CONNECT_TIMEOUT|CERT|TLS|UNABLE_TO_|DEPTH_ZERO/;
const connection = /^(E[A-Z]+|EAI_\w+|EPROTO|HPE_\w+|UND_ERR_\w+|ERR_(NETWORK|TLS|SSL|INTERNET|NAME|CONNECTION)\w*)$/;
// What fetch says of the network, in the words of each engine; its errors are plain TypeErrors.
const fetchFault = /^(fetch failed|Failed to fetch|Load failed|NetworkError|Network request failed|terminated)/i;

/** The error code of an answer's body, parsed or not, OAuth's or `{ error: { code } }`; or of an error that carries it itself. */
function oauthError(error: unknown): string | undefined {
  const response = field(error, 'response');
  const bodies = [field(response, 'data'), field(response, 'body'), field(error, 'data'), error];
  const errors = bodies.map((body) => field(parsed(body), 'error'));
  return errors.flatMap((error) => [error, field(error, 'code')]).find((code) => typeof code === 'string');
}

function parsed(body: unknown): unknown {
  try {
    return typeof body === 'string' ? JSON.parse(body) : body;
  } catch {
    return undefined;
  }
}

function isHtml(error: unknown): boolean {
  return /^\s*text\/html/i.test(headerOf(error, 'content-type') ?? '');
}

/** Whether an answer of this status refuses the refresh credential. A page of HTML comes from something in between. */
function isRefusal(status: number, error: unknown): boolean {
  return [400, 401, 403].includes(status) && !isHtml(error) && !sparing.test(oauthError(error) ?? '');
}

function kindOf(status: number, error: unknown): FailureKind {
  if (status === 429) return 'throttled';
  if (status === 408) return 'timeout';
  return status >= 500 || status === 425 || isHtml(error) ? 'server' : 'protocol';
}

/** The default reading of whatever a refresh callback threw. */
export function classify(error: unknown): Failure {
  if (isTokenError(error)) {
    const { kind = 'callback', status, code } = error;
    return { kind, terminal: code === 'AUTH_SESSION_EXPIRED', mayHaveReached: true, status, retryAfterMs: 0 };
  }
  const status = statusOf(error);
  if (status !== undefined) {
    const terminal = isRefusal(status, error);
    // A gateway gave up waiting: what is behind it may have acted.
    const mayHaveReached = status === 502 || status === 504;
    return {
      kind: terminal ? 'refused' : kindOf(status, error),
      terminal,
      mayHaveReached,
      status,
      retryAfterMs: retryAfterOf(error),
    };
  }
  const code = codeOf(error) ?? '';
  const kind: FailureKind =
    field(error, 'name') === 'TimeoutError' || timeout.test(code)
      ? 'timeout'
      : isConnectionFault(error, code)
        ? 'network'
        : 'callback';
  return { kind, terminal: false, mayHaveReached: !unreached.test(code), status, retryAfterMs: 0 };
}

/** The reading after the user's own rule. */
export function judge(
  error: unknown,
  rule: ((error: unknown) => 'terminal' | 'transient' | undefined) | undefined,
  fault: (thrown: unknown) => void,
): Failure {
  const failure = classify(error);
  const verdict = ask({ name: 'classifyFailure', verdicts: ['terminal', 'transient'], fault }, () => rule?.(error));
  return verdict ? { ...failure, terminal: verdict === 'terminal' } : failure;
}

function isConnectionFault(error: unknown, code: string): boolean {
  if (unreached.test(code) || connection.test(code)) return true;
  if (field(error, 'name') === 'TypeError') return fetchFault.test(String(field(error, 'message')));
  return field(error, 'isAxiosError') === true && isNetworkError(error as AxiosError);
}

function retryAfterOf(error: unknown): number {
  const value = headerOf(error, 'retry-after');
  if (value === undefined) return 0;
  const asked = retryAfter({ response: { headers: { 'retry-after': value } } } as unknown as AxiosError);
  return Number.isFinite(asked) ? asked : 0;
}
