/** Which hosts a Snowflake credential may be sent to: pure. */
import { isSecure, originOf } from '../../core/origins.js';
import { unusable } from '../answer.js';
import { isHostName } from './rules.js';

const snowflake = /\.snowflakecomputing\.(com|cn)$/;

const isLoopback = ({ hostname }: URL): boolean => isSecure(new URL(`http://${hostname}`));

/** The account's origin. A JWT goes nowhere else. */
export function accountOrigin(accountUrl: string, hosts: readonly string[]): string {
  const origin = originOf(accountUrl);
  if (origin !== undefined) {
    const url = new URL(origin);
    const isKnown = snowflake.test(url.host) || hosts.includes(url.host);
    if (isLoopback(url) || (url.protocol === 'https:' && isKnown)) return origin;
  }
  throw new TypeError(
    `snowflakeTokenExchange: option "accountUrl" must be an https: URL below snowflakecomputing.com or snowflakecomputing.cn, or ` +
      `its host must be listed in the option "hosts".`,
  );
}

/**
 * The origin of the ingest host that an account names. Underscores become hyphens, as Snowflake asks: a host name with
 * an underscore has no valid certificate. A scoped token goes nowhere else.
 */
export function ingestOrigin(named: string, account: string, hosts: readonly string[]): string {
  const host = named.trim().toLowerCase().replaceAll('_', '-');
  const origin = host.length <= 253 && isHostName(host) ? originOf(`https://${host}`) : undefined;
  if (origin === undefined) throw unusable('the account names no ingest host');
  const url = new URL(origin);
  const from = new URL(account);
  // What answers on this machine may name this machine; what answers elsewhere may not reach into it.
  if (isLoopback(url) && isLoopback(from)) return new URL(`${from.protocol}//${host}`).origin;
  const isIngest = snowflake.test(url.host) && url.hostname.split('.').includes('ingest');
  if (isIngest || hosts.includes(url.host)) return url.origin;
  throw unusable(
    `the account names the ingest host ${url.host}, which is no ingest host of Snowflake's and not listed in the option "hosts"`,
  );
}
