/**
 * For sessions whose refresh credential is an HttpOnly cookie: each tab keeps its own tokens in memory, and what is
 * shared is only whether somebody is signed in, and who.
 */
import { claimsOf, subjectOf } from '../../core/claims.js';
import type { TokenSet } from '../../types.js';
import type { Keeper } from './keeper.js';

/** What {@link Keeper} does for tokens that are stored. */
export type Keeping = Pick<Keeper, 'load' | 'write' | 'replace'>;

export class MemoryKeeper implements Keeping {
  readonly #facts: Keeping;
  /** This tab's tokens, or a stand-in that makes it refresh. */
  #own: TokenSet | undefined;
  /** What was last found to be known to all. */
  #fact: TokenSet | undefined;

  /** `facts` stores stand-ins only. */
  constructor(facts: Keeping) {
    this.#facts = facts;
  }

  async load(): Promise<TokenSet | undefined> {
    this.#fact = await this.#facts.load();
    if (!this.#fact || !this.#own || !isSameUser(this.#own, this.#fact)) this.#own = this.#fact;
    return this.#own;
  }

  async write(tokens: TokenSet | undefined): Promise<void> {
    this.#own = tokens;
    this.#fact = tokens && standIn(tokens);
    await this.#facts.write(this.#fact);
  }

  async replace(_expected: TokenSet | undefined, tokens: TokenSet | undefined): Promise<boolean> {
    const fact = tokens && standIn(tokens);
    let stands = true;
    try {
      stands = await this.#facts.replace(this.#fact, fact);
    } finally {
      // What fails counts as done: the memory is what this tab goes on with.
      if (stands) {
        this.#own = tokens;
        this.#fact = fact;
      }
    }
    return stands;
  }
}

/** Dead tokens of the same user: whoever finds them refreshes before the next request, and never sends them. */
function standIn(tokens: TokenSet): TokenSet {
  const subject = userOf(tokens);
  return { accessToken: `signed-in:${encodeURIComponent(subject ?? '')}`, expiresAt: 0, subject };
}

/** Where either is unknown it is taken for the same. */
function isSameUser(a: TokenSet, b: TokenSet): boolean {
  const [one, other] = [userOf(a), userOf(b)];
  return one === undefined || other === undefined || one === other;
}

function userOf({ accessToken, subject }: TokenSet): string | undefined {
  return subject ?? (subjectOf(claimsOf(accessToken)) || undefined);
}
