/** Back ends with a refresh endpoint of their own: JSON in, JSON out. */
import { checked, flag, fn, isObject, isText, type Rules } from '../core/checks.js';
import { field } from '../core/redact.js';
import type { TokenSessionOptions, TokenSet } from '../types.js';
import { numberIn, parsed, unusable } from './answer.js';
import { noRefreshToken } from './refresh-token.js';
import { send, type GrantRequest } from './request.js';
import { endpoint } from './rules.js';

export interface JsonRefreshOptions {
  /**
   * The refresh endpoint: absolute (`https:`, or `http:` to loopback), or a path below the instance's `baseURL`. A path goes
   * where the `baseURL` says, over plain `http:` too if `origins` of your own let the session onto such an instance.
   */
  readonly url: string;
  /** Makes the body, which is sent as JSON; `undefined` for none. @default `({ refreshToken }) => ({ refreshToken })` */
  readonly request?: (tokens: TokenSet | undefined) => unknown;
  /** Reads the answer's body. @default reads `accessToken`, `refreshToken`, `expiresIn` (s) and `expiresAt` (ms) */
  readonly response?: (body: unknown) => TokenSet | string;
  /**
   * The refresh token is in an `HttpOnly` cookie: no body is sent, and cookies go along to another origin too. A session
   * then starts from nothing. @default false
   */
  readonly cookie?: boolean;
  /** Further request headers, such as one that your back end demands against forged requests. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** `whenMissing: 'refresh'` is set with the option `cookie`. */
export type JsonGrant = Pick<TokenSessionOptions, 'refresh' | 'whenMissing'>;

// A scheme or a host: no path, but a URL that has to be a whole one.
const notPath = /^([a-z][a-z\d+\-.]*:|\/\/)/i;
// A parser of URLs takes a backslash for a slash, and drops spaces and control characters.
const misread = /[\\\s\p{Cc}]/u;
const isUrl = (value: unknown): boolean =>
  isText(value) && !misread.test(value) && (!notPath.test(value) || endpoint[1](value));

function check(options: JsonRefreshOptions): JsonRefreshOptions {
  const rules: Rules<JsonRefreshOptions> = {
    url: [`a path without spaces and backslashes, or ${endpoint[0]}`, isUrl],
    request: fn,
    response: fn,
    cookie: flag,
    headers: ['an object of strings', (value) => isObject(value) && Object.values(value).every(isText)],
  };
  const known = checked<JsonRefreshOptions>(options, rules, { required: ['url'], of: 'jsonRefresh' });
  if (known.cookie && known.request) throw new TypeError('jsonRefresh: option "request" is of no use with "cookie".');
  return known;
}

/**
 * The request of {@link jsonRefresh}; {@link readJsonRefreshResponse} reads its answer.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it; for a `request` that returns a promise
 * @throws {TokenError} `AUTH_SESSION_EXPIRED` if there is no refresh token and neither `cookie` nor `request` is set
 * @example
 * const request = jsonRefreshRequest({ url: 'https://api.example.com/refresh-token' }, { accessToken, refreshToken });
 */
export function jsonRefreshRequest(options: JsonRefreshOptions, tokens: TokenSet | undefined): GrantRequest {
  const { url, request = refreshTokenOf, cookie = false, headers } = check(options);
  const body = cookie ? undefined : JSON.stringify(settled(request(tokens)));
  return {
    method: 'POST',
    url,
    headers: {
      Accept: 'application/json',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
    ...(cookie && { credentials: 'include' }),
  };
}

/** A promise would be sent as an empty object. */
function settled(body: unknown): unknown {
  if (!(body instanceof Promise)) return body;
  body.catch(() => undefined);
  throw new TypeError('jsonRefresh: option "request" must return the body itself, not a promise of it.');
}

function refreshTokenOf(tokens: TokenSet | undefined): unknown {
  if (!tokens?.refreshToken) throw noRefreshToken();
  return { refreshToken: tokens.refreshToken };
}

/**
 * Reads the answer of a JSON back end: with the option `response`, or `accessToken` and, where they are there,
 * `refreshToken`, `expiresIn` (seconds) and `expiresAt` (milliseconds since the epoch); one of these two that is no number
 * of 0 or more is passed over.
 *
 * @param body the body, as text or parsed
 * @throws {TokenError} `AUTH_REFRESH_RESPONSE_INVALID` without an access token
 * @example
 * const tokens = readJsonRefreshResponse({ url: '/refresh-token' }, '{ "accessToken": "abc" }');
 */
export function readJsonRefreshResponse(options: JsonRefreshOptions, body: unknown): TokenSet | string {
  const { response = tokensIn } = check(options);
  return response(parsed(body));
}

function tokensIn(body: unknown): TokenSet {
  const [accessToken, refreshToken] = [field(body, 'accessToken'), field(body, 'refreshToken')];
  if (!isText(accessToken)) throw unusable('it has no "accessToken"');
  const [expiresIn, expiresAt] = [numberIn(body, 'expiresIn'), numberIn(body, 'expiresAt')];
  return {
    accessToken,
    ...(isText(refreshToken) && { refreshToken }),
    ...(expiresIn !== undefined && { expiresIn }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

/**
 * Refreshes at a back end's own endpoint, by default `POST {refreshToken} -> {accessToken}`; `request` and `response`
 * fit it to others. With `cookie: true` the refresh token stays in an `HttpOnly` cookie.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const session = installTokenRefresh(api, {
 *   ...jsonRefresh({ url: '/refresh-token' }),
 *   tokens: { accessToken, refreshToken },
 * });
 */
export function jsonRefresh(options: JsonRefreshOptions): JsonGrant {
  const known = check(options);
  return {
    async refresh({ tokens, http }) {
      const { data } = await send(http, jsonRefreshRequest(known, tokens));
      return readJsonRefreshResponse(known, data);
    },
    ...(known.cookie && { whenMissing: 'refresh' }),
  };
}
