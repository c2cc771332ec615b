/** Checks the options and fills in the defaults. */
import { systemClock } from './clock.js';
import { memoryStore } from './stores/memory.js';
import type { RefreshWindow, RetryOptions, TokenSessionOptions } from './types.js';

type Defaulted = Omit<TokenSessionOptions, 'tokens' | 'origins' | 'shouldRefresh' | 'classifyFailure' | 'retry'>;

export interface ResolvedOptions
  extends Required<Defaulted>, Pick<TokenSessionOptions, 'tokens' | 'origins' | 'shouldRefresh' | 'classifyFailure'> {
  readonly retry: Required<RetryOptions> | false;
}

/** One option's rule: what it expects, in words, and whether a value fits. */
type Rule = readonly [expected: string, fits: (value: unknown) => boolean];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const hasMethods = (value: unknown, names: readonly string[]): boolean =>
  isObject(value) && names.every((name) => typeof value[name] === 'function');

const fn: Rule = ['a function', (value) => typeof value === 'function'];
const flag: Rule = ['true or false', (value) => typeof value === 'boolean'];
const duration: Rule = ['milliseconds, a finite number above 0', (value) => isNumber(value) && value > 0];
const delay: Rule = ['milliseconds, a finite number of at least 0', (value) => isNumber(value) && value >= 0];
const count: Rule = ['a whole number of at least 1', (value) => Number.isSafeInteger(value) && (value as number) >= 1];
const isWindow = (value: unknown): value is RefreshWindow =>
  isObject(value) &&
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

const rules: Record<keyof TokenSessionOptions, Rule> = {
  refresh: ['a function that returns a token set or an access token', fn[1]],
  tokens: ['a token set or an access token', (value) => typeof value === 'string' || isObject(value)],
  store: ['a store with load, save and clear', (value) => hasMethods(value, ['load', 'save', 'clear'])],
  refreshWindow: [windowWords, isWindow],
  refreshAhead: [`${windowWords}, or false`, (value) => value === false || isWindow(value)],
  schedule: flag,
  retry: ['an object, or false', (value) => value === false || isObject(value)],
  refreshTimeoutMs: duration,
  maxWaitMs: duration,
  maxWaiting: count,
  whenMissing: [
    "'send', 'refresh' or 'reject'",
    (value) => value === 'send' || value === 'refresh' || value === 'reject',
  ],
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

const retryRules: Record<keyof RetryOptions, Rule> = {
  retries: [
    'a whole number from 0 to 100',
    (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 100,
  ],
  minDelayMs: delay,
  maxDelayMs: delay,
  attemptTimeoutMs: duration,
};

/** Own properties that are set, each held against its rule. */
export function checked<T extends object>(given: unknown, known: Record<keyof T, Rule>, prefix = ''): T {
  if (!isObject(given))
    throw new TypeError(`${prefix === '' ? 'The options' : `Option "${prefix.slice(0, -1)}"`} must be an object.`);
  // Without a prototype: a polluted one must not pass for an option.
  const set = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`Unknown option "${prefix}${name}". Known: ${Object.keys(known).join(', ')}.`);
    }
    if (value === undefined) continue;
    const [expected, fits] = known[name as keyof T];
    if (!fits(value)) throw new TypeError(`Option "${prefix}${name}" must be ${expected}.`);
    set[name] = value;
  }
  return set as T;
}

export function resolveOptions(given: TokenSessionOptions): ResolvedOptions {
  const options = checked<TokenSessionOptions>(given, rules);
  if (!Object.hasOwn(options, 'refresh'))
    throw new TypeError(`Option "refresh" is missing: it must be ${rules.refresh[0]}.`);
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
    retry: options.retry !== false && {
      retries: 2,
      minDelayMs: 250,
      maxDelayMs: 5_000,
      attemptTimeoutMs: 5_000,
      ...checked<RetryOptions>(options.retry ?? {}, retryRules, 'retry.'),
    },
  };
  return Object.assign(Object.create(null) as object, resolved);
}
