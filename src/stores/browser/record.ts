/** What is written under a key, and what may be made of what is found there: pure. */
import { field } from '../../core/redact.js';
import { readTokens, sameTokens } from '../../core/tokens.js';
import type { TokenSet } from '../../types.js';
import { faultOf } from './fault.js';

export interface StoredRecord {
  /** Version of this format. */
  readonly v: 1;
  /** Rises by one with each write. */
  readonly version: number;
  /** `null` after a sign-out or an expiry; a record that the browser has thrown away is no record at all. */
  readonly tokens: TokenSet | null;
  /** What holders have claimed of it. */
  readonly claims?: readonly string[];
}

/** A place for one record, shared by the tabs of an origin or not. */
export interface Place {
  /** What is there; `undefined` for nothing. */
  read(): Promise<unknown>;
  /** Puts what `next` makes of what is there, in one step; `undefined` leaves it. */
  update(next: (found: unknown) => StoredRecord | undefined): Promise<void>;
  /** Lets go of what it holds open; the next access opens it again. */
  release(): void;
}

// One more must still be a version.
const isVersion = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < Number.MAX_SAFE_INTEGER;

/**
 * Reads what was found. A token set as such counts as the version before the first.
 *
 * @throws `RECORD_NEWER` or `RECORD_UNREADABLE`
 */
export function readRecord(found: unknown): StoredRecord | undefined {
  if (found === undefined || found === null) return undefined;
  const v = field(found, 'v');
  if (v === undefined) return { v: 1, version: 0, tokens: tokensIn(found) };
  if (isVersion(v) && v > 1) throw faultOf('RECORD_NEWER');
  const version = field(found, 'version');
  const tokens = field(found, 'tokens');
  if (v !== 1 || !isVersion(version)) throw faultOf('RECORD_UNREADABLE');
  return { v, version, tokens: tokens === null ? null : tokensIn(tokens) };
}

function tokensIn(found: unknown): TokenSet {
  const reading = typeof found === 'object' ? readTokens(found) : undefined;
  if (!reading || !('tokens' in reading)) throw faultOf('RECORD_UNREADABLE');
  return reading.tokens;
}

export function sameRecord(a: StoredRecord | undefined, b: StoredRecord | undefined): boolean {
  return a?.version === b?.version && sameTokens(tokensOf(a), tokensOf(b));
}

export function tokensOf(record: StoredRecord | undefined): TokenSet | undefined {
  return record?.tokens ?? undefined;
}

/** What is found, for one who is about to write: something unreadable is as good as nothing. */
export function recordToReplace(found: unknown, isForced: boolean): StoredRecord | undefined {
  try {
    return readRecord(found);
  } catch (error) {
    if (!isForced && field(error, 'code') === 'RECORD_NEWER') throw error;
    return undefined;
  }
}

export function claimsOn(found: unknown): readonly string[] {
  const claims = field(found, 'claims');
  return Array.isArray(claims) ? claims.map(String) : [];
}
