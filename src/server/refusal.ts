/** What the server half says when it does not say yes: one shape, few codes, fixed sentences. */
import type { TokenErrorCause } from '../types.js';

/** Why a request was not served. The client's default classification ends a session on 400, 401 and 403 only. */
export type AuthErrorCode =
  | 'AUTH_TOKEN_MISSING'
  | 'AUTH_TOKEN_INVALID'
  | 'AUTH_TOKEN_EXPIRED'
  | 'AUTH_TOKEN_REUSED'
  | 'AUTH_RATE_LIMITED'
  | 'AUTH_TOKEN_REFRESH_FAILED'
  | 'AUTH_UPSTREAM_TIMEOUT'
  | 'AUTH_UNAVAILABLE'
  | 'AUTH_REQUEST_INVALID';

const refusals: Readonly<Record<AuthErrorCode, readonly [status: number, message: string]>> = {
  AUTH_TOKEN_MISSING: [400, 'The request carries no token.'],
  AUTH_TOKEN_INVALID: [401, 'The token is unknown, malformed or revoked: sign in again.'],
  AUTH_TOKEN_EXPIRED: [401, 'The token has expired.'],
  AUTH_TOKEN_REUSED: [401, 'The refresh token was used before. The session has been ended: sign in again.'],
  AUTH_RATE_LIMITED: [429, 'Too many requests: wait as long as Retry-After says.'],
  AUTH_TOKEN_REFRESH_FAILED: [502, 'The authorization server behind this one gave no usable answer.'],
  AUTH_UPSTREAM_TIMEOUT: [504, 'The authorization server behind this one did not answer in time.'],
  AUTH_UNAVAILABLE: [503, 'The service cannot answer now. The session is untouched: try again.'],
  AUTH_REQUEST_INVALID: [400, 'The request is not one that this endpoint takes.'],
};

export interface AuthErrorFields {
  /** HTTP status, where the code's own does not fit: 403, 405, 413 and 415 of `AUTH_REQUEST_INVALID`, 500 of `AUTH_UNAVAILABLE`. */
  readonly status?: number;
  /** Replaces the code's sentence. Never a value that the caller sent. */
  readonly message?: string;
  /** When to come again, in milliseconds. Sent as `Retry-After`, in whole seconds, rounded up. @default 1_000 with status 503, else none */
  readonly retryAfterMs?: number;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: TokenErrorCause;
}

/**
 * A refusal or a mishap of the server half, with the code and the HTTP status that its answer has. Holds no token.
 *
 * @example
 * try {
 *   await endpoint.verifyAccessToken(accessToken);
 * } catch (error) {
 *   if (error instanceof AuthError && error.code === 'AUTH_TOKEN_EXPIRED') console.warn('expired');
 * }
 */
export class AuthError extends Error {
  readonly code: AuthErrorCode;
  /** HTTP status of the answer. */
  readonly status: number;
  /** When to come again, in milliseconds; `undefined` if that is not known. */
  readonly retryAfterMs: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: AuthErrorCode, fields: AuthErrorFields = {}) {
    const [status, message] = refusals[code];
    super(fields.message ?? message, fields.cause && { cause: fields.cause });
    this.code = code;
    this.status = fields.status ?? status;
    this.retryAfterMs = fields.retryAfterMs ?? (this.status === 503 ? 1_000 : undefined);
    this.headers = fields.headers ?? {};
    Object.defineProperty(this, 'name', { value: 'AuthError' });
  }
}

/** The body of every answer that is not a yes. */
export interface AuthErrorBody {
  readonly error: { readonly code: AuthErrorCode; readonly message: string; readonly requestId: string };
}

export function bodyOf({ code, message }: AuthError, requestId: string): AuthErrorBody {
  return { error: { code, message, requestId } };
}

/** Headers that keep an answer with tokens, or about them, out of caches (RFC 6749, section 5.1) and sniffers. */
export function answerHeaders(requestId: string): Record<string, string> {
  return { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'X-Request-Id': requestId };
}

export function headersOf(error: AuthError, requestId: string): Record<string, string> {
  return {
    ...answerHeaders(requestId),
    ...error.headers,
    'Content-Type': 'application/json',
    ...(error.retryAfterMs !== undefined && {
      'Retry-After': String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))),
    }),
  };
}

export function refuse(error: AuthError, requestId: string): Response {
  const body = JSON.stringify(bodyOf(error, requestId));
  return new Response(body, { status: error.status, headers: headersOf(error, requestId) });
}
