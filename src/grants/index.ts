/** Everything public of `axios-token-refresh/grants`, listed one by one. */
export { readTokenResponse } from './answer.js';
export {
  clientCredentialsGrant,
  clientCredentialsRequest,
  type ClientCredentialsGrantOptions,
} from './client-credentials.js';
export type { ClientAuthentication, ClientOptions } from './client.js';
export type { AssertionOptions, FreshGrant, SupplyContext, TokenSupply } from './grant.js';
export {
  jsonRefresh,
  jsonRefreshRequest,
  readJsonRefreshResponse,
  type JsonGrant,
  type JsonRefreshOptions,
} from './json-refresh.js';
export { jwtBearerGrant, jwtBearerRequest, type JwtBearerGrantOptions } from './jwt-bearer.js';
export { refreshTokenGrant, refreshTokenRequest, type RefreshTokenGrantOptions } from './refresh-token.js';
export type { GrantRequest } from './request.js';
export {
  snowflakeTokenExchange,
  type IngestUrlOptions,
  type SnowflakeGrant,
  type SnowflakeTokenExchangeOptions,
} from './snowflake/grant.js';
export {
  readSnowflakeHostname,
  readSnowflakeToken,
  snowflakeHostnameRequest,
  snowflakeTokenRequest,
  type SnowflakeAccount,
  type SnowflakeScope,
  type SnowflakeToken,
} from './snowflake/requests.js';
export {
  tokenExchangeGrant,
  tokenExchangeRequest,
  type ExchangedTokens,
  type TokenExchangeGrantOptions,
  type TokenTypes,
} from './token-exchange.js';
