/** The one thing an application writes itself: how it gets new tokens (RFC 6749, section 6). */
import type { RefreshCallback, TokenSet } from 'axios-token-refresh';
import type { AuthorizationServer } from '../../__tests__/support/oidc.js';

interface TokenResponse {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}

export function refreshAt({ tokenEndpoint, clientId }: AuthorizationServer): RefreshCallback {
  return async ({ tokens, http, signal }) => {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: tokens?.refreshToken ?? '',
    });
    const { data } = await http.post<TokenResponse>(tokenEndpoint, form, { signal });
    return { accessToken: data.access_token, refreshToken: data.refresh_token, expiresIn: data.expires_in };
  };
}

/** The same at the server half of this package, which answers in the words of a token set. */
export function refreshAtOurs(url: string): RefreshCallback {
  return async ({ tokens, http, signal }) => {
    const { data } = await http.post<TokenSet>(url, { refreshToken: tokens?.refreshToken }, { signal });
    return data;
  };
}
