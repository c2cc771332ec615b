/** Checks the options and fills in the defaults. */
import { systemClock } from './clock.js';
import {
  checked,
  count,
  delay,
  duration,
  flag,
  fn,
  hasMethods,
  isNumber,
  isObject,
  isWhole,
  type Rule,
  type Rules,
} from './core/checks.js';
import { originCheck } from './core/origins.js';
import { field } from './core/redact.js';
import { sharing } from './persistence.js';
import { memoryStore } from './stores/memory.js';
import type { GetAccessTokenOptions, RefreshWindow, RetryOptions, TokenSessionOptions } from './types.js';

type Defaulted = Omit<TokenSessionOptions, 'tokens' | 'origins' | 'shouldRefresh' | 'classifyFailure' | 'retry'>;

export interface ResolvedOptions
  extends Required<Defaulted>, Pick<TokenSessionOptions, 'tokens' | 'origins' | 'shouldRefresh' | 'classifyFailure'> {
  readonly retry: Required<RetryOptions> | false;
  /** The store is the user's: it may outlive the session. */
  readonly isStoreGiven: boolean;
}

const isWindow = (value: unknown): value is RefreshWindow =>
  isObject(value) &&
  Object.keys(value).length === 2 &&
  isNumber(value['maxMs']) &&
  value['maxMs'] > 0 &&
  isNumber(value['ttlFraction']) &&
  value['ttlFraction'] > 0 &&
  value['ttlFraction'] <= 1;
const windowWords = '{ maxMs: above 0, ttlFraction: above 0, at most 1 }';

export const originsRule: Rule = [
  'an array of origins or a function (url) => boolean',
  (value) =>
    typeof value === 'function' ||
    (Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === 'string')),
];

const rules: Rules<TokenSessionOptions> = {
  refresh: ['a function that returns a token set or an access token', fn[1]],
  tokens: ['a token set or an access token', (value) => typeof value === 'string' || isObject(value)],
  store: [
    `a store with load, save and clear; ${sharing.join(', ')}, where it has them, are functions`,
    (value) =>
      hasMethods(value, ['load', 'save', 'clear', ...sharing.filter((name) => field(value, name) !== undefined)]),
  ],
  refreshWindow: [windowWords, isWindow],
  refreshAhead: [`${windowWords}, or false`, (value) => value === false || isWindow(value)],
  schedule: flag,
  retry: ['an object, or false', (value) => value === false || isObject(value)],
  refreshTimeoutMs: duration,
  maxWaitMs: duration,
  maxWaiting: count,
  whenMissing: ["'send', 'refresh' or 'reject'", (value) => ['send', 'refresh', 'reject'].includes(value as string)],
  origins: originsRule,
  followRedirects: flag,
  header: ['a header name', (value) => typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value)],
  formatHeader: fn,
  shouldRefresh: fn,
  classifyFailure: fn,
  escalateAfter: count,
  clock: [
    '{ now, monotonic, setTimeout, clearTimeout }',
    (value) => hasMethods(value, ['now', 'monotonic', 'setTimeout', 'clearTimeout']),
  ],
};

const retryRules: Rules<RetryOptions> = {
  retries: ['a whole number from 0 to 100', isWhole(0, 100)],
  minDelayMs: delay,
  maxDelayMs: delay,
  attemptTimeoutMs: duration,
};

export const callRules: Rules<GetAccessTokenOptions> = {
  signal: ['an AbortSignal', (value) => hasMethods(value, ['addEventListener', 'removeEventListener'])],
};

export function resolveOptions(given: TokenSessionOptions): ResolvedOptions {
  const options = checked<TokenSessionOptions>(given, rules, { required: ['refresh'] });
  // A list needs no instance to be held against the rules.
  if (Array.isArray(options.origins)) originCheck(options.origins, undefined, undefined, () => undefined);
  const refreshTimeoutMs = options.refreshTimeoutMs ?? 15_000;
  const resolved: ResolvedOptions = {
    store: memoryStore(),
    refreshWindow: { maxMs: 120_000, ttlFraction: 0.2 },
    refreshAhead: { maxMs: 300_000, ttlFraction: 0.4 },
    schedule: false,
    refreshTimeoutMs,
    maxWaitMs: refreshTimeoutMs,
    maxWaiting: 1_000,
    whenMissing: 'send',
    followRedirects: true,
    header: 'Authorization',
    formatHeader: (token) => `Bearer ${token}`,
    escalateAfter: 3,
    clock: systemClock,
    ...options,
    isStoreGiven: options.store !== undefined,
    retry: options.retry !== false && {
      retries: 2,
      minDelayMs: 250,
      maxDelayMs: 5_000,
      attemptTimeoutMs: 5_000,
      ...checked<RetryOptions>(options.retry ?? {}, retryRules, { path: 'retry' }),
    },
  };
  return Object.assign(Object.create(null) as object, resolved);
}
