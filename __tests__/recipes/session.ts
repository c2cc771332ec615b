/** A session for the recipes, made of the built package as its users get it. */
import { createTokenSession, type TokenSession, type TokenSessionOptions } from 'axios-token-refresh';
import { fakeClock, type FakeClock } from '../support/clock.js';

export const seconds = 1_000;

export interface Subject {
  readonly session: TokenSession;
  readonly clock: FakeClock;
  /** How many listeners the recipe has now. */
  readonly listening: () => number;
}

const refused = (): never => {
  throw Object.assign(new Error('no'), { status: 401 });
};

/** Signed in for an hour, with a refresh that is refused unless another is given. */
export function subject(options: Partial<TokenSessionOptions> = {}): Subject {
  const clock = fakeClock();
  const tokens = { accessToken: 'first', expiresIn: 3_600 };
  const real = createTokenSession({ refresh: refused, retry: false, clock, tokens, ...options });
  let listening = 0;
  const session: TokenSession = {
    ...real,
    subscribe(listener) {
      listening += 1;
      const end = real.subscribe(listener);
      return () => {
        listening -= 1;
        end();
      };
    },
  };
  return { session, clock, listening: () => listening };
}

/** Lets the session go through its end: refused while the token lives, then over, then begun again. */
export async function throughTheEnd({ session, clock }: Subject, look: () => unknown): Promise<unknown[]> {
  const seen = [look()];
  await session.refresh().catch(() => undefined);
  seen.push(look());
  await clock.advance(3_600 * seconds);
  seen.push(look());
  await session.setTokens('second');
  seen.push(look());
  await session.signOut();
  seen.push(look());
  return seen;
}

/** What is seen then, if nothing is missed. */
export const theEnd = (ends: number): unknown[] => [
  ['active', undefined],
  ['active', ends],
  ['expired', undefined],
  ['active', undefined],
  ['signed-out', undefined],
];
