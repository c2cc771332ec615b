/** A key-pair JWT exchanged for a token that is good for one ingest host: Snowpipe Streaming. */
import type { AxiosInstance } from 'axios';
import { checked } from '../../core/checks.js';
import type { TokenSessionOptions } from '../../types.js';
import type { AssertionOptions, FreshGrant, TokenSupply } from '../grant.js';
import { Exchange } from './exchange.js';
import type { SnowflakeAccount, SnowflakeScope, SnowflakeToken } from './requests.js';
import { exchangeRules, ingestUrlRules } from './rules.js';

export interface SnowflakeTokenExchangeOptions
  extends SnowflakeAccount, Pick<SnowflakeScope, 'role'>, Pick<SnowflakeToken, 'lifetimeMs'>, AssertionOptions {
  /**
   * The key-pair JWT, or better a function that makes a fresh one for every exchange: Snowflake takes a JWT for one hour
   * at most, whatever its `exp` says.
   */
  readonly jwt: TokenSupply;
}

export interface IngestUrlOptions {
  /** Client to ask with, such as one with a proxy. @default the platform's `fetch` */
  readonly http?: AxiosInstance;
  /** Ask again even if it is known. @default false */
  readonly fresh?: boolean;
}

/** Options of a session whose token is for one ingest host. */
export interface SnowflakeGrant extends FreshGrant, Required<Pick<TokenSessionOptions, 'origins' | 'followRedirects'>> {
  /**
   * The URL of the ingest host, for `baseURL`. Asks the account once; concurrent calls share one question.
   *
   * @throws {TokenError} `AUTH_TOKEN_MALFORMED`, `AUTH_TOKEN_EXPIRED` or `AUTH_TOKEN_NOT_YET_VALID` for the JWT;
   * `AUTH_SESSION_EXPIRED` if the account refuses it; `AUTH_TOKEN_REFRESH_FAILED` if the function that makes it throws, if the
   * account cannot be asked, or if that takes longer than 15 s
   * @throws {TypeError} (as a rejection) for an unknown option or a value that does not fit, naming it
   */
  getIngestUrl(options?: IngestUrlOptions): Promise<string>;
}

/**
 * Exchanges a key-pair JWT for a token that is good for the account's ingest host only, and keeps it there: a request to
 * any other host is rejected with `AUTH_SCOPE_MISMATCH` before anything is sent, unless it brings credentials of its own: it is
 * left alone then, and the token stays here. Redirects are not followed.
 *
 * The JWT is checked first: a refresh fails with `AUTH_TOKEN_MALFORMED`, `AUTH_TOKEN_EXPIRED` or
 * `AUTH_TOKEN_NOT_YET_VALID`. A refusal names account, ingest host, code, message and request id.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const snowflake = snowflakeTokenExchange({
 *   accountUrl: 'https://myorg-myaccount.snowflakecomputing.com',
 *   jwt: ({ now }) => signJwt(now),
 * });
 * const ingest = axios.create({ baseURL: await snowflake.getIngestUrl() });
 * const session = installTokenRefresh(ingest, { ...snowflake });
 */
export function snowflakeTokenExchange(options: SnowflakeTokenExchangeOptions): SnowflakeGrant {
  const known = checked<SnowflakeTokenExchangeOptions>(options, exchangeRules, {
    required: ['accountUrl', 'jwt'],
    of: 'snowflakeTokenExchange',
  });
  const exchange = new Exchange(known);
  const session: Omit<SnowflakeGrant, 'getIngestUrl'> = {
    whenMissing: 'refresh',
    // Every request is to ask for the token, so that one to a wrong host is refused: the token's audience decides.
    origins: () => true,
    followRedirects: false,
    refresh: ({ http, signal }) => exchange.token(http, signal),
  };
  // Not enumerable: spread into the options of a session it would be an unknown one.
  return Object.defineProperty(session as SnowflakeGrant, 'getIngestUrl', {
    value: async (asked: IngestUrlOptions = {}) =>
      exchange.ingestUrl(checked<IngestUrlOptions>(asked, ingestUrlRules, { of: 'getIngestUrl' })),
  });
}
