/** Reads what a token endpoint answers (RFC 6749, section 5): pure. */
import { isNumber, isText } from '../core/checks.js';
import { classify } from '../core/failure.js';
import { field } from '../core/redact.js';
import { TokenError } from '../errors.js';
import type { TokenSet } from '../types.js';

/** The error of an answer that cannot be used. */
export function unusable(problem: string): TokenError {
  return new TokenError('AUTH_REFRESH_RESPONSE_INVALID', `The answer is no use: ${problem}.`, { kind: 'protocol' });
}

/** A body, parsed if it is JSON. */
export function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

/**
 * A time or lifetime of an answer; some servers send it as a string. One that makes no sense counts as none: it must not
 * cost the tokens beside it, of which the refresh token may be the only one left.
 */
export function numberIn(answer: unknown, name: string): number | undefined {
  const value = field(answer, name);
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return isNumber(number) && number >= 0 ? number : undefined;
}

// Names of errors and types. A token has letters of both cases or digits among them, and more than eight characters.
const name = /^([a-z_]{1,40}|[A-Z_]{1,40}|\w{1,8})$/;
const told = (value: unknown): string => (typeof value === 'string' && name.test(value) ? ` ("${value}")` : '');

interface Answer {
  readonly tokens: TokenSet;
  /** Why the access token may not be used. */
  readonly problem: TokenError | undefined;
}

/** The same as {@link readTokenResponse}, but leaves it to the caller what to do about a `token_type` of another kind. */
export function readAnswer(body: unknown, tokenTypes: readonly string[] = ['Bearer']): Answer {
  const answer = parsed(body);
  const [accessToken, refreshToken] = [field(answer, 'access_token'), field(answer, 'refresh_token')];
  if (!isText(accessToken)) throw refusalIn(answer) ?? unusable('it has no "access_token"');
  const type = field(answer, 'token_type');
  const isKnown = !isText(type) || tokenTypes.some((known) => known.toLowerCase() === type.toLowerCase());
  const expiresIn = numberIn(answer, 'expires_in');
  return {
    tokens: {
      accessToken,
      ...(isText(refreshToken) && { refreshToken }),
      ...(expiresIn !== undefined && { expiresIn }),
    },
    problem: isKnown ? undefined : unusable(`its "token_type"${told(type)} is not ${tokenTypes.join(' or ')}`),
  };
}

/**
 * Reads a token endpoint's answer (RFC 6749, section 5.1): `access_token`, and where they are there `refresh_token` and
 * `expires_in`, which may be a string; one that is no number of 0 or more is passed over.
 *
 * @param body the body, as text or parsed
 * @param tokenTypes each `token_type` that may be used as a bearer token, in any case. A token exchange for something
 * else than an access token may answer `N_A` (RFC 8693, section 2.2.1). An answer without a type counts as Bearer
 * @default tokenTypes ['Bearer']
 * @throws {TokenError} `AUTH_REFRESH_RESPONSE_INVALID` without an access token, or for another `token_type`:
 * a client must not use a type that it does not know (section 7.1); `AUTH_SESSION_EXPIRED` for an OAuth error
 * that comes with a status of success
 * @example
 * const { accessToken, expiresIn } = readTokenResponse('{ "access_token": "abc", "token_type": "Bearer", "expires_in": "3600" }');
 */
export function readTokenResponse(body: unknown, tokenTypes?: readonly string[]): TokenSet {
  const { tokens, problem } = readAnswer(body, tokenTypes);
  if (problem) throw problem;
  return tokens;
}

/** The same without a refresh token: a grant that starts from nothing has no use for one (RFC 6749, section 4.4.3). */
export function readFreshTokenResponse(body: unknown, tokenTypes?: readonly string[]): TokenSet {
  const { refreshToken: _, ...tokens } = readTokenResponse(body, tokenTypes);
  return tokens;
}

/** Some servers send their errors with status 200. They mean what the 400 would have meant. */
function refusalIn(answer: unknown): TokenError | undefined {
  const error = field(answer, 'error');
  if (typeof error !== 'string') return undefined;
  const { terminal, kind } = classify({ response: { status: 400, data: answer } });
  const message = `The token endpoint answered with an error${told(error)}.`;
  return new TokenError(terminal ? 'AUTH_SESSION_EXPIRED' : 'AUTH_TOKEN_REFRESH_FAILED', message, { kind });
}
