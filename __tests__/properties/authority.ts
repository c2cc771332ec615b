/**
 * A model of an authorization server that rotates refresh tokens and detects their reuse, and of an API that believes it.
 *
 * A sign-in begins a family of refresh tokens; each refresh replaces the family's newest by its successor. A token that has
 * a successor already is *presented again*. That is legitimate as long as the successor never came to the holder: the
 * answer was lost, or is still on its way, and G16 has the client ask again at once. It is **reuse**, which no holder may
 * ever commit, from the moment that the holder has received the successor, or any later member of the family: `received()`
 * tells, and `reuses` counts.
 *
 * What the server makes of a token presented again does not depend on that, for it cannot know. See `Rotation`.
 */
import type { TokenSet } from '../../src/index.js';
import { jwt } from '../support/jwt.js';
import { refused } from './world.js';

export type User = 'ada' | 'bob';
export type IssuedTokens = TokenSet & { readonly refreshToken: string };

/**
 * What becomes of a refresh token presented again. `forgiving`: whoever has the immediate parent of the newest is handed
 * the newest again, with a new access token; older ones are refused, and the family is revoked. `refusing`: refused, and the
 * newest stays good. `revoking`: refused, and the family is revoked (RFC 9700, section 4.14.2).
 */
export type Rotation = 'forgiving' | 'refusing' | 'revoking';

interface Access {
  readonly user: User;
  readonly expiresAt: number;
  revoked: boolean;
}

interface Family {
  readonly user: User;
  /** From the oldest to the newest. */
  readonly members: string[];
  /** How many of them, from the oldest on, the holder has grown out of. */
  outgrown: number;
  revoked: boolean;
}

export interface AuthorityOptions {
  readonly ttlSeconds: number;
  readonly rotation?: Rotation;
  /** Access tokens say nothing of themselves: no user, no dates. */
  readonly opaque?: boolean;
}

export class Authority {
  readonly opaque: boolean;
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #rotation: Rotation;
  readonly #access = new Map<string, Access>();
  readonly #families = new Map<string, Family>();
  /** How often a refresh token came whose successor the holder had received. */
  reuses = 0;

  constructor(now: () => number, { ttlSeconds, rotation = 'refusing', opaque = false }: AuthorityOptions) {
    this.#now = now;
    this.#ttlMs = ttlSeconds * 1_000;
    this.#rotation = rotation;
    this.opaque = opaque;
  }

  /** New tokens; with an access token that has been dead for a second if `dead`. */
  signIn(user: User, dead = false): IssuedTokens {
    return this.#issue({ user, members: [], outgrown: 0, revoked: false }, dead ? this.#ttlMs + 1_000 : 0);
  }

  /** The next tokens. Throws an answer that refuses. */
  rotate(refreshToken: string | undefined): IssuedTokens {
    const family = this.#families.get(refreshToken ?? '');
    if (!family || family.revoked) throw refused();
    const age = family.members.indexOf(refreshToken ?? '');
    const successors = family.members.length - 1 - age;
    if (age < family.outgrown) this.reuses += 1;
    if (successors === 0) return this.#issue(family);
    if (successors === 1 && this.#rotation === 'forgiving') return this.#issue(family, 0, family.members.at(-1));
    family.revoked = this.#rotation !== 'refusing';
    throw refused();
  }

  /** The holder has this refresh token now: those before it must not come again. */
  received(refreshToken: string): void {
    const family = this.#families.get(refreshToken);
    if (family) family.outgrown = Math.max(family.outgrown, family.members.indexOf(refreshToken));
  }

  revoke(accessToken: string | undefined): void {
    const known = this.#access.get(accessToken ?? '');
    if (known) known.revoked = true;
  }

  accepts(accessToken: string | undefined): boolean {
    const known = this.#access.get(accessToken ?? '');
    return known !== undefined && !known.revoked && known.expiresAt > this.#now();
  }

  userOf(accessToken: string): User | undefined {
    return this.#access.get(accessToken)?.user;
  }

  hasExpired(accessToken: string): boolean {
    const known = this.#access.get(accessToken);
    return known === undefined || known.expiresAt <= this.#now();
  }

  #issue(family: Family, ageMs = 0, refreshToken = `refresh-${String(this.#families.size)}`): IssuedTokens {
    const issuedAt = this.#now() - ageMs;
    const expiresAt = issuedAt + this.#ttlMs;
    const accessToken = this.opaque
      ? `opaque-${String(this.#access.size)}`
      : jwt({ sub: family.user, iat: issuedAt / 1_000, exp: expiresAt / 1_000 });
    this.#access.set(accessToken, { user: family.user, expiresAt, revoked: false });
    if (!this.#families.has(refreshToken)) family.members.push(refreshToken);
    this.#families.set(refreshToken, family);
    const expiresIn = Math.max(0, this.#ttlMs - ageMs) / 1_000;
    return { accessToken, refreshToken, ...(this.opaque && { expiresIn }) };
  }
}
