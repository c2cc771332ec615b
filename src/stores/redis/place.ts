/** The record of one session in Redis, and what this holder remembers of it. */
import { field } from '../../core/redact.js';
import { sameTokens } from '../../core/tokens.js';
import type { TokenSet } from '../../types.js';
import { harmless, type Connection } from './connection.js';
import type { ResolvedOptions } from './options.js';
import { decode, encode, nothing, UnreadableError, type Kept } from './record.js';
import { claimScript, readScript, restoreScript, writeScript } from './scripts.js';
import { Seal } from './seal.js';

/** What could not be written because Redis was away. */
interface Owed {
  readonly next: TokenSet | undefined;
  /** A sign-in or a sign-out counts whatever others have done since; a refresh does not. */
  readonly always: boolean;
}

// Somebody else would have to write between each reading and writing.
const tries = 5;
// A trouble that lasts longer is told again.
const claimMs = 24 * 3_600_000;

export class Place {
  readonly #connection: Connection;
  readonly #options: ResolvedOptions;
  readonly #holder: string;
  readonly #seal: Seal | undefined;
  /** What Redis held when it was last read or written. */
  #known = nothing;
  #owed: Owed | undefined;
  #isPaying = false;
  /** Why nobody was given word of the last record that was written. */
  #unheard: Error | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, options: ResolvedOptions, holder: string) {
    this.#connection = connection;
    this.#options = options;
    this.#holder = holder;
    const { encryptionKeys, key } = options;
    if (encryptionKeys.length > 0) this.#seal = new Seal(encryptionKeys, `axios-token-refresh:1:${key}`);
  }

  /** Of the newest record that this holder knows; 0 for none. */
  get order(): number {
    return this.#known.order;
  }

  load(): Promise<TokenSet | undefined> {
    return this.#inTurn(async () => {
      await this.#payOwed();
      return (await this.#read()).tokens;
    });
  }

  /** A sign-in, or with `undefined` a sign-out. */
  async write(next: TokenSet | undefined): Promise<void> {
    await this.#oweIfAway({ next, always: true }, () => this.#put(next));
  }

  async replace(expected: TokenSet | undefined, next: TokenSet | undefined): Promise<boolean> {
    return this.#oweIfAway({ next, always: false }, async () => {
      await this.#payOwed();
      for (let left = tries; left > 0; left -= 1) {
        const current = await this.#readOverBroken();
        // Written before, by a command whose answer was lost.
        if (current.tokens && sameTokens(current.tokens, next)) return true;
        // What Redis has lost still counts.
        const newest = current.order < this.#known.order ? this.#known : current;
        if (!sameTokens(newest.tokens, expected)) return false;
        if (await this.#put(next, current.text)) return true;
      }
      return false;
    });
  }

  /** Writes what is owed, if Redis takes it now. */
  payInTurn(): void {
    if (!this.#owed || this.#isPaying) return;
    this.#isPaying = true;
    const paid = (): void => {
      this.#isPaying = false;
    };
    this.#inTurn(() => this.#payOwed()).then(paid, paid);
  }

  /** Whether this holder is the first to claim `what` of the record that it knows. */
  async claim(what: string): Promise<boolean> {
    const key = `${this.#options.claimKey}:${what}:${this.order}`;
    return isYes(await this.#connection.run(claimScript, [key], [this.#holder, String(claimMs)]));
  }

  /** Reads the record. If Redis has lost the newest one that this holder knows, puts that back. */
  async #read(): Promise<Kept> {
    for (let left = tries; left > 0; left -= 1) {
      const text = await this.#get();
      const current = await this.#decode(text);
      if (current.order >= this.#known.order) return (this.#known = current);
      if (await this.#restore(text.record)) break;
    }
    return this.#known;
  }

  /** Takes a broken record for none, but for its text. */
  async #readOverBroken(): Promise<Kept> {
    const text = await this.#get();
    try {
      return await this.#decode(text);
    } catch (error) {
      if (!(error instanceof UnreadableError && error.code === 'RECORD_BROKEN')) throw error;
      return { ...nothing, text: text.record };
    }
  }

  /** Writes what is owed, unless somebody else has written a newer record than it was to replace. */
  async #payOwed(): Promise<void> {
    const owed = this.#owed;
    if (!owed) return;
    if (owed.always) {
      await this.#put(owed.next);
    } else {
      for (let left = tries; left > 0; left -= 1) {
        const current = await this.#readOverBroken();
        if (current.order > this.#known.order || (await this.#put(owed.next, current.text))) break;
      }
    }
    this.#owed = undefined;
  }

  #oweIfAway<T>(owed: Owed, write: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      this.#unheard = undefined;
      let done: T;
      try {
        done = await write();
        this.#owed = undefined;
      } catch (error) {
        const always = owed.always || (this.#owed?.always ?? false);
        // What was owed before is older than this, and must not be written either.
        this.#owed = isForGood(error) ? undefined : { ...owed, always };
        throw error;
      }
      this.#assertHeard();
      return done;
    });
  }

  /** What was written stands. Whoever operates this is to know that the others do not hear of it. */
  #assertHeard(): void {
    if (this.#unheard) throw this.#unheard;
  }

  /** One after the other, also where the session has given one up: a slow, older writing must not be owed after a newer one. */
  #inTurn<T>(access: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(access);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  // --- scripts ---

  async #get(): Promise<{ readonly record: string; readonly aheadMs: number }> {
    await this.#connection.ready();
    // Before Redis is asked, so that a slow answer makes no token live longer.
    const now = this.#options.clock.now();
    const answer = (await this.#connection.run(readScript, [this.#options.key], [])) as unknown[];
    const [seconds, microseconds, record] = answer.map(String);
    return { record: record ?? '', aheadMs: now - (Number(seconds) * 1_000 + Number(microseconds) / 1_000) };
  }

  #decode({ record, aheadMs }: { readonly record: string; readonly aheadMs: number }): Promise<Kept> {
    return decode(record, aheadMs, this.#seal);
  }

  /** Writes a record, over `expected` only where that is told. Whether it did. */
  async #put(next: TokenSet | undefined, expected?: string): Promise<boolean> {
    const { key, ttlMs, channel, clock } = this.#options;
    await this.#connection.ready();
    const body = await encode(next, clock.now(), this.#seal);
    // A sign-out counts, whatever it is that cannot be read.
    const rule = expected !== undefined ? 'is' : next ? 'old' : 'any';
    const values = [rule, expected ?? '', body, String(this.order), String(ttlMs), channel, this.#holder];
    const answer = (await this.#connection.run(writeScript, [key], values)) as unknown[];
    const [text = '', refusal] = answer.map(String);
    if (text === '') return false;
    // What is written stands all the same: the others find it when they next ask.
    this.#unheard = refusal ? harmless(new Error(refusal)) : undefined;
    const order = Number(/"order":(\d+)/.exec(text)?.[1]);
    this.#known = { text, order, tokens: next };
    return true;
  }

  async #restore(current: string): Promise<boolean> {
    const { key, leaseKey, ttlMs, channel, leaseMs } = this.#options;
    const values = [current, this.#known.text, String(ttlMs), channel, this.#holder, String(leaseMs)];
    return isYes(await this.#connection.run(restoreScript, [key, leaseKey], values));
  }
}

/** Clients can be told to give numbers as strings. */
function isYes(answer: unknown): boolean {
  return Number(answer) === 1;
}

/** It would fail again: a newer record, or a key that is used for something else. */
function isForGood(error: unknown): boolean {
  const code = field(error, 'code');
  return code === 'NEWER' || code === 'WRONGTYPE';
}
