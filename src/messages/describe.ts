/** From an error to what a user is told of it. */
import { field } from '../core/redact.js';
import { isTokenError, type TokenError } from '../errors.js';
import { english } from './english.js';
import { actions, type DescribedCode, type ErrorMessages, type SuggestedAction } from './words.js';

/** What to show of an error. Nothing of the error itself but its code and the server's request id is in it. */
export interface ErrorDescription {
  readonly code: DescribedCode;
  /** One or two plain sentences. */
  readonly message: string;
  /** What to offer. */
  readonly action: SuggestedAction;
  /** The server's id for the request, to quote to its operators, if it has told one. */
  readonly requestId?: string;
}

/**
 * Says what happened in words for the user of an application, and what to offer. Takes whatever was thrown: a
 * `TokenError`, an error that has one as its `cause` (an `AxiosError` for a 401, or one of your own around it), or
 * anything else, which is `UNKNOWN`. Never throws.
 *
 * An aborted request is `UNKNOWN` as well: leave it out before, with Axios's `isCancel`.
 *
 * @param messages the sentences of another language; those that are missing are said in English. @default english
 * @example
 * import { describeError } from 'axios-token-refresh/messages';
 *
 * try {
 *   await api.get('/orders');
 * } catch (error) {
 *   const { message, action } = describeError(error);
 *   if (action === 'sign-in') location.assign('/login');
 *   else alert(message);
 * }
 */
export function describeError(error: unknown, messages: Partial<ErrorMessages> = english): ErrorDescription {
  const known = tokenErrorIn(error);
  const code = known?.code ?? 'UNKNOWN';
  const sentence = field(messages, code);
  const requestId = field(known, 'requestId');
  return {
    code,
    message: typeof sentence === 'string' && sentence !== '' ? sentence : english[code],
    action: actions[code],
    ...(typeof requestId === 'string' && { requestId }),
  };
}

// Deeper than anybody wraps an error, and an end for those that are their own cause.
const deepest = 8;

function tokenErrorIn(error: unknown): TokenError | undefined {
  let current = error;
  for (let depth = 0; depth < deepest; depth += 1) {
    // A newer copy of the package may have codes that this one has no words for.
    if (isTokenError(current) && Object.hasOwn(actions, current.code)) return current;
    current = field(current, 'cause');
  }
  return undefined;
}
