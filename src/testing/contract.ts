/** What a `TokenStore` must do, as cases for any test framework or none. */
import { checked, hasMethods, isNumber, type Rules } from '../core/checks.js';
import { field } from '../core/redact.js';
import type { TokenStore } from '../types.js';
import { claimRules } from './claim.js';
import { exclusiveRules } from './exclusive.js';
import { keepingRules } from './keeping.js';
import { patient } from './patient.js';
import { replaceRules } from './replace.js';
import { vigilMs, type Rule } from './rule.js';
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

const optionRules: Rules<ContractOptions> = {
  patienceMs: [`milliseconds, a finite number above ${vigilMs}`, (value) => isNumber(value) && value > vigilMs],
};

/**
 * The contract of a {@link TokenStore}: what a session relies on. `replace`, `exclusive`, `subscribe` and `claim` are checked
 * where the store has them.
 *
 * @throws {TypeError} if `makeHolders` is no function, or for an option that is unknown or does not fit
 * @example
 * import { test } from 'node:test';
 * import { memoryStore } from 'axios-token-refresh';
 * import { tokenStoreContract } from 'axios-token-refresh/testing';
 *
 * const makeHolders = (count: number) => {
 *   const store = memoryStore();
 *   return Array.from({ length: count }, () => store);
 * };
 * for (const { name, run } of tokenStoreContract(makeHolders)) test(name, run);
 */
export function tokenStoreContract(makeHolders: MakeHolders, options: ContractOptions = {}): readonly ContractCase[] {
  if (typeof makeHolders !== 'function') throw new TypeError('tokenStoreContract expects a function makeHolders.');
  const { patienceMs = 3_000 } = checked<ContractOptions>(options, optionRules, { of: 'tokenStoreContract' });
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
    run: () =>
      asError(async () => {
        const stores = await makeHolders(holders);
        const made = Array.isArray(stores) ? stores.length : 'none';
        if (made !== holders)
          throw new TypeError(`makeHolders(${holders}) must return ${holders} stores, got ${made}.`);
        if (!stores.every((store) => hasMethods(store, ['load', 'save', 'clear']))) {
          throw new TypeError('makeHolders must return stores with load, save and clear.');
        }
        const isComplete = stores.every((store) => method === undefined || field(store, method) !== undefined);
        if (!isComplete) return;
        await check(
          stores.map((store) => patient(store, patienceMs)),
          patienceMs,
        );
      }),
  }));
}

/** Test frameworks show an `Error` with its stack, and of anything else next to nothing. */
async function asError(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    if (thrown instanceof Error) throw thrown;
    throw new Error('Expected the store not to fail. What it has thrown is the cause.', { cause: thrown });
  }
}
