/** What the Snowflake exchange and its pure functions expect of their options: each rule once. */
import { clockWithNow, delay, duration, flag, hasMethods, isText, type Rule, type Rules } from '../../core/checks.js';
import { isSecure, originOf } from '../../core/origins.js';
import { isVisible, supply } from '../rules.js';
import type { IngestUrlOptions, SnowflakeTokenExchangeOptions } from './grant.js';
import type { SnowflakeAccount, SnowflakeScope, SnowflakeToken } from './requests.js';

const hostName = /^([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)*[a-z\d]([a-z\d-]{0,61}[a-z\d])?(:\d{1,5})?$/;
export const isHostName = (value: unknown): value is string => typeof value === 'string' && hostName.test(value);

/** A URL of a host and no more; a slash may follow. */
const isHostUrl = (value: unknown): value is string =>
  isText(value) && /^https?:\/\/[^/?#]+\/?$/i.test(value) && originOf(value) !== undefined;

/** Whether a JWT may be sent to the host is another question. */
const accountUrl: Rule = ['the URL of an account, such as "https://myorg-myaccount.snowflakecomputing.com"', isHostUrl];
const hosts: Rule = [
  'an array of host names such as "ingest.example.com" or "localhost:8443"',
  (value) => Array.isArray(value) && value.every(isHostName),
];
const ingestUrl: Rule = [
  'the URL of an ingest host, as readSnowflakeHostname gives it',
  (value) => isHostUrl(value) && isSecure(new URL(value)),
];
const role: Rule = ['a role without spaces', isVisible];
const lifetimeMs = duration;

// Without a spread: bundlers could not leave one out of a program that uses another grant.
export const accountRules: Rules<SnowflakeAccount> = { accountUrl, hosts };
export const scopeRules: Rules<SnowflakeScope> = { accountUrl, hosts, ingestUrl, role };
export const tokenRules: Rules<SnowflakeToken> = { ingestUrl, lifetimeMs };
export const exchangeRules: Rules<SnowflakeTokenExchangeOptions> = {
  accountUrl,
  hosts,
  jwt: supply,
  role,
  lifetimeMs,
  clockToleranceMs: delay,
  clock: clockWithNow,
};
export const ingestUrlRules: Rules<IngestUrlOptions> = {
  http: ['an Axios instance', (value) => hasMethods(value, ['request'])],
  fresh: flag,
};
