/** The errors of requests that get no token, and of refreshes that are not made, each in one place: what happened, and what to do. */
import { TokenError } from '../errors.js';

export const missing = (): TokenError =>
  new TokenError(
    'AUTH_TOKEN_MISSING',
    'There is no access token, and none can be had: call setTokens() after a sign-in.',
  );

export const cleared = (): TokenError =>
  new TokenError(
    'AUTH_SESSION_CLEARED',
    'The user who made this request has signed out, or another one has signed in.',
  );

export const disposed = (): TokenError =>
  new TokenError('AUTH_SESSION_DISPOSED', 'The session has been disposed of: make a new one.');

export const aborted = (): TokenError => new TokenError('AUTH_WAIT_TIMEOUT', 'The request was aborted.');

export const waitTimeout = (): TokenError =>
  new TokenError('AUTH_WAIT_TIMEOUT', 'No token came within the request\'s own timeout or the option "maxWaitMs".', {
    retryable: true,
  });

export const queueFull = (maxWaiting: number): TokenError =>
  new TokenError('AUTH_QUEUE_FULL', `The option "maxWaiting" (${maxWaiting}) lets no more requests wait for a token.`, {
    retryable: true,
  });

export const rejectedToken = (): TokenError =>
  new TokenError(
    'AUTH_TOKEN_REJECTED',
    'The API refuses a freshly issued token: check its audience, scope and issuer.',
  );

export const bodyUsedUp = (): TokenError =>
  new TokenError(
    'AUTH_BODY_NOT_REPLAYABLE',
    'The request body is a stream that has been read, or its transformRequest threw: send the request again with a new one.',
    { retryable: true },
  );

export const scopeMismatch = (audience: readonly string[], origin: string): TokenError =>
  new TokenError(
    'AUTH_SCOPE_MISMATCH',
    `The token is for ${audience.join(', ')}, and the request goes to ${origin}: nothing was sent.`,
  );

export const noTurn = (): TokenError =>
  new TokenError('AUTH_TOKEN_REFRESH_FAILED', 'The store gives no turn, and the token is not due yet', {
    kind: 'network',
  });
