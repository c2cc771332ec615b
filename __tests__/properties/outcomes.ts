/** What may become of one call of the refresh callback. */
import type { FailureKind, TokenSet } from '../../src/index.js';
import { jwt } from '../support/jwt.js';
import type { Authority, IssuedTokens } from './authority.js';
import { answered, refused, reset, unreachable } from './world.js';

export type OutcomeKind =
  | 'ok'
  | 'unreachable'
  | 'reset'
  | 'lost'
  | 'timed-out'
  | 'throttled'
  | 'unavailable'
  | 'gateway'
  | 'refused'
  | 'garbled'
  | 'nonsense'
  | 'same'
  | 'dead'
  | 'other-user'
  | 'throws'
  | 'hang';

export interface Outcome {
  readonly kind: OutcomeKind;
  readonly delayMs: number;
  /** The header of a `throttled` answer. */
  readonly retryAfter: string;
}

export const retryAfters = ['0', '1', '86400', '2592000', 'Fri, 02 Jan 2026 00:00:00 GMT', 'soon', '-1'] as const;

interface Rule {
  /** How a failure may be told. */
  readonly failures: readonly FailureKind[];
  /** The server has rotated the refresh token before the answer was lost. */
  readonly commits?: true;
  /** For all that the client can tell, the server may have acted: it asks again once, and at once. */
  readonly mayHaveReached?: true;
}

const uncertain = { mayHaveReached: true } as const;
const swallowed = { commits: true, ...uncertain } as const;

export const rules: Readonly<Record<OutcomeKind, Rule>> = {
  // It fails if the token is refused after all, or has died on its way.
  ok: { failures: ['refused', 'protocol'], ...swallowed },
  unreachable: { failures: ['network'] },
  reset: { failures: ['network'], ...uncertain },
  lost: { failures: ['network'], ...swallowed },
  'timed-out': { failures: ['timeout'], ...uncertain },
  throttled: { failures: ['throttled'] },
  unavailable: { failures: ['server'] },
  gateway: { failures: ['server'], ...swallowed },
  refused: { failures: ['refused'] },
  garbled: { failures: ['protocol'], ...swallowed },
  nonsense: { failures: ['protocol'], ...uncertain },
  same: { failures: ['protocol'], ...uncertain },
  dead: { failures: ['protocol'], ...uncertain },
  'other-user': { failures: ['protocol'], ...uncertain },
  throws: { failures: ['callback'], ...uncertain },
  hang: { failures: ['timeout'], ...swallowed },
};

/** What the server does when it is asked; its answer, for when that has made its way. Never throws itself. */
export function actOf(
  { kind, retryAfter }: Outcome,
  authority: Authority,
  tokens: TokenSet | undefined,
  tellsUsersApart: () => boolean,
): () => unknown {
  const committed = rules[kind].commits ? rotation(authority, tokens) : thrower(refused());
  switch (kind) {
    case 'ok':
      return committed;
    case 'unreachable':
      return thrower(unreachable());
    case 'reset':
    case 'lost':
      return thrower(reset());
    case 'timed-out':
      return thrower(Object.assign(new Error('timeout of 4000ms exceeded'), { code: 'ECONNABORTED' }));
    case 'throttled':
      return thrower(answered(429, { 'retry-after': retryAfter }));
    case 'unavailable':
      return thrower(answered(503, { 'content-type': 'text/html' }, '<h1>Back soon</h1>'));
    case 'gateway':
      return thrower(answered(504));
    case 'refused':
      return thrower(refused());
    case 'garbled':
      return () => '<!doctype html>';
    case 'nonsense':
      return () => 42;
    case 'same':
      return () => tokens?.accessToken ?? '';
    case 'dead':
      return () => ({ accessToken: jwt({}), expiresIn: 0 });
    case 'other-user':
      return () => {
        // With nobody signed in it would be a sign-in; of opaque tokens nobody can tell whose they are.
        return tellsUsersApart() ? { accessToken: jwt({ sub: 'eve' }), expiresIn: 600 } : 42;
      };
    case 'throws':
      return thrower(new RangeError('a bug in the app'));
    case 'hang':
      return () => new Promise(() => undefined);
  }
}

function rotation(authority: Authority, tokens: TokenSet | undefined): () => IssuedTokens {
  try {
    const issued = authority.rotate(tokens?.refreshToken);
    return () => issued;
  } catch (error) {
    return thrower(error);
  }
}

function thrower(error: unknown): () => never {
  return () => {
    throw error;
  };
}

export function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'response' in error && (error.response as { status: number }).status === 400;
}
