/** Tokens that no refresh has brought, of any age: from a sign-in, the options or the store. Pure. */
import { TokenError } from '../errors.js';
import type { TokenSet } from '../types.js';
import { hold, type Held, type HoldRules } from './freshness.js';
import type { Instant } from './lifetime.js';
import type { State } from './state.js';
import { readTokens } from './tokens.js';

/** The session that they come to. */
export interface Receiver {
  readonly state: State<unknown>;
  readonly options: HoldRules;
  readonly now: Instant;
}

/** Throws `AUTH_TOKEN_MALFORMED` for what is no token set, or makes no header. */
export function holdGiven(given: TokenSet | string, where: string, to: Receiver): Held {
  const reading = readTokens(given);
  if ('problem' in reading) throw new TokenError('AUTH_TOKEN_MALFORMED', `${where}: ${reading.problem}.`);
  return holdAged(reading.tokens, to);
}

/** What a store holds, its expiry by this machine's clock. Throws if it makes no header here. */
export function holdStored(tokens: TokenSet, to: Receiver): Held {
  const { expiresAt } = tokens;
  const { skewMs, credential } = to.state;
  const aheadMs = skewMs ?? credential?.held.skewMs ?? 0;
  return holdAged(expiresAt === undefined ? tokens : { ...tokens, expiresAt: expiresAt + aheadMs }, to);
}

function holdAged(tokens: TokenSet, { state, options, now }: Receiver): Held {
  const { skewMs, credential } = state;
  return hold(tokens, options, { anchor: now, now, fresh: false, skewMs, previous: credential?.held });
}
