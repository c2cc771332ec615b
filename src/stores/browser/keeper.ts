/**
 * Keeps the record in its place, and a copy in memory that goes on when the place fails. What could not be written is
 * written at the next access, unless another holder has written meanwhile.
 */
import { sameTokens } from '../../core/tokens.js';
import type { TokenSet } from '../../types.js';
import { Complaint } from './fault.js';
import {
  claimsOn,
  readRecord,
  recordToReplace,
  sameRecord,
  tokensOf,
  type Place,
  type StoredRecord,
} from './record.js';

interface Change {
  readonly tokens: TokenSet | undefined;
  /** A sign-in or a sign-out: it counts whatever there is. */
  readonly isForced: boolean;
  /** Otherwise: whether a record in the place may give way. */
  readonly mayReplace: (found: StoredRecord | undefined) => boolean;
}

export class Keeper {
  readonly #place: Place;
  readonly #wrote: (version: number) => void;
  readonly #complaint = new Complaint();
  /** What this page holds to be so. */
  #copy: StoredRecord | undefined;
  /** What the place held when it last answered. */
  #seen: StoredRecord | undefined;
  /** What has yet to reach the place. */
  #owed: Change | undefined;

  /** `wrote` is called with the version of each record that has reached the place. */
  constructor(place: Place, wrote: (version: number) => void) {
    this.#place = place;
    this.#wrote = wrote;
  }

  /** @throws when the place begins to fail; the next call answers from memory */
  async load(): Promise<TokenSet | undefined> {
    let written: StoredRecord | undefined;
    try {
      const content = await this.#place.read();
      const found = this.#owed?.isForced ? this.#seen : readRecord(content);
      const isKnown = sameRecord(found, this.#seen);
      // Where nothing is found the browser has thrown it away: signing out leaves a record.
      if (found && !isKnown) this.#adopt(found);
      else if (this.#owed && (found || this.#owed.isForced)) written = await this.#put(this.#owed);
      this.#complaint.settle();
    } catch (error) {
      this.#complaint.raise(error);
    }
    if (written) this.#wrote(written.version);
    return tokensOf(this.#copy);
  }

  /** @throws when the place begins to fail; the tokens are kept in memory all the same */
  async write(tokens: TokenSet | undefined): Promise<void> {
    await this.#change({ tokens, isForced: true, mayReplace: () => true }, true);
  }

  /** The same, if the record still is what is expected. Whether it was. */
  replace(expected: TokenSet | undefined, tokens: TokenSet | undefined): Promise<boolean> {
    const isExpected = (record: StoredRecord | undefined): boolean => sameTokens(tokensOf(record), expected);
    const mayReplace = (found: StoredRecord | undefined): boolean =>
      isExpected(found ?? this.#copy) || (this.#isOlder(found) && isExpected(this.#copy));
    const mayForget = isExpected(this.#copy) || isExpected(this.#seen);
    return this.#change({ tokens, isForced: false, mayReplace }, mayForget);
  }

  /** Whether this is the first to claim `what` of the record as it stands. A place that fails keeps nobody from it. */
  async claim(what: string): Promise<boolean> {
    let isFirst = true;
    try {
      await this.#place.update((content) => {
        const record = readRecord(content);
        const claims = claimsOn(content);
        isFirst = !claims.includes(what);
        return record && isFirst ? { ...record, claims: [...claims, what] } : undefined;
      });
    } catch {
      // The place's failure is told where tokens are at stake.
      return true;
    }
    return isFirst;
  }

  /** `mayForget`: what this page knows may give way while the place fails. */
  async #change(change: Change, mayForget: boolean): Promise<boolean> {
    let written: StoredRecord | undefined;
    try {
      written = await this.#put(change);
      this.#complaint.settle();
    } catch (error) {
      if (mayForget) this.#owe(change);
      this.#complaint.raise(error);
      return mayForget;
    }
    if (written) this.#wrote(written.version);
    return written !== undefined;
  }

  async #put({ tokens, isForced, mayReplace }: Change): Promise<StoredRecord | undefined> {
    let written: StoredRecord | undefined;
    await this.#place.update((content) => {
      const found = recordToReplace(content, isForced);
      written = mayReplace(found) ? recordAfter(tokens, found, this.#copy) : undefined;
      return written;
    });
    if (written) this.#adopt(written);
    return written;
  }

  #adopt(record: StoredRecord): void {
    this.#copy = this.#seen = record;
    this.#owed = undefined;
  }

  #owe({ tokens, isForced }: Change): void {
    this.#copy = recordAfter(tokens, this.#copy);
    // A refresh that follows a sign-in counts as much as that.
    const force = isForced || this.#owed?.isForced === true;
    this.#owed = { tokens, isForced: force, mayReplace: (found) => force || sameRecord(found, this.#seen) };
  }

  /** Whether a record is older than what has yet to be written. */
  #isOlder(found: StoredRecord | undefined): boolean {
    return this.#owed?.mayReplace(found) === true;
  }
}

function recordAfter(tokens: TokenSet | undefined, ...before: (StoredRecord | undefined)[]): StoredRecord {
  const version = Math.max(...before.map((record) => record?.version ?? 0)) + 1;
  return { v: 1, version, tokens: tokens ?? null };
}
