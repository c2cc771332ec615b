/** The two requests of the exchange, and what is read from their answers: pure. */
import { claimsOf } from '../../core/claims.js';
import type { TokenSet } from '../../types.js';
import { numberIn, parsed, unusable } from '../answer.js';
import { checked, isObject } from '../../core/checks.js';
import { jwtBearerType } from '../jwt-bearer.js';
import type { GrantRequest } from '../request.js';
import { checkArgument, isVisible, visible } from '../rules.js';
import { accountOrigin, ingestOrigin } from './hosts.js';
import { accountRules, scopeRules, tokenRules } from './rules.js';

/** Where the exchange takes place. */
export interface SnowflakeAccount {
  /** `https://<account>.snowflakecomputing.com`, as in the account's own pages. */
  readonly accountUrl: string;
  /**
   * Hosts outside of `snowflakecomputing.com` and `.cn` that may be asked and may be named as ingest hosts: exact names,
   * with their port if that is not 443. @default none
   */
  readonly hosts?: readonly string[];
}

const checkedAccount = (given: SnowflakeAccount, of: string): SnowflakeAccount =>
  checked<SnowflakeAccount>(given, accountRules, { required: ['accountUrl'], of });

function headersOf(jwt: string, of: string): Record<string, string> {
  checkArgument(of, 'jwt', jwt, visible);
  return {
    Accept: 'application/json, text/plain',
    Authorization: `Bearer ${jwt}`,
    'X-Snowflake-Authorization-Token-Type': 'KEYPAIR_JWT',
  };
}

/**
 * Asks an account for its ingest host: `GET /v2/streaming/hostname`. {@link readSnowflakeHostname} reads the answer.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it, and if the account is not at a host that
 * the JWT may be sent to
 * @example
 * const request = snowflakeHostnameRequest({ accountUrl: 'https://myorg-myaccount.snowflakecomputing.com' }, jwt);
 */
export function snowflakeHostnameRequest(account: SnowflakeAccount, jwt: string): GrantRequest {
  const of = 'snowflakeHostnameRequest';
  const { accountUrl, hosts = [] } = checkedAccount(account, of);
  return {
    method: 'GET',
    url: `${accountOrigin(accountUrl, hosts)}/v2/streaming/hostname`,
    headers: headersOf(jwt, of),
  };
}

/**
 * Reads the ingest URL, such as `https://<…>.ingest.<…>.snowflakecomputing.com`, from a bare host name, a JSON string or
 * `{ hostname }`. Underscores become hyphens.
 *
 * @param body the body, as text or parsed
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @throws {TokenError} `AUTH_REFRESH_RESPONSE_INVALID` if it names no host, or one that the token may not be sent to
 * @example
 * const ingestUrl = readSnowflakeHostname({ accountUrl }, 'my_org.ingest.us-west-2.aws.snowflakecomputing.com');
 */
export function readSnowflakeHostname(account: SnowflakeAccount, body: unknown): string {
  const { accountUrl, hosts = [] } = checkedAccount(account, 'readSnowflakeHostname');
  const answer = parsed(body);
  const named = isObject(answer) ? answer['hostname'] : answer;
  if (typeof named !== 'string') throw unusable('the account names no ingest host');
  return ingestOrigin(named, accountOrigin(accountUrl, hosts), hosts);
}

export interface SnowflakeScope extends SnowflakeAccount {
  /** As {@link readSnowflakeHostname} reads it. */
  readonly ingestUrl: string;
  /** Role that the token is to have. @default the user's own */
  readonly role?: string;
}

/**
 * Asks for a token for one ingest host: `POST /oauth/token` at the account, the JWT in the `Authorization` header.
 * {@link readSnowflakeToken} reads the answer.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it, and if the account is not at a host that
 * the JWT may be sent to
 * @example
 * const request = snowflakeTokenRequest({ accountUrl, ingestUrl, role: 'INGEST' }, jwt);
 */
export function snowflakeTokenRequest(options: SnowflakeScope, jwt: string): GrantRequest {
  const of = 'snowflakeTokenRequest';
  const required = ['accountUrl', 'ingestUrl'] as const;
  const { accountUrl, hosts = [], ingestUrl, role } = checked<SnowflakeScope>(options, scopeRules, { required, of });
  const { host } = new URL(ingestUrl);
  const scope = role === undefined ? host : `${host} session:role:${role}`;
  return {
    method: 'POST',
    url: `${accountOrigin(accountUrl, hosts)}/oauth/token`,
    headers: {
      ...headersOf(jwt, of),
      'Content-Type': 'application/x-www-form-urlencoded',
      ...(role !== undefined && { 'X-Snowflake-Role': role }),
    },
    body: new URLSearchParams({ grant_type: jwtBearerType, scope }).toString(),
  };
}

export interface SnowflakeToken {
  /** The only place that the token may go to. */
  readonly ingestUrl: string;
  /** How long a token lives that does not say so itself, in milliseconds. More than 0. @default 3_000_000 (50 minutes) */
  readonly lifetimeMs?: number;
}

/**
 * Reads a scoped token from bare text, a JSON string, `{ token }` or `{ access_token }`. It lives by its own `exp`,
 * else by the answer's `expires_in`, else for `lifetimeMs`.
 *
 * @param body the body, as text or parsed
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @throws {TokenError} `AUTH_REFRESH_RESPONSE_INVALID` if there is no token in it
 * @example
 * const { accessToken, audience } = readSnowflakeToken({ ingestUrl }, '{ "token": "abc" }');
 */
export function readSnowflakeToken(options: SnowflakeToken, body: unknown): TokenSet {
  const { ingestUrl, lifetimeMs = 3_000_000 } = checked<SnowflakeToken>(options, tokenRules, {
    required: ['ingestUrl'],
    of: 'readSnowflakeToken',
  });
  const answer = parsed(body);
  const bare = typeof answer === 'number' ? body : answer;
  const given = isObject(answer) ? (answer['token'] ?? answer['access_token']) : bare;
  const accessToken = typeof given === 'string' ? given.trim() : '';
  if (accessToken === '') throw unusable('there is no token in it');
  // A page of HTML, or JSON that was cut off, is no bare token.
  if (!isVisible(accessToken) || /^[<{["]/.test(accessToken)) throw unusable('what it has is no token');
  const tokens: TokenSet = { accessToken, audience: [ingestUrl] };
  if (claimsOf(accessToken).exp !== undefined) return tokens;
  return { ...tokens, expiresIn: numberIn(answer, 'expires_in') ?? lifetimeMs / 1_000 };
}
