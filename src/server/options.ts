/** The options of `createRefreshEndpoint`, with their checks and defaults. */
import { checked, clockWithNow, fn, hasMethods, text, type Rules } from '../core/checks.js';
import type { AuditRecord } from './audit.js';
import { lifetime, object, texts, wait, wholeMs } from './checks.js';
import type { CookieOptions } from './cookie.js';
import { checkKeys, type SigningKey } from './keys.js';
import type { LimitOptions } from './limits.js';
import { longestGraceMs } from './rotation.js';
import type { RefreshStore } from './store.js';
import type { SuspicionOptions } from './watch.js';

export interface AccessTokenOptions {
  /** Claim `iss`: the URL of this server. */
  readonly issuer: string;
  /** Claim `aud`: the API that the tokens are for. */
  readonly audience: string;
  /**
   * The first key signs, all of them verify and are published. To rotate: add a key at the end, wait until verifiers
   * have fetched it, move it to the front, and take the old one out when its last token has expired. A function is
   * asked for each token, and cannot be async; let it return the same array until something changes.
   */
  readonly keys: readonly SigningKey[] | (() => readonly SigningKey[]);
  /** Lifetime in whole milliseconds, at least 1000; rounded down to seconds. @default 900_000 (15 minutes) */
  readonly ttlMs?: number;
}

export interface ReportingOptions {
  /** Called with every audit record, after it was stored or could not be. Never awaited. */
  readonly audit?: (record: AuditRecord) => unknown;
  /** Called with what is worth an alert. Never awaited. */
  readonly suspicion?: SuspicionOptions;
  /** Called with faults behind a 500 or 503, of limiters and of callbacks, as they were thrown. Never awaited. */
  readonly onFault?: (error: unknown) => unknown;
}

export interface RefreshEndpointOptions extends ReportingOptions {
  /** Where sessions, refresh tokens and the audit trail are kept. */
  readonly store: RefreshStore;
  readonly accessTokens: AccessTokenOptions;
  /**
   * How long a session lasts from its sign-in, in whole milliseconds, 1000 to 100 years. No refresh extends it.
   * @default 604_800_000 (7 days)
   */
  readonly sessionTtlMs?: number;
  /**
   * How long a session may go without a refresh, in whole milliseconds: longer than an access token lives, since a
   * client that is busy need not refresh before that ends. @default as long as the session lasts
   */
  readonly idleTtlMs?: number;
  /**
   * How long a used refresh token still gets its own successor, in whole milliseconds, 0 to 60_000. 0 signs a user out
   * whose answer was lost. @default 10_000
   */
  readonly graceMs?: number;
  /** Keeps the refresh token in a cookie that scripts cannot read. @default in the JSON body */
  readonly cookie?: CookieOptions;
  /** Requests per address and per session. @default see {@link LimitOptions} */
  readonly limits?: LimitOptions;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. @default none */
  readonly trustedProxies?: readonly string[];
  /** Longest wait for the store before a 503, in whole milliseconds, at least 1. @default 3_000 */
  readonly storeTimeoutMs?: number;
  /** For tests. @default the system's clock */
  readonly clock?: { now(): number };
}

const storeMethods = ['create', 'find', 'settle', 'revoke', 'record', 'auditTrail', 'purge'];

const rules: Rules<RefreshEndpointOptions> = {
  store: ['a store, such as memoryRefreshStore()', (value) => hasMethods(value, storeMethods)],
  accessTokens: object,
  sessionTtlMs: lifetime,
  idleTtlMs: lifetime,
  graceMs: wholeMs(0, longestGraceMs),
  cookie: object,
  limits: object,
  trustedProxies: texts,
  storeTimeoutMs: wait,
  audit: fn,
  suspicion: object,
  onFault: fn,
  clock: clockWithNow,
};

const accessTokenRules: Rules<AccessTokenOptions> = {
  issuer: text,
  audience: text,
  keys: ['an array of signing keys, or a function', (value) => Array.isArray(value) || typeof value === 'function'],
  ttlMs: lifetime,
};

export interface ResolvedOptions extends RefreshEndpointOptions {
  readonly accessTokens: Required<Omit<AccessTokenOptions, 'keys'>> & { readonly keys: () => readonly SigningKey[] };
  readonly sessionTtlMs: number;
  readonly graceMs: number;
  readonly trustedProxies: readonly string[];
  readonly storeTimeoutMs: number;
  readonly clock: { now(): number };
}

/** @throws {TypeError} naming an option that is unknown, missing or does not fit */
export function resolveOptions(given: RefreshEndpointOptions): ResolvedOptions {
  const options = checked<RefreshEndpointOptions>(given, rules, { required: ['store', 'accessTokens'] });
  const tokens = checked<AccessTokenOptions>(options.accessTokens, accessTokenRules, {
    required: ['issuer', 'audience', 'keys'],
    path: 'accessTokens',
  });
  const { ttlMs = 900_000 } = tokens;
  // A client that is busy comes when its access token ends, not before.
  if (options.idleTtlMs !== undefined && options.idleTtlMs <= ttlMs)
    throw new TypeError(`Option "idleTtlMs" must be more than "accessTokens.ttlMs", which is ${ttlMs}.`);
  return {
    sessionTtlMs: 7 * 24 * 3_600_000,
    graceMs: 10_000,
    trustedProxies: [],
    storeTimeoutMs: 3_000,
    clock: Date,
    ...options,
    accessTokens: { ...tokens, ttlMs, keys: keySource(tokens.keys) },
  };
}

/** Checks keys when they are first seen. */
function keySource(keys: AccessTokenOptions['keys']): () => readonly SigningKey[] {
  const source = typeof keys === 'function' ? keys : (): readonly SigningKey[] => keys;
  const known = new WeakSet<readonly SigningKey[]>();
  const current = (): readonly SigningKey[] => {
    const now = source();
    if (!known.has(now)) checkKeys(now);
    known.add(now);
    return now;
  };
  current();
  return current;
}
