/** What options of the server must be. */
import { isNumber, isObject, isText, isWhole, type Rule } from '../core/checks.js';
import { isSecure } from '../core/origins.js';

export const object: Rule = ['an object', isObject];
/** Longest delay of a timer: a longer one ends at once. */
const longestTimerMs = 2 ** 31 - 1;
const longestLifetimeMs = 100 * 365 * 24 * 3_600_000;

export const wholeMs = (least: number, most: number): Rule => [
  `milliseconds, a whole number from ${least} to ${most}`,
  isWhole(least, most),
];
/** What a timer waits for. */
export const wait: Rule = wholeMs(1, longestTimerMs);
/** What ends up as a moment in a database, which holds whole milliseconds. */
export const lifetime: Rule = wholeMs(1_000, longestLifetimeMs);
const limitDuration: Rule = wholeMs(1_000, longestTimerMs);
export const texts: Rule = ['an array of strings', (value) => Array.isArray(value) && value.every(isText)];

/** Whether every store keeps it as it is: in UTF-8 all lone surrogates are one character, and their users would be one. */
export const isSubject = (value: unknown): value is string =>
  isText(value) && value.length <= 255 && !/[\p{Cc}\p{Cs}]/u.test(value);
export const subject: Rule = [
  'a string of 1 to 255 characters, without control characters or halves of surrogate pairs',
  isSubject,
];

export const between = (least: number, most: number): Rule => [
  `a number from ${least} to ${most}`,
  (value) => isNumber(value) && value >= least && value <= most,
];
export const wholeBetween = (least: number, most: number): Rule => [
  `a whole number from ${least} to ${most}`,
  isWhole(least, most),
];

/** So many in so much time. */
export const rate: Rule = [
  `{ points, durationMs }, where durationMs is ${limitDuration[0]}`,
  (value) =>
    isObject(value) &&
    isWhole(1, 1e9)(value['points']) &&
    limitDuration[1](value['durationMs']) &&
    Object.keys(value).length === 2,
];
/** `https:`, or plain HTTP to this machine: what goes there or comes from there must not be read or changed on the way. */
export const isSafeUrl = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && isSecure(new URL(value));
export const safeUrl: Rule = ['an https: URL, or one of loopback', isSafeUrl];
