/** What grants have in common. */
import type { Clock, TokenSessionOptions } from '../types.js';

/** Options of a session that starts from nothing: its first request gets the first token. */
export type FreshGrant = Required<Pick<TokenSessionOptions, 'refresh' | 'whenMissing'>>;

/** What a function that supplies a token is given. */
export interface SupplyContext {
  /** Aborted when the token is no longer wanted. */
  readonly signal: AbortSignal;
  /** The server's time as far as its answers have told it, in milliseconds since the epoch: what `iat` should be. */
  readonly now: number;
}

/** A token to hand in: a string, or a function that makes a fresh one for every exchange. */
export type TokenSupply = string | ((context: SupplyContext) => string | Promise<string>);

/** How an own JWT is held against the time before it is sent. */
export interface AssertionOptions {
  /** How far `iat` and `nbf` may be ahead of the clock, in milliseconds. At least 0. @default 60_000 */
  readonly clockToleranceMs?: number;
  /** For tests. @default the system's clock */
  readonly clock?: Pick<Clock, 'now'>;
}
