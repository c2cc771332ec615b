/** Checks and tidies what a user or a server hands over as tokens: pure. */
import type { TokenSet } from '../types.js';
import { originOf } from './origins.js';
import { field } from './redact.js';

const headerSafe = /^[\x21-\x7e]+$/;

/** A token set that can be used as it stands, or the reason why there is none. */
export type Reading = { readonly tokens: TokenSet } | { readonly problem: string };

/** Reads a token set or a bare access token. Problems name the field, never its value. */
export function readTokens(given: unknown): Reading {
  const set = typeof given === 'string' ? { accessToken: given } : given;
  if (typeof set !== 'object' || set === null)
    return { problem: `expected a token set or a string, got ${set === null ? 'null' : typeof set}` };
  const accessToken = trimmed(field(set, 'accessToken'));
  if (typeof accessToken !== 'string' || accessToken === '')
    return { problem: '"accessToken" must be a non-empty string' };
  if (!headerSafe.test(accessToken))
    return { problem: '"accessToken" has characters that a header cannot carry (spaces, line breaks or non-ASCII)' };
  const refreshToken = field(set, 'refreshToken') ?? undefined;
  if (refreshToken !== undefined && (typeof refreshToken !== 'string' || refreshToken === ''))
    return { problem: '"refreshToken" must be a non-empty string' };
  const expiresIn = numeric(field(set, 'expiresIn'));
  if (expiresIn !== undefined && !(Number.isFinite(expiresIn) && expiresIn >= 0))
    return { problem: '"expiresIn" must be a number of seconds' };
  const expiresAt = numeric(field(set, 'expiresAt'));
  if (expiresAt !== undefined && !Number.isFinite(expiresAt))
    return { problem: '"expiresAt" must be a number of milliseconds since the epoch' };
  const subject = field(set, 'subject') ?? undefined;
  if (subject !== undefined && typeof subject !== 'string') return { problem: '"subject" must be a string' };
  const audience = readAudience(field(set, 'audience') ?? undefined);
  if (audience === false) return { problem: '"audience" must be an array of origins' };
  return { tokens: Object.freeze({ accessToken, refreshToken, expiresIn, expiresAt, subject, audience }) };
}

function trimmed(value: unknown): unknown {
  return typeof value === 'string' ? value.trim() : value;
}

// Some servers send numbers as strings.
function numeric(value: unknown): number | undefined {
  return value === undefined || value === null
    ? undefined
    : typeof value === 'number'
      ? value
      : typeof value === 'string' && value.trim() !== ''
        ? Number(value)
        : NaN;
}

function readAudience(given: unknown): readonly string[] | undefined | false {
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) return false;
  const origins = given.map((entry) => (typeof entry === 'string' ? originOf(entry) : undefined));
  return origins.every((origin) => origin !== undefined) && Object.freeze(origins);
}
