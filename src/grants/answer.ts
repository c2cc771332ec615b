/** Reads what a token endpoint answers (RFC 6749, section 5): pure. */
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

/** A time or lifetime of an answer; some servers send it as a string. `undefined` if there is none. */
export function numberIn(answer: unknown, name: string): number | undefined {
  const value = field(answer, name) ?? undefined;
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number;
  throw unusable(`its "${name}" is no number of 0 or more`);
}

const shortWord = /^\w{1,40}$/;
const told = (value: unknown): string => (typeof value === 'string' && shortWord.test(value) ? ` ("${value}")` : '');

/**
 * Reads a token endpoint's answer (RFC 6749, section 5.1): `access_token`, and where they are there `refresh_token` and
 * `expires_in`, which may be a string.
 *
 * @param body the body, as text or parsed
 * @throws {TokenError} `AUTH_REFRESH_RESPONSE_INVALID` without an access token, or for a `token_type` other than Bearer:
 * a client must not use a type that it does not know (section 7.1); `AUTH_SESSION_EXPIRED` for an OAuth error
 * that comes with a status of success
 * @example
 * const { accessToken, expiresIn } = readTokenResponse('{ "access_token": "abc", "token_type": "Bearer", "expires_in": "3600" }');
 */
export function readTokenResponse(body: unknown): TokenSet {
  const answer = parsed(body);
  const [accessToken, refreshToken] = [field(answer, 'access_token'), field(answer, 'refresh_token')];
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw refusalIn(answer) ?? unusable('it has no "access_token"');
  }
  const type = field(answer, 'token_type');
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer') {
    throw unusable(`its "token_type"${told(type)} is not Bearer`);
  }
  const expiresIn = numberIn(answer, 'expires_in');
  return {
    accessToken,
    ...(typeof refreshToken === 'string' && refreshToken !== '' && { refreshToken }),
    ...(expiresIn !== undefined && { expiresIn }),
  };
}

/** The same without a refresh token: a grant that starts from nothing has no use for one (RFC 6749, section 4.4.3). */
export function readFreshTokenResponse(body: unknown): TokenSet {
  const { refreshToken: _, ...tokens } = readTokenResponse(body);
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
