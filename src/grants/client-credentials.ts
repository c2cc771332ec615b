/** The client credentials grant (RFC 6749, section 4.4). */
import { readFreshTokenResponse } from './answer.js';
import { checkedClient, clientRules, formRequest, type ClientOptions } from './client.js';
import { send, type GrantRequest } from './request.js';
import type { FreshGrant } from './grant.js';

export interface ClientCredentialsGrantOptions extends ClientOptions {
  readonly clientId: string;
}

function check(options: ClientCredentialsGrantOptions): ClientCredentialsGrantOptions {
  const checked = checkedClient('clientCredentialsGrant', options, clientRules, ['clientId']);
  if (checked.clientSecret === undefined && checked.authentication === undefined) {
    throw new TypeError(
      'clientCredentialsGrant: option "clientSecret" is missing. Where TLS proves the client, pass authentication: \'none\'.',
    );
  }
  return checked;
}

/**
 * The request of {@link clientCredentialsGrant}; {@link readTokenResponse} reads its answer.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const request = clientCredentialsRequest({ tokenEndpoint, clientId: 'reports', clientSecret });
 */
export function clientCredentialsRequest(options: ClientCredentialsGrantOptions): GrantRequest {
  return formRequest(check(options), 'client_credentials', {});
}

/**
 * Gets tokens for the client itself (RFC 6749, section 4.4): a service that calls another one. It starts from nothing.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const session = installTokenRefresh(api, {
 *   ...clientCredentialsGrant({
 *     tokenEndpoint: 'https://login.example.com/oauth2/token',
 *     clientId: 'reports',
 *     clientSecret,
 *     parameters: { audience: 'https://api.example.com/' },
 *   }),
 * });
 */
export function clientCredentialsGrant(options: ClientCredentialsGrantOptions): FreshGrant {
  const checked = check(options);
  return {
    whenMissing: 'refresh',
    async refresh({ http }) {
      const { data } = await send(http, clientCredentialsRequest(checked));
      return readFreshTokenResponse(data);
    },
  };
}
