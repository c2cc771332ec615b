/** Checks and tidies what a user or a server hands over as tokens: pure. */
import type { TokenSet } from '../types.js';
import { isNumber, isText } from './checks.js';
import { originOf } from './origins.js';
import { field } from './redact.js';

/** A token set that can be used as it stands, or the reason why there is none. */
export type Reading = { readonly tokens: TokenSet } | { readonly problem: string };

const optional = (value: unknown, fits: (value: unknown) => boolean): boolean => value === undefined || fits(value);

/** Reads a token set or a bare access token. Problems name the field, never its value. `null` counts as absent. */
export function readTokens(given: unknown): Reading {
  const read = (name: keyof TokenSet): unknown => {
    const value = typeof given === 'string' && name === 'accessToken' ? given : field(given, name);
    return typeof value === 'string' ? value.trim() : (value ?? undefined);
  };
  const tokens = {
    accessToken: read('accessToken'),
    refreshToken: read('refreshToken'),
    expiresIn: numeric(read('expiresIn')),
    expiresAt: numeric(read('expiresAt')),
    subject: read('subject'),
    audience: origins(read('audience')),
  };
  const kind = given === null ? 'null' : typeof given;
  const rules: [boolean, string][] = [
    [typeof given === 'string' || kind === 'object', `expected a token set or a string, got ${kind}`],
    [isText(tokens.accessToken), '"accessToken" must be a non-empty string'],
    [
      /^[\x21-\x7e]+$/.test(String(tokens.accessToken)),
      '"accessToken" has spaces, line breaks or non-ASCII characters',
    ],
    [optional(tokens.refreshToken, isText), '"refreshToken" must be a non-empty string'],
    [optional(tokens.expiresIn, (value) => isNumber(value) && value >= 0), '"expiresIn" must be a number of seconds'],
    [optional(tokens.expiresAt, isNumber), '"expiresAt" must be milliseconds since the epoch'],
    [optional(tokens.subject, isText), '"subject" must be a non-empty string'],
    [optional(tokens.audience, Array.isArray), '"audience" must be an array of origins'],
  ];
  const broken = rules.find(([kept]) => !kept);
  return broken ? { problem: broken[1] } : { tokens: Object.freeze(tokens as TokenSet) };
}

// Some servers send numbers as strings.
function numeric(value: unknown): unknown {
  return isText(value) ? Number(value) : value;
}

/** The origins behind a list of URLs; anything else stays as it is, to be found fault with. */
function origins(given: unknown): unknown {
  if (!Array.isArray(given)) return given;
  const parsed = given.map((entry) => originOf(String(entry)));
  return parsed.includes(undefined) ? false : Object.freeze(parsed);
}

/** Whether two token sets are one and the same. */
export function sameTokens(a: TokenSet | undefined, b: TokenSet | undefined): boolean {
  return a?.accessToken === b?.accessToken && a?.refreshToken === b?.refreshToken;
}
