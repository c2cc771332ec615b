/** What several grants expect of their options. */
import { clockWithNow, delay, isText, type Rule, type Rules } from '../core/checks.js';
import { isSecure, originOf } from '../core/origins.js';
import type { AssertionOptions } from './grant.js';

export const supply: Rule = [
  'a string, or a function that returns one',
  (value) => isText(value) || typeof value === 'function',
];
/** What can stand in a header as a token, or as one word of it. */
export const isVisible = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
export const visible: Rule = ['visible ASCII without spaces', isVisible];
export const assertionRules: Rules<AssertionOptions> = { clockToleranceMs: delay, clock: clockWithNow };
/** Where a secret may be sent. */
export const endpoint: Rule = [
  'an absolute https: URL (http: to loopback only), without credentials or fragment in it',
  (value) =>
    isText(value) && /^https?:\/\/[^#]+$/i.test(value) && originOf(value) !== undefined && isSecure(new URL(value)),
];

/**
 * Holds an argument beside the options against a rule.
 *
 * @throws {TypeError} naming the function and the argument, never the value: it may be a token
 */
export function checkArgument(of: string, name: string, value: unknown, [expected, fits]: Rule): void {
  if (!fits(value)) throw new TypeError(`${of}: "${name}" must be ${expected}.`);
}
