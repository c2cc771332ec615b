/** Token exchange (RFC 8693). */
import { checked, text } from '../core/checks.js';
import { readFreshTokenResponse } from './answer.js';
import { Assertions, type AssertionRules } from './assertion.js';
import { checkedClient, clientRules, formRequest, type ClientOptions } from './client.js';
import type { AssertionOptions, FreshGrant, TokenSupply } from './grant.js';
import { send, type GrantAnswer, type GrantRequest } from './request.js';
import { assertionRules, supply } from './rules.js';

/** What is exchanged, and for what: identifiers of RFC 8693, section 3. */
export interface TokenTypes {
  /** @default 'urn:ietf:params:oauth:token-type:access_token' */
  readonly subjectTokenType?: string;
  /** Of the actor's token, if there is one. @default 'urn:ietf:params:oauth:token-type:access_token' */
  readonly actorTokenType?: string;
  /**
   * With another one than that of access tokens the answer may have the `token_type` `N_A` (section 2.2.1): the token is
   * sent like an access token all the same.
   * @default what the server gives
   */
  readonly requestedTokenType?: string;
}

export interface TokenExchangeGrantOptions extends ClientOptions, TokenTypes, AssertionOptions {
  /** Whom the new token is to speak for, or better a function that gets that token for every exchange. */
  readonly subjectToken: TokenSupply;
  /** Who acts for them (RFC 8693, section 1.1). @default nobody */
  readonly actorToken?: TokenSupply;
}

export interface ExchangedTokens {
  readonly subjectToken: string;
  readonly actorToken?: string | undefined;
}

const name = 'tokenExchangeGrant';
const prefix = 'urn:ietf:params:oauth:token-type:';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const tokenRules = { subjectToken: text, actorToken: text };
const typeRules = { subjectTokenType: text, actorTokenType: text, requestedTokenType: text };

/**
 * The request of {@link tokenExchangeGrant}; {@link readTokenResponse} reads its answer. The tokens are not looked into here.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const request = tokenExchangeRequest({ tokenEndpoint, clientId: 'gateway', clientSecret }, { subjectToken: accessToken });
 */
export function tokenExchangeRequest(options: ClientOptions & TokenTypes, tokens: ExchangedTokens): GrantRequest {
  const of = 'tokenExchangeRequest';
  const { subjectToken, actorToken } = checked<ExchangedTokens>(tokens, tokenRules, { required: ['subjectToken'], of });
  const client = checkedClient(name, options, { ...clientRules, ...typeRules }, []);
  const { subjectTokenType = accessToken, actorTokenType = accessToken, requestedTokenType } = client;
  return formRequest(client, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: subjectToken,
    subject_token_type: subjectTokenType,
    actor_token: actorToken,
    actor_token_type: actorToken === undefined ? undefined : actorTokenType,
    requested_token_type: requestedTokenType,
  });
}

/**
 * Exchanges one token for another (RFC 8693): a gateway that calls a service on behalf of its user. It starts from
 * nothing. Say for which service in `parameters`: `audience` or `resource`.
 *
 * Tokens of the type `…:jwt` or `…:id_token` are checked before they are sent, as those of `jwtBearerGrant` are.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const session = installTokenRefresh(orders, {
 *   ...tokenExchangeGrant({
 *     tokenEndpoint: 'https://login.example.com/token',
 *     clientId: 'gateway',
 *     clientSecret,
 *     subjectToken: () => user.accessToken,
 *     parameters: { audience: 'orders' },
 *   }),
 * });
 */
export function tokenExchangeGrant(options: TokenExchangeGrantOptions): FreshGrant {
  const rules = { ...clientRules, ...typeRules, ...assertionRules, subjectToken: supply, actorToken: supply };
  const known = checkedClient(name, options, rules, ['subjectToken']);
  const { subjectToken, actorToken, clockToleranceMs, clock, ...client } = known;
  const rulesOf = (option: string, type = accessToken): AssertionRules => ({
    option,
    isJwt: type === `${prefix}jwt` || type === `${prefix}id_token`,
    clockToleranceMs,
    clock,
  });
  const subjects = new Assertions(subjectToken, rulesOf('subjectToken', client.subjectTokenType));
  const actors =
    actorToken === undefined ? undefined : new Assertions(actorToken, rulesOf('actorToken', client.actorTokenType));
  const { requestedTokenType = accessToken } = client;
  const tokenTypes = requestedTokenType === accessToken ? ['Bearer'] : ['Bearer', 'N_A'];
  return {
    whenMissing: 'refresh',
    async refresh({ http, signal }) {
      const tokens = { subjectToken: await subjects.next(signal), actorToken: await actors?.next(signal) };
      const exchange = (): Promise<GrantAnswer> =>
        subjects.timed(() => send(http, tokenExchangeRequest(client, tokens)));
      const { data } = await (actors ? actors.timed(exchange) : exchange());
      return readFreshTokenResponse(data, tokenTypes);
    },
  };
}
