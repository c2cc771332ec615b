/** A model of an authorization server with refresh-token rotation, and of an API that believes it. */
import type { TokenSet } from '../../src/index.js';
import { jwt } from '../support/jwt.js';
import { refused } from './world.js';

export type User = 'ada' | 'bob';

interface Issued {
  readonly user: User;
  readonly expiresAt: number;
  revoked: boolean;
}

export class Authority {
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #access = new Map<string, Issued>();
  readonly #refresh = new Map<string, { readonly user: User; used: boolean }>();
  /** How often it has refused a refresh token. */
  refusals = 0;

  constructor(now: () => number, ttlSeconds: number) {
    this.#now = now;
    this.#ttlMs = ttlSeconds * 1_000;
  }

  /** New tokens; with an access token that has been dead for a second if `dead`. */
  signIn(user: User, dead = false): TokenSet & { refreshToken: string } {
    const issuedAt = this.#now() - (dead ? this.#ttlMs + 1_000 : 0);
    const accessToken = jwt({ sub: user, iat: issuedAt / 1_000, exp: (issuedAt + this.#ttlMs) / 1_000 });
    const refreshToken = `refresh-${String(this.#refresh.size)}`;
    this.#access.set(accessToken, { user, expiresAt: issuedAt + this.#ttlMs, revoked: false });
    this.#refresh.set(refreshToken, { user, used: false });
    return { accessToken, refreshToken };
  }

  /** The next tokens, once per refresh token: a second time is refused. */
  rotate(refreshToken: string | undefined): TokenSet {
    const known = this.#refresh.get(refreshToken ?? '');
    if (!known || known.used) return this.refuse();
    known.used = true;
    return this.signIn(known.user);
  }

  refuse(): never {
    this.refusals += 1;
    throw refused();
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
}
