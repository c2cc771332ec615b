/** The cases of this folder as they are written down; README.md explains every field. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenSessionOptions, TokenSet } from '../../src/types.js';
import { jwt } from '../support/jwt.js';

export type Freshness = 'fresh' | 'ahead' | 'due' | 'expired';

/** A token set, told by its life. A name that was used before stands for the very same access token. */
export interface TokenSpec {
  readonly token?: string;
  readonly opaque?: true;
  readonly ttlSeconds?: number;
  readonly ageSeconds?: number;
  readonly issuedAt?: false;
  readonly skewSeconds?: number;
  readonly expiresIn?: number;
  readonly expiresInMs?: number;
  readonly refreshToken?: string;
  readonly subject?: string;
}

/** How a call of the refresh callback ends. */
export interface Response {
  readonly call?: number;
  readonly ok?: TokenSpec;
  readonly refused?: true;
  readonly network?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly throws?: unknown;
  readonly invalid?: unknown;
}

/** What the API answers to a token. */
export interface ApiRule {
  readonly accepts?: readonly string[];
  readonly refuses?: readonly string[];
  readonly status?: number;
  readonly scope?: true;
  readonly holds?: true;
}

/** One action, and what must be true once everything that it decides has happened. */
export interface Step {
  readonly advanceMs?: number;
  readonly jumpWallMs?: number;
  readonly request?: string;
  readonly timeoutMs?: number;
  readonly abort?: string;
  readonly getAccessToken?: string;
  readonly refresh?: string;
  readonly respond?: Response;
  readonly renew?: TokenSpec & { readonly tookMs?: number };
  readonly setTokens?: TokenSpec;
  readonly signOut?: true;
  readonly api?: ApiRule;
  readonly answer?: { readonly request: string; readonly status: number };
  readonly traffic?: { readonly everyMs: number; readonly forMs: number };
  readonly expect?: Readonly<Record<string, unknown>> & { readonly freshness?: Freshness };
}

export interface Case {
  readonly name: string;
  readonly guarantees: readonly string[];
  readonly options?: Partial<TokenSessionOptions>;
  readonly state: TokenSpec | null;
  /** The end of every call of the refresh callback, at once; without it calls stay open until a step ends them. */
  readonly responses?: Response;
  readonly steps: readonly Step[];
}

/** The cases of every file in a folder, each file by its name. */
export function readCases(folder: string): Map<string, readonly Case[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(files.map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Case[]]));
}

/** Whether a case only asks what a token is good for as time passes: such a case needs no session. */
export function isFreshnessCase({ state, steps }: Case): boolean {
  const plain = ['advanceMs', 'jumpWallMs', 'renew', 'setTokens', 'expect'];
  const asks = ({ expect = {} }: Step): boolean => Object.keys(expect).every((name) => name === 'freshness');
  return state !== null && steps.every((step) => asks(step) && Object.keys(step).every((name) => plain.includes(name)));
}

/** The tokens of one case: made from what is written, and called by their names again. */
export class Mint {
  readonly #tokens = new Map<string, string>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(spec: TokenSpec): TokenSet {
    const name = spec.token ?? `unnamed-${String(this.#tokens.size + 1)}`;
    const accessToken = this.#tokens.get(name) ?? (spec.opaque ? name : this.#jwt(spec));
    this.#tokens.set(name, accessToken);
    const { expiresIn, expiresInMs, refreshToken } = spec;
    return {
      accessToken,
      ...(expiresIn !== undefined && { expiresIn }),
      ...(expiresInMs !== undefined && { expiresAt: this.#now() + expiresInMs }),
      ...(refreshToken !== undefined && { refreshToken }),
    };
  }

  nameOf(accessToken: string | undefined): string | undefined {
    return [...this.#tokens].find(([, token]) => token === accessToken)?.[0] ?? accessToken;
  }

  #jwt({ ttlSeconds, ageSeconds = 0, skewSeconds = 0, issuedAt, subject = 'ada' }: TokenSpec): string {
    const iat = Math.floor(this.#now() / 1000) + skewSeconds - ageSeconds;
    return jwt({
      sub: subject,
      ...(issuedAt !== false && { iat }),
      ...(ttlSeconds !== undefined && { exp: iat + ttlSeconds }),
    });
  }
}
