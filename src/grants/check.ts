/** What the options of a grant must be. Misuse is a `TypeError` at once, and names the option. */
import { isSecure, originOf } from '../core/origins.js';

/** One option's rule: what it expects, in words, and whether a value fits. */
export type Rule = readonly [expected: string, fits: (value: unknown) => boolean];

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

export const text: Rule = ['a non-empty string', isText];
export const callback: Rule = ['a function', (value) => typeof value === 'function'];
export const flag: Rule = ['true or false', (value) => typeof value === 'boolean'];
export const supply: Rule = [
  'a string, or a function that returns one',
  (value) => isText(value) || typeof value === 'function',
];
export const tolerance: Rule = [
  'milliseconds, a finite number of at least 0',
  (value) => Number.isFinite(value) && (value as number) >= 0,
];
export const clock: Rule = ['{ now }', (value) => isObject(value) && typeof value['now'] === 'function'];
/** Where a secret may be sent. */
export const endpoint: Rule = [
  'an absolute https: URL (http: to loopback only), without credentials or fragment in it',
  (value) => isText(value) && originOf(value) !== undefined && !value.includes('#') && isSecure(new URL(value)),
];

/** Own options that are set, each held against its rule; `required` ones are there. */
export function checked<T extends object>(
  grant: string,
  given: T,
  rules: Readonly<Record<keyof T & string, Rule>>,
  required: readonly (keyof T & string)[],
): T {
  if (!isObject(given)) throw new TypeError(`${grant} expects an object of options.`);
  // Without a prototype: a polluted one must not pass for an option.
  const set = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(rules, name)) {
      throw new TypeError(`${grant}: unknown option "${name}". Known: ${Object.keys(rules).join(', ')}.`);
    }
    if (value === undefined) continue;
    const [expected, fits] = rules[name as keyof T & string];
    if (!fits(value)) throw new TypeError(`${grant}: option "${name}" must be ${expected}.`);
    set[name] = value;
  }
  for (const name of required) {
    if (!Object.hasOwn(set, name))
      throw new TypeError(`${grant}: option "${name}" is missing: it must be ${rules[name][0]}.`);
  }
  return set as T;
}
