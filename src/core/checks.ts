/** Holds options against rules: misuse is told at once, by the option's name. */
import { field } from './redact.js';

/** What an option expects, in words, and whether a value fits. */
export type Rule = readonly [expected: string, fits: (value: unknown) => boolean];
export type Rules<T> = Readonly<Record<keyof T & string, Rule>>;

/** Whose options they are, for the message. */
export interface Whose<T> {
  readonly required?: readonly (keyof T & string)[];
  /** The option that holds them. */
  readonly path?: string;
  /** The function that takes them, where its options are not those of a session. */
  readonly of?: string;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isFunction = (value: unknown): boolean => typeof value === 'function';
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
/** Of an object, or of a class: `Date` is a clock. */
export const hasMethods = (value: unknown, names: readonly string[]): boolean =>
  names.every((name) => isFunction(field(value, name)));

export const fn: Rule = ['a function', isFunction];
export const flag: Rule = ['true or false', (value) => typeof value === 'boolean'];
export const text: Rule = ['a non-empty string', isText];
export const duration: Rule = ['milliseconds, a finite number above 0', (value) => isNumber(value) && value > 0];
export const delay: Rule = ['milliseconds, a finite number of at least 0', (value) => isNumber(value) && value >= 0];
export const clockWithNow: Rule = ['an object with the method now', (value) => hasMethods(value, ['now'])];
export const count: Rule = ['a whole number of at least 1', isWhole(1)];

export function isWhole(least: number, most = Infinity): (value: unknown) => boolean {
  return (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

/**
 * The own options that are set, without a prototype: a polluted one must not pass for an option.
 *
 * @throws {TypeError} naming an option that is unknown, missing or does not fit
 */
export function checked<T extends object>(
  given: unknown,
  rules: Rules<T>,
  { required = [], path, of }: Whose<T> = {},
): T {
  const owner = of === undefined ? '' : ` of ${of}`;
  const named = (name: string): string => `ption "${path === undefined ? '' : `${path}.`}${name}"${owner}`;
  if (!isObject(given))
    throw new TypeError(`${path === undefined ? 'The options' : `Option "${path}"`}${owner} must be an object.`);
  const set = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(rules, name))
      throw new TypeError(`Unknown o${named(name)}. Known: ${Object.keys(rules).join(', ')}.`);
    if (value === undefined) continue;
    const [expected, fits] = rules[name as keyof T & string];
    if (!fits(value)) throw new TypeError(`O${named(name)} must be ${expected}.`);
    set[name] = value;
  }
  for (const name of required)
    if (!Object.hasOwn(set, name)) throw new TypeError(`O${named(name)} is missing: it must be ${rules[name][0]}.`);
  return set as T;
}
