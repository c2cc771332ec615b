/** What the rules are made of. */
import type { TokenSet, TokenStore } from '../types.js';

export interface Rule {
  readonly name: string;
  readonly method?: 'replace' | 'exclusive' | 'subscribe' | 'claim';
  /** How many holders it takes. */
  readonly holders: number;
  /** `patienceMs` is the longest that a store may take to do what it must. */
  readonly check: (stores: readonly TokenStore[], patienceMs: number) => Promise<void>;
}

/** How long something that must not happen is waited for. */
export const vigilMs = 60;
/** What a store may lose when it translates a moment between clocks. */
const clockToleranceMs = 1_000;

const fields = ['accessToken', 'refreshToken', 'expiresAt', 'expiresIn', 'audience', 'subject'] as const;

export function expect(holds: boolean, expected: string, why: string): asserts holds {
  if (!holds) throw new Error(`Expected ${expected}. ${why}`);
}

export function nth<T>(list: readonly T[], index: number): T {
  const entry = list[index];
  if (entry === undefined) throw new RangeError(`There is no entry ${index} of ${list.length}.`);
  return entry;
}

/** A token set that nobody else has. */
export function tokensOf(name: string): TokenSet {
  return { accessToken: `access-${name}`, refreshToken: `refresh-${name}` };
}

/** The names of the fields in which two token sets differ: their values may be secrets. */
export function differences(stored: TokenSet | undefined, given: TokenSet | undefined): string[] {
  if (!stored || !given) return stored === given ? [] : ['everything'];
  return fields.filter((name) => {
    const [a, b] = [stored[name], given[name]];
    if (name === 'expiresAt' && typeof a === 'number' && typeof b === 'number') {
      return !(Math.abs(a - b) <= clockToleranceMs);
    }
    return JSON.stringify(a) !== JSON.stringify(b);
  });
}

/** Checks that a store holds `given`, or nothing. */
export async function expectHeld(store: TokenStore, given: TokenSet | undefined, why: string): Promise<void> {
  const held: unknown = await store.load();
  expect(held !== null, 'load() to return undefined for nothing, not null', 'The type of a store says so.');
  const wrong = differences(held as TokenSet | undefined, given);
  expect(
    wrong.length === 0,
    given ? `load() to return what was written, but ${wrong.join(', ')} differs` : 'load() to return nothing',
    why,
  );
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Waits until it is so. Whether it has come about within `limitMs`. */
export async function comesAbout(isSo: () => boolean, limitMs: number): Promise<boolean> {
  const end = Date.now() + limitMs;
  while (!isSo() && Date.now() < end) await pause(5);
  return isSo();
}

/** Settles as `promise` does, or rejects when that takes longer than `limitMs`. */
export async function inTime<T>(promise: Promise<T>, limitMs: number, expected: string, why: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Expected ${expected}. ${why}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
