/** The built-in language. */
import type { ErrorMessages } from './words.js';

/**
 * The sentences in English: what is shown where a translation has none, and the list of what there is to translate.
 *
 * @example
 * import { english, type ErrorMessages } from 'axios-token-refresh/messages';
 *
 * const british: ErrorMessages = { ...english, AUTH_SESSION_EXPIRED: 'Your session has ended, sorry. Please sign in.' };
 */
export const english: ErrorMessages = Object.freeze({
  AUTH_TOKEN_MISSING: 'Please sign in to continue.',
  AUTH_TOKEN_MALFORMED: 'Something is wrong with your sign-in. Please contact support.',
  AUTH_TOKEN_EXPIRED: 'Your sign-in has expired. Please sign in again.',
  AUTH_TOKEN_NOT_YET_VALID: 'The clock of this device seems to be wrong. Please correct it and try again.',
  AUTH_TOKEN_REFRESH_FAILED: 'We cannot confirm your sign-in right now. Please try again in a moment.',
  AUTH_TOKEN_REFRESH_TIMEOUT: 'Confirming your sign-in takes too long. Please try again in a moment.',
  AUTH_TOKEN_REJECTED: 'Your sign-in is not accepted here. Please contact support.',
  AUTH_REFRESH_RESPONSE_INVALID: 'Your sign-in could not be renewed. Please contact support.',
  AUTH_SESSION_EXPIRED: 'Your session has ended. Please sign in again.',
  AUTH_SESSION_CLEARED: 'This was not finished, because you signed out or changed accounts.',
  AUTH_WAIT_TIMEOUT: 'This took too long. Please try again.',
  AUTH_QUEUE_FULL: 'Too much is going on at once. Please try again in a moment.',
  AUTH_BODY_NOT_REPLAYABLE: 'The upload was interrupted. Please send it again.',
  AUTH_SCOPE_MISMATCH: 'Your sign-in does not cover this service. Please contact support.',
  AUTH_SESSION_DISPOSED: 'This page is out of date. Please reload it.',
  UNKNOWN: 'Something went wrong. Please try again.',
});
