/** The record: what is kept under the key, and how it is read. */
import { field } from '../../core/redact.js';
import { readTokens } from '../../core/tokens.js';
import type { TokenSet } from '../../types.js';
import type { Seal } from './seal.js';

/** A record as it was read or written. */
export interface Kept {
  /** As it stands in Redis; empty for none. */
  readonly text: string;
  /** Rises with every write; 0 for none. */
  readonly order: number;
  /** Nothing after a sign-out, too: that one leaves a record, so that an empty Redis is not taken for a sign-out. */
  readonly tokens: TokenSet | undefined;
}

export const nothing: Kept = { text: '', order: 0, tokens: undefined };

/** Why a record cannot be read. Only a broken one may be written over by a refresh. */
export class UnreadableError extends Error {
  constructor(
    readonly code: 'RECORD_BROKEN' | 'RECORD_NEWER' | 'RECORD_SEALED',
    message: string,
  ) {
    super(message);
    this.name = 'UnreadableError';
  }
}

const broken = (problem: string): UnreadableError =>
  new UnreadableError('RECORD_BROKEN', `Redis holds no record of a token set under this key: ${problem}.`);

/** What follows `v`, `order` and `at` in a record. `nowMs` is by the clock that `expiresAt` is by. */
export async function encode(tokens: TokenSet | undefined, nowMs: number, seal: Seal | undefined): Promise<string> {
  const { accessToken, refreshToken, expiresIn, audience, subject, expiresAt } = tokens ?? {};
  const leftMs = expiresAt === undefined ? undefined : expiresAt - nowMs;
  const held = tokens ? { accessToken, refreshToken, expiresIn, audience, subject, leftMs } : null;
  const text = JSON.stringify({ tokens: held });
  if (!seal) return text.slice(1);
  return JSON.stringify({ sealed: await seal.close(text) }).slice(1);
}

/** Reads a record. `aheadMs` is how far our clock is ahead of that of Redis. */
export async function decode(text: string, aheadMs: number, seal: Seal | undefined): Promise<Kept> {
  if (text === '') return nothing;
  const record = parse(text);
  const version = field(record, 'v');
  const order = field(record, 'order');
  const at = field(record, 'at');
  if (typeof version === 'number' && version > 1) {
    throw new UnreadableError(
      'RECORD_NEWER',
      'A newer release of the package has written the record: update this one.',
    );
  }
  if (version !== 1 || !isOrder(order) || typeof at !== 'number') throw broken('it has another form');
  const body = await unseal(record, seal);
  const held = field(body, 'tokens');
  if (held === null) return { text, order, tokens: undefined };
  const leftMs = field(held, 'leftMs');
  const expiresAt = typeof leftMs === 'number' ? at + leftMs + aheadMs : undefined;
  const reading = readTokens({ ...(held as object | undefined), expiresAt });
  if ('problem' in reading) throw broken(reading.problem);
  return { text, order, tokens: reading.tokens };
}

// Beyond every clock, and still a number to which one can be added; see scripts.ts.
function isOrder(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 9e15;
}

async function unseal(record: unknown, seal: Seal | undefined): Promise<unknown> {
  const sealed = field(record, 'sealed');
  if (!seal) {
    if (sealed !== undefined)
      throw new UnreadableError('RECORD_SEALED', 'The record is encrypted: "encryptionKey" is missing.');
    return record;
  }
  // Who can write to Redis must not be able to pass off tokens of their own.
  if (typeof sealed !== 'string')
    throw new UnreadableError('RECORD_SEALED', 'The record is not encrypted: it is not believed.');
  const text = await seal.open(sealed);
  if (text === undefined)
    throw new UnreadableError('RECORD_SEALED', 'None of the keys in "encryptionKey" opens the record.');
  return parse(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser quotes the text in its error.
    throw broken('it is no JSON');
  }
}
