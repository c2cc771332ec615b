/** Holds options against rules: misuse is told at once, by the option's name. */

import { field } from '../core/redact.js';

/** What an option expects, in words, and whether a value fits. */
export type Rule = readonly [expected: string, fits: (value: unknown) => boolean];
export type Rules<T> = Readonly<Record<keyof T & string, Rule>>;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

export const fn: Rule = ['a function', (value) => typeof value === 'function'];
export const text: Rule = ['a string that is not empty', isText];
export const flag: Rule = ['true or false', (value) => typeof value === 'boolean'];
export const object: Rule = ['an object', isObject];
export const duration: Rule = ['milliseconds, a finite number above 0', (value) => isNumber(value) && value > 0];
export const seconds: Rule = [
  'milliseconds, a finite number of at least 1000',
  (value) => isNumber(value) && value >= 1000,
];
export const texts: Rule = ['an array of strings', (value) => Array.isArray(value) && value.every(isText)];
export const clockRule: Rule = ['{ now }', (value) => hasMethods(value, ['now'])];

export const between = (least: number, most: number): Rule => [
  `a number from ${least} to ${most}`,
  (value) => isNumber(value) && value >= least && value <= most,
];
export const wholeBetween = (least: number, most: number): Rule => [
  `a whole number from ${least} to ${most}`,
  (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
];

/** Of an object, or of a class: `Date` is a clock. */
export const hasMethods = (value: unknown, names: readonly string[]): boolean =>
  (isObject(value) || typeof value === 'function') && names.every((name) => typeof field(value, name) === 'function');

const limit: Rule = [
  '{ points, durationMs }, a limiter with consume(), or false',
  (value) =>
    value === false ||
    hasMethods(value, ['consume']) ||
    (isObject(value) && wholeBetween(1, 1e9)[1](value['points']) && seconds[1](value['durationMs'])),
];
export const limitRules = { byIp: limit, byFamily: limit };
/** `https:`, or plain HTTP to this machine: what goes there or comes from there must not be read or changed on the way. */
export const isSafeUrl = (value: unknown): boolean => {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname));
};
export const suspicionRules: Rules<{ report: unknown; refusals: unknown }> = {
  report: fn,
  refusals: ['{ points, durationMs }', (value) => isObject(value) && limit[1](value)],
};

/**
 * The options that are set, without a prototype: a polluted one must not pass for an option.
 *
 * @throws {TypeError} naming an option that is unknown, missing or does not fit
 */
export function checked<T extends object>(
  given: unknown,
  rules: Rules<T>,
  required: readonly (keyof T & string)[],
  prefix = '',
): T {
  if (!isObject(given))
    throw new TypeError(`${prefix === '' ? 'The options' : `Option "${prefix}"`} must be an object.`);
  const place = prefix === '' ? '' : `${prefix}.`;
  const set = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(rules, name))
      throw new TypeError(`Unknown option "${place}${name}". Known: ${Object.keys(rules).join(', ')}.`);
    if (value === undefined) continue;
    const [expected, fits] = rules[name as keyof T & string];
    if (!fits(value)) throw new TypeError(`Option "${place}${name}" must be ${expected}.`);
    set[name] = value;
  }
  for (const name of required)
    if (set[name] === undefined)
      throw new TypeError(`Option "${place}${name}" is missing: it must be ${rules[name][0]}.`);
  return set as T;
}
