/**
 * Keeps the record in its place, and a copy in memory that goes on when the place fails. What could not be written is
 * written at the next access, unless another holder has written meanwhile.
 */
import { sameTokens } from '../../core/tokens.js';
import type { TokenSet } from '../../types.js';
import { Complaint } from './fault.js';
import { readRecord, recordToReplace, sameRecord, tokensOf, type Place, type StoredRecord } from './record.js';

interface Change {
  readonly tokens: TokenSet | undefined;
  /** Whether a record in the place may give way. */
  readonly mayReplace: (found: StoredRecord | undefined) => boolean;
  /** Whether what this page knows may give way while the place fails. */
  readonly mayForget: () => boolean;
  /** Even one that a newer release has written. */
  readonly isForced: boolean;
}

export class Keeper {
  readonly #place: Place;
  readonly #wrote: (version: number) => void;
  readonly #complaint = new Complaint();
  /** What this page holds to be so. */
  #copy: StoredRecord | undefined;
  /** What the place held when it last answered. If it is another than the copy, the copy is still to be written. */
  #seen: StoredRecord | undefined;

  /** `wrote` is called with the version of each record that has reached the place. */
  constructor(place: Place, wrote: (version: number) => void) {
    this.#place = place;
    this.#wrote = wrote;
  }

  /** Whether the record of that version has been read or written here. */
  knows(version: number): boolean {
    return !this.#isOwed && this.#seen?.version === version;
  }

  /** @throws when the place begins to fail; the next call answers from memory */
  async load(): Promise<TokenSet | undefined> {
    let written: StoredRecord | undefined;
    try {
      const found = readRecord(await this.#place.read());
      const isKnown = sameRecord(found, this.#seen);
      // Where nothing is found the browser has thrown it away: signing out leaves a record.
      if (found && !isKnown) this.#copy = this.#seen = found;
      if (found && isKnown && this.#isOwed) {
        const tokens = tokensOf(this.#copy);
        const mayReplace = (now: StoredRecord | undefined): boolean => sameRecord(now, this.#seen);
        written = await this.#put({ tokens, mayReplace, mayForget: () => false, isForced: false });
      }
      this.#complaint.settle();
    } catch (error) {
      this.#complaint.raise(error);
    }
    if (written) this.#wrote(written.version);
    return tokensOf(this.#copy);
  }

  /** @throws when the place begins to fail; the tokens are kept in memory all the same */
  async write(tokens: TokenSet | undefined): Promise<void> {
    const always = (): boolean => true;
    await this.#change({ tokens, mayReplace: always, mayForget: always, isForced: true });
  }

  /** The same, if the record still is what is expected. Whether it was. */
  replace(expected: TokenSet | undefined, tokens: TokenSet | undefined): Promise<boolean> {
    const isExpected = (record: StoredRecord | undefined): boolean => sameTokens(tokensOf(record), expected);
    return this.#change({
      tokens,
      mayReplace: (found) =>
        isExpected(found ?? this.#copy) || (this.#isOwed && sameRecord(found, this.#seen) && isExpected(this.#copy)),
      mayForget: () => isExpected(this.#copy) || isExpected(this.#seen),
      isForced: false,
    });
  }

  async #change(change: Change): Promise<boolean> {
    let written: StoredRecord | undefined;
    try {
      written = await this.#put(change);
      this.#complaint.settle();
    } catch (error) {
      const stands = change.mayForget();
      if (stands) this.#copy = recordAfter(change.tokens, this.#copy);
      this.#complaint.raise(error);
      return stands;
    }
    if (written) this.#wrote(written.version);
    return written !== undefined;
  }

  async #put({ tokens, mayReplace, isForced }: Change): Promise<StoredRecord | undefined> {
    let written: StoredRecord | undefined;
    await this.#place.update((content) => {
      const found = recordToReplace(content, isForced);
      written = mayReplace(found) ? recordAfter(tokens, found, this.#copy) : undefined;
      return written;
    });
    if (written) this.#copy = this.#seen = written;
    return written;
  }

  get #isOwed(): boolean {
    return this.#copy !== this.#seen;
  }
}

function recordAfter(tokens: TokenSet | undefined, ...before: (StoredRecord | undefined)[]): StoredRecord {
  const version = Math.max(...before.map((record) => record?.version ?? 0)) + 1;
  return { v: 1, version, tokens: tokens ?? null };
}
