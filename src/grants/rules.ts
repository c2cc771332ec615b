/** What several grants expect of their options. */
import { clockWithNow, delay, isText, type Rule, type Rules } from '../core/checks.js';
import { isSecure, originOf } from '../core/origins.js';
import type { AssertionOptions } from './grant.js';

export const supply: Rule = [
  'a string, or a function that returns one',
  (value) => isText(value) || typeof value === 'function',
];
export const assertionRules: Rules<AssertionOptions> = { clockToleranceMs: delay, clock: clockWithNow };
/** Where a secret may be sent. */
export const endpoint: Rule = [
  'an absolute https: URL (http: to loopback only), without credentials or fragment in it',
  (value) =>
    isText(value) && /^https?:\/\/[^#]+$/i.test(value) && originOf(value) !== undefined && isSecure(new URL(value)),
];
