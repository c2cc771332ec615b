/** The caller's own JWT: fetched anew, and held against the time before it is sent. */
import { decodeToken } from '../core/claims.js';
import { headerOf } from '../core/redact.js';
import { skewNoiseMs, skewOf } from '../core/skew.js';
import { TokenError, type TokenErrorCode } from '../errors.js';
import type { TokenClaims } from '../types.js';
import type { GrantAnswer } from './request.js';
import type { AssertionOptions, TokenSupply } from './grant.js';
import { isVisible, visible } from './rules.js';

export interface AssertionRules {
  /** The option that supplies it. */
  readonly option: string;
  readonly clockToleranceMs: AssertionOptions['clockToleranceMs'] | undefined;
  readonly clock: AssertionOptions['clock'] | undefined;
  /** Longest life that the server grants a JWT, whatever its `exp`. @default none */
  readonly maxAgeMs?: number;
  /** Whether it is a JWT, to be looked into. @default true */
  readonly isJwt?: boolean;
}

const unfit = (code: TokenErrorCode, message: string): TokenError =>
  new TokenError(code, message, { kind: 'callback' });

/** Supplies assertions that may be sent, and learns the server's time from its answers. */
export class Assertions {
  readonly #supply: TokenSupply;
  readonly #rules: AssertionRules;
  #skewMs = 0;

  constructor(supply: TokenSupply, rules: AssertionRules) {
    this.#supply = supply;
    this.#rules = rules;
  }

  /** A fresh one. Throws `AUTH_TOKEN_MALFORMED`, `AUTH_TOKEN_EXPIRED` or `AUTH_TOKEN_NOT_YET_VALID` if it is no use. */
  async next(signal: AbortSignal): Promise<string> {
    const { option, isJwt = true } = this.#rules;
    const token: unknown =
      typeof this.#supply === 'function'
        ? await this.#supply({ signal, now: this.#now() + this.#skewMs })
        : this.#supply;
    if (!isVisible(token)) {
      throw unfit('AUTH_TOKEN_MALFORMED', `Option "${option}" gave no token: ${visible[0]} is expected.`);
    }
    if (isJwt) {
      const { clockToleranceMs: toleranceMs = 60_000, maxAgeMs = Infinity } = this.#rules;
      const problems = this.#times().map((now) => problemOf(token, { option, toleranceMs, maxAgeMs, now }));
      // A clock that is off, ours or in an answer's date, must not keep a good token back: both have to say so.
      const [first] = problems;
      if (first && problems.every(Boolean)) throw first;
    }
    return token;
  }

  /** Sends a request and reads the time off its answer, error or not. */
  async timed(send: () => Promise<GrantAnswer>): Promise<GrantAnswer> {
    const sentAt = this.#now();
    try {
      const answer = await send();
      this.#heard(answer, sentAt);
      return answer;
    } catch (error) {
      this.#heard(error, sentAt);
      throw error;
    }
  }

  #now(): number {
    return this.#rules.clock?.now() ?? Date.now();
  }

  /** By the server's clock, and by ours. */
  #times(): number[] {
    const now = this.#now();
    return [now + this.#skewMs, now];
  }

  #heard(answer: unknown, sentAt: number): void {
    const skewMs = skewOf(Date.parse(headerOf(answer, 'date') ?? ''), sentAt, this.#now());
    // A date is known to the second: what may be rounding must not put the `iat` of the next JWT ahead.
    if (Number.isFinite(skewMs)) this.#skewMs = Math.abs(skewMs) < skewNoiseMs ? 0 : skewMs;
  }
}

interface Check {
  readonly option: string;
  readonly toleranceMs: number;
  readonly maxAgeMs: number;
  readonly now: number;
}

function problemOf(token: string, { option, toleranceMs, maxAgeMs, now }: Check): TokenError | undefined {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) {
    return unfit('AUTH_TOKEN_MALFORMED', `Option "${option}" gave no signed JWT of three parts.`);
  }
  const { exp, iat, nbf } = claimsIn(token, option);
  const [expiry, issue, start] = [exp, iat, nbf].map(milliseconds);
  const early = Math.max(issue ?? -Infinity, start ?? -Infinity) - now;
  if (early > toleranceMs) {
    return unfit(
      'AUTH_TOKEN_NOT_YET_VALID',
      `The JWT of option "${option}" is valid in ${seconds(early)} s only, and the tolerance is ${seconds(toleranceMs)} s: ` +
        'check the clock of whoever issued it, and of this machine.',
    );
  }
  const over = now - Math.min(expiry ?? Infinity, (issue ?? Infinity) + maxAgeMs);
  if (over < 0) return undefined;
  return unfit(
    'AUTH_TOKEN_EXPIRED',
    `The JWT of option "${option}" expired ${seconds(over)} s ago: pass a function that makes a fresh one each time.`,
  );
}

function claimsIn(token: string, option: string): TokenClaims {
  try {
    return decodeToken(token);
  } catch (error) {
    throw unfit('AUTH_TOKEN_MALFORMED', `Option "${option}": ${(error as TokenError).message}`);
  }
}

const seconds = (ms: number): number => Math.ceil(ms / 1_000);

/** A claim in milliseconds. Some issuers write milliseconds themselves: as seconds that would be beyond the year 5000. */
function milliseconds(claim: number | undefined): number | undefined {
  return claim === undefined || claim > 1e11 ? claim : claim * 1_000;
}
