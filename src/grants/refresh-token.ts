/** The refresh token grant (RFC 6749, section 6). */
import { text } from '../core/checks.js';
import { TokenError } from '../errors.js';
import type { TokenSessionOptions } from '../types.js';
import { readAnswer } from './answer.js';
import { checkedClient, clientRules, formRequest, type ClientOptions } from './client.js';
import { send, type GrantRequest } from './request.js';
import { checkArgument } from './rules.js';

export interface RefreshTokenGrantOptions extends ClientOptions {
  readonly clientId: string;
}

const check = (options: RefreshTokenGrantOptions): RefreshTokenGrantOptions =>
  checkedClient('refreshTokenGrant', options, clientRules, ['clientId']);

/** There is nothing to refresh with: the same as a refusal. */
export const noRefreshToken = (): TokenError =>
  new TokenError('AUTH_SESSION_EXPIRED', 'There is no refresh token to get a new access token with: sign in again.');

/**
 * The request of {@link refreshTokenGrant}; {@link readTokenResponse} reads its answer.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const request = refreshTokenRequest({ tokenEndpoint, clientId: 'app' }, refreshToken);
 */
export function refreshTokenRequest(options: RefreshTokenGrantOptions, refreshToken: string): GrantRequest {
  checkArgument('refreshTokenRequest', 'refreshToken', refreshToken, text);
  return formRequest(check(options), 'refresh_token', { refresh_token: refreshToken });
}

/**
 * Renews an access token with the session's refresh token (RFC 6749, section 6). A new refresh token in the answer
 * replaces it, also where the access token beside it is of a type that cannot be used: the refresh then fails with
 * `AUTH_REFRESH_RESPONSE_INVALID` and goes on from the new one. Without one in the session the session ends:
 * `AUTH_SESSION_EXPIRED`.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const session = installTokenRefresh(api, {
 *   ...refreshTokenGrant({ tokenEndpoint: 'https://login.example.com/oauth2/token', clientId: 'app' }),
 *   tokens: { accessToken, refreshToken },
 * });
 */
export function refreshTokenGrant(options: RefreshTokenGrantOptions): Pick<TokenSessionOptions, 'refresh'> {
  const checked = check(options);
  return {
    async refresh({ tokens, http }) {
      if (!tokens?.refreshToken) throw noRefreshToken();
      const { data } = await send(http, refreshTokenRequest(checked, tokens.refreshToken));
      const { tokens: answered, problem } = readAnswer(data);
      if (!problem) return answered;
      if (!answered.refreshToken || answered.refreshToken === tokens.refreshToken) throw problem;
      // The session refuses an access token that has expired, and keeps the refresh token that came with it (decision 010).
      return { ...answered, expiresIn: 0 };
    },
  };
}
