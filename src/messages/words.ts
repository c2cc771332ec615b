/** What can be said of an error, and what to do about it. */
import type { TokenErrorCode } from '../errors.js';

/** The code of a `TokenError`, or `UNKNOWN` for every other error. */
export type DescribedCode = TokenErrorCode | 'UNKNOWN';

/**
 * What to offer to the user.
 * - `sign-in`: a sign-in page.
 * - `retry`: the same again, now.
 * - `wait`: the same again in a moment; an application may do it by itself.
 * - `reload`: the page anew.
 * - `contact`: the support, with the request id if there is one. Trying again will not help.
 * - `none`: nothing. The user ended it.
 */
export type SuggestedAction = 'sign-in' | 'retry' | 'wait' | 'reload' | 'contact' | 'none';

/** A sentence for each code, in one language. */
export type ErrorMessages = Readonly<Record<DescribedCode, string>>;

export const actions: Readonly<Record<DescribedCode, SuggestedAction>> = {
  AUTH_TOKEN_MISSING: 'sign-in',
  AUTH_TOKEN_MALFORMED: 'contact',
  AUTH_TOKEN_EXPIRED: 'sign-in',
  AUTH_TOKEN_NOT_YET_VALID: 'retry',
  AUTH_TOKEN_REFRESH_FAILED: 'wait',
  AUTH_TOKEN_REFRESH_TIMEOUT: 'wait',
  AUTH_TOKEN_REJECTED: 'contact',
  AUTH_REFRESH_RESPONSE_INVALID: 'contact',
  AUTH_SESSION_EXPIRED: 'sign-in',
  AUTH_SESSION_CLEARED: 'none',
  AUTH_WAIT_TIMEOUT: 'retry',
  AUTH_QUEUE_FULL: 'wait',
  AUTH_BODY_NOT_REPLAYABLE: 'retry',
  AUTH_SCOPE_MISMATCH: 'contact',
  AUTH_SESSION_DISPOSED: 'reload',
  UNKNOWN: 'retry',
};
