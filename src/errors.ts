/** The one error class of the package. */
import type { FailureKind, TokenErrorCause } from './types.js';

/** What went wrong; each is explained in the README's table. */
export type TokenErrorCode =
  | 'AUTH_TOKEN_MISSING'
  | 'AUTH_TOKEN_MALFORMED'
  | 'AUTH_TOKEN_EXPIRED'
  | 'AUTH_TOKEN_NOT_YET_VALID'
  | 'AUTH_TOKEN_REFRESH_FAILED'
  | 'AUTH_TOKEN_REFRESH_TIMEOUT'
  | 'AUTH_TOKEN_REJECTED'
  | 'AUTH_REFRESH_RESPONSE_INVALID'
  | 'AUTH_SESSION_EXPIRED'
  | 'AUTH_SESSION_CLEARED'
  | 'AUTH_WAIT_TIMEOUT'
  | 'AUTH_QUEUE_FULL'
  | 'AUTH_BODY_NOT_REPLAYABLE'
  | 'AUTH_SCOPE_MISMATCH'
  | 'AUTH_SESSION_DISPOSED';

/** What a {@link TokenError} may hold beside its code and message. */
export interface TokenErrorFields {
  readonly kind?: FailureKind | undefined;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly attempts?: number | undefined;
  readonly operationId?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly cause?: TokenErrorCause | undefined;
}

// A registered symbol: the ESM and the CommonJS copy of the package know each other's errors.
const brand = Symbol.for('axios-token-refresh.TokenError');

/**
 * Why a token could not be had or used. Holds no token, request config, header or body.
 *
 * It has no `config` and is no `AxiosError` on purpose: retry plugins would send the request again.
 *
 * @example
 * try {
 *   await api.get('/orders');
 * } catch (error) {
 *   if (isTokenError(error, 'AUTH_SESSION_EXPIRED')) location.assign('/login');
 * }
 */
export class TokenError extends Error {
  readonly code: TokenErrorCode;
  /** What kind of fault made a refresh fail. */
  declare readonly kind?: FailureKind;
  /** HTTP status of the answer behind it. */
  declare readonly status?: number;
  /** The server's id for the request, to quote to its operators. */
  declare readonly requestId?: string;
  /** Calls of the refresh callback. */
  declare readonly attempts?: number;
  /** Matches the events of the same refresh. */
  declare readonly operationId?: string;
  /** What is told of the error behind it. */
  declare readonly cause?: TokenErrorCause;
  /** Whether the same request may succeed later without a new sign-in. */
  readonly retryable: boolean;

  constructor(code: TokenErrorCode, message: string, fields: TokenErrorFields = {}) {
    const { cause, retryable = false, ...rest } = fields;
    super(message, cause && { cause });
    this.code = code;
    this.retryable = retryable;
    for (const [name, value] of Object.entries(rest)) {
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
    Object.defineProperties(this, { name: { value: 'TokenError' }, [brand]: { value: true } });
  }

  /** The fields and the message: safe to log. */
  toJSON(): object {
    return Object.assign({ name: this.name, message: this.message }, this);
  }
}

/**
 * Whether `error` is a {@link TokenError}, of that `code` if one is given. Unlike `instanceof` it holds across copies
 * of the package. Never throws.
 *
 * @example
 * const error: unknown = await session.refresh().catch((reason: unknown) => reason);
 * if (isTokenError(error) && error.retryable) console.warn('Try again later.', error.code);
 */
export function isTokenError(error: unknown, code?: TokenErrorCode): error is TokenError {
  try {
    const { [brand]: branded, code: own } = error as Record<symbol, unknown> & { code?: unknown };
    return branded === true && (code === undefined || own === code);
  } catch {
    return false;
  }
}
