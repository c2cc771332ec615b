/** Puts a failed refresh into words: pure. */
import { isTokenError, TokenError, type TokenErrorCode } from '../errors.js';
import { errorWord, type Failure } from './failure.js';
import { describe, hide, requestIdOf } from './redact.js';

export interface FailedRefresh {
  /** What the callback threw, if it did. */
  readonly error: unknown;
  readonly failure: Failure;
  /** Ended by the operation's deadline. */
  readonly timedOut: boolean;
  readonly attempts: number;
  readonly operationId: string;
  readonly refreshTimeoutMs: number;
  /** Strings that must not be told. */
  readonly secrets: readonly string[];
}

export function refreshError(failed: FailedRefresh): TokenError {
  const { error, failure, attempts, operationId, secrets } = failed;
  const own = isTokenError(error) ? error : undefined;
  const cause = error === undefined || own ? undefined : describe(error, secrets);
  const [code, what] = wording(failed, own);
  const word = errorWord(error);
  const said = word === undefined ? '' : `, ${hide(word, secrets)}`;
  const told = cause ? `${what} (${failure.kind}: ${cause.message}${said}).` : `${what}.`;
  return new TokenError(code, told, {
    kind: failure.kind,
    status: failure.status,
    requestId: requestIdOf(error, secrets),
    attempts,
    operationId,
    retryable: !failure.terminal,
    cause,
  });
}

function wording(
  { failure, timedOut, attempts, refreshTimeoutMs, secrets }: FailedRefresh,
  own: TokenError | undefined,
): [TokenErrorCode, string] {
  const after = `after ${attempts} attempt${attempts === 1 ? '' : 's'}`;
  // A callback that ends the session itself knows better than we what it was told.
  if (failure.terminal && own?.code !== 'AUTH_SESSION_EXPIRED')
    return ['AUTH_SESSION_EXPIRED', 'The server refused to refresh the session: sign in again'];
  if (timedOut)
    return ['AUTH_TOKEN_REFRESH_TIMEOUT', `The token refresh took longer than ${refreshTimeoutMs} ms, ${after}`];
  if (own) return [own.code, hide(own.message.replace(/\.$/, ''), secrets)];
  return ['AUTH_TOKEN_REFRESH_FAILED', `The token refresh failed ${after}`];
}
