/** What a `TokenStore` must do, as cases for any test framework or none. */
import { field } from '../core/redact.js';
import type { TokenStore } from '../types.js';
import { claimRules } from './claim.js';
import { exclusiveRules } from './exclusive.js';
import { keepingRules } from './keeping.js';
import { replaceRules } from './replace.js';
import type { Rule } from './rule.js';
import { subscribeRules } from './subscribe.js';

/**
 * Makes `count` stores of one place that holds nothing yet, as that many processes or tabs would. A store that is not
 * shared may be given `count` times. Called once per case; release what it opens after the case, as your framework does.
 */
export type MakeHolders = (count: number) => readonly TokenStore[] | Promise<readonly TokenStore[]>;

/** One rule of the contract. */
export interface ContractCase {
  /** What must be true, as the name of a test. */
  readonly name: string;
  /** The optional method that it is about. A store without that method passes. */
  readonly method: 'replace' | 'exclusive' | 'subscribe' | 'claim' | undefined;
  /** Rejects with an `Error` that says what was expected and why it matters. */
  readonly run: () => Promise<void>;
}

export interface ContractOptions {
  /** Longest that a store may take for one step, in milliseconds. More than 60. @default 3_000 */
  readonly patienceMs?: number;
}

/**
 * The contract of a {@link TokenStore}: what a session relies on. `replace`, `exclusive`, `subscribe` and `claim` are checked
 * where the store has them.
 *
 * @example
 * for (const { name, run } of tokenStoreContract((count) => Array.from({ length: count }, () => myStore(file)))) {
 *   test(name, run);
 * }
 */
export function tokenStoreContract(
  makeHolders: MakeHolders,
  { patienceMs = 3_000 }: ContractOptions = {},
): readonly ContractCase[] {
  const rules: readonly Rule[] = [
    ...keepingRules,
    ...replaceRules,
    ...exclusiveRules,
    ...subscribeRules,
    ...claimRules,
  ];
  return rules.map(({ name, method, holders, check }) => ({
    name,
    method,
    run: async () => {
      const stores = await makeHolders(holders);
      if (stores.length !== holders) {
        throw new TypeError(`makeHolders(${holders}) must return ${holders} stores, got ${stores.length}.`);
      }
      const isComplete = stores.every((store) => method === undefined || field(store, method) !== undefined);
      if (isComplete) await check(stores, patienceMs);
    },
  }));
}
