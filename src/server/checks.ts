/** What options of the server must be. */
import { checked, fn, hasMethods, isNumber, isObject, isText, isWhole, type Rule, type Rules } from '../core/checks.js';
import { isSecure } from '../core/origins.js';
import type { LimitOptions } from './limits.js';
import type { SuspicionOptions } from './watch.js';

export const object: Rule = ['an object', isObject];
export const seconds: Rule = [
  'milliseconds, a finite number of at least 1000',
  (value) => isNumber(value) && value >= 1000,
];
export const texts: Rule = ['an array of strings', (value) => Array.isArray(value) && value.every(isText)];

export const between = (least: number, most: number): Rule => [
  `a number from ${least} to ${most}`,
  (value) => isNumber(value) && value >= least && value <= most,
];
export const wholeBetween = (least: number, most: number): Rule => [
  `a whole number from ${least} to ${most}`,
  isWhole(least, most),
];

const limit: Rule = [
  '{ points, durationMs }, a limiter with consume(), or false',
  (value) =>
    value === false ||
    hasMethods(value, ['consume']) ||
    (isObject(value) && isWhole(1, 1e9)(value['points']) && seconds[1](value['durationMs'])),
];
/** `https:`, or plain HTTP to this machine: what goes there or comes from there must not be read or changed on the way. */
export const isSafeUrl = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && isSecure(new URL(value));

export const checkedLimits = (given: LimitOptions = {}): LimitOptions =>
  checked<LimitOptions>(given, { byIp: limit, byFamily: limit }, { path: 'limits' });

const suspicionRules: Rules<SuspicionOptions> = {
  report: fn,
  refusals: ['{ points, durationMs }', (value) => isObject(value) && limit[1](value)],
};

export const checkedSuspicion = (given: SuspicionOptions): SuspicionOptions =>
  checked<SuspicionOptions>(given, suspicionRules, { required: ['report'], path: 'suspicion' });
