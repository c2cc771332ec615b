/** Who may have which token: refresh tokens that rotate, reuse that is detected and punished (RFC 9700, section 4.14.2). */
import { jwt } from '../support/jwt.js';
import type { Time } from './time.js';

/** Lifetime of access tokens, in seconds. */
export const lifetimeSeconds = 60;
/** How long a forgiving server answers the holder of the token that was just spent, in seconds. */
export const graceSeconds = 30;

export interface Issued {
  readonly accessToken: string;
  readonly refreshToken: string;
}

interface Family {
  readonly subject: string;
  current: string;
  parent: { readonly token: string; readonly spentAt: number } | undefined;
  revoked: boolean;
}

export class Authority {
  readonly #time: Time;
  readonly #forgiving: boolean;
  readonly #families = new Map<string, Family>();
  readonly #access = new Map<string, { readonly subject: string; readonly expiresAt: number }>();
  /** Times that a spent refresh token was presented, forgiven or not. */
  reuses = 0;
  /** The access token that was issued last. */
  latest = '';

  /** @param forgiving hands the same next token to who presents its immediate parent once more, for a short time */
  constructor(time: Time, forgiving: boolean) {
    this.#time = time;
    this.#forgiving = forgiving;
  }

  signIn(subject: string): Issued {
    const family: Family = { subject, current: '', parent: undefined, revoked: false };
    return this.#next(family);
  }

  /** The next tokens, or nothing for a refresh token that is not good. */
  rotate(refreshToken: string): Issued | undefined {
    const family = this.#families.get(refreshToken);
    if (!family || family.revoked) return undefined;
    if (refreshToken === family.current) {
      family.parent = { token: refreshToken, spentAt: this.#time.now() };
      return this.#next(family);
    }
    this.reuses += 1;
    const { parent } = family;
    const forgiven =
      this.#forgiving && parent?.token === refreshToken && this.#time.now() - parent.spentAt <= graceSeconds * 1_000;
    if (forgiven) return { accessToken: this.accessToken(family.subject), refreshToken: family.current };
    family.revoked = true;
    return undefined;
  }

  /** An access token issued so many seconds ago. */
  accessToken(subject: string, ageSeconds = 0): string {
    const iat = Math.floor(this.#time.now() / 1_000) - ageSeconds;
    const token = jwt({ sub: subject, iat, exp: iat + lifetimeSeconds });
    this.#access.set(token, { subject, expiresAt: (iat + lifetimeSeconds) * 1_000 });
    this.latest = token;
    return token;
  }

  /** Whose request this is; nothing if the token is unknown, dead or withdrawn. */
  subjectOf(accessToken: string | undefined): string | undefined {
    const known = this.#access.get(accessToken ?? '');
    return known && known.expiresAt > this.#time.now() ? known.subject : undefined;
  }

  /** Whether this token died at least so long ago. */
  isDead(accessToken: string | undefined, forMs: number): boolean {
    const known = this.#access.get(accessToken ?? '');
    return known !== undefined && known.expiresAt + forMs < this.#time.now();
  }

  /** Refuses every access token issued so far: a signing key was replaced. */
  withdraw(): void {
    this.#access.clear();
  }

  #next(family: Family): Issued {
    family.current = `refresh-${this.#families.size + 1}`;
    this.#families.set(family.current, family);
    return { accessToken: this.accessToken(family.subject), refreshToken: family.current };
  }
}
