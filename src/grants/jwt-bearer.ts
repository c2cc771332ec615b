/** JWTs as authorization grants (RFC 7523, section 2.1). */
import { text } from '../core/checks.js';
import { readFreshTokenResponse } from './answer.js';
import { Assertions } from './assertion.js';
import { checkedClient, clientRules, formRequest, type ClientOptions } from './client.js';
import type { AssertionOptions, FreshGrant, TokenSupply } from './grant.js';
import { send, type GrantRequest } from './request.js';
import { assertionRules, checkArgument, supply } from './rules.js';

export const jwtBearerType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export interface JwtBearerGrantOptions extends ClientOptions, AssertionOptions {
  /** The signed JWT, or better a function that makes a fresh one for every exchange. */
  readonly assertion: TokenSupply;
}

const name = 'jwtBearerGrant';

/**
 * The request of {@link jwtBearerGrant}; {@link readTokenResponse} reads its answer. The assertion is not looked into here.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const request = jwtBearerRequest({ tokenEndpoint: 'https://login.example.com/token', scope: 'orders' }, assertion);
 */
export function jwtBearerRequest(client: ClientOptions, assertion: string): GrantRequest {
  checkArgument('jwtBearerRequest', 'assertion', assertion, text);
  return formRequest(checkedClient(name, client, clientRules, []), jwtBearerType, { assertion });
}

/**
 * Exchanges a JWT that the caller signs for an access token (RFC 7523, section 2.1): service accounts, federation.
 * It starts from nothing. Client credentials are optional.
 *
 * The JWT is checked before it is sent: a refresh fails with `AUTH_TOKEN_MALFORMED`, `AUTH_TOKEN_EXPIRED` or
 * `AUTH_TOKEN_NOT_YET_VALID`.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const session = installTokenRefresh(api, {
 *   ...jwtBearerGrant({ tokenEndpoint: 'https://login.example.com/token', assertion: ({ now }) => signJwt(now) }),
 * });
 */
export function jwtBearerGrant(options: JwtBearerGrantOptions): FreshGrant {
  const rules = { ...clientRules, ...assertionRules, assertion: supply };
  const known = checkedClient(name, options, rules, ['assertion']);
  const { assertion, clockToleranceMs, clock, ...client } = known;
  const assertions = new Assertions(assertion, { option: 'assertion', clockToleranceMs, clock });
  return {
    whenMissing: 'refresh',
    async refresh({ http, signal }) {
      const request = jwtBearerRequest(client, await assertions.next(signal));
      const { data } = await assertions.timed(() => send(http, request));
      return readFreshTokenResponse(data);
    },
  };
}
