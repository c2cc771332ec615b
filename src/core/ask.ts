/** Asks a callback of the options for a verdict: pure but for the callback. */
import { field } from './redact.js';

export interface Question<T> {
  /** The option's name. */
  readonly name: string;
  readonly verdicts: readonly T[];
  /** Hears of a callback that throws or answers something else. */
  readonly fault: (error: unknown) => void;
}

/** The verdict; `undefined` if there is none, or none that counts: the default decides then. */
export function ask<T>({ name, verdicts, fault }: Question<T>, callback: () => unknown): T | undefined {
  try {
    const answer = callback();
    const verdict = verdicts.find((known) => known === answer);
    if (verdict !== undefined || answer === undefined) return verdict;
    const then = field(answer, 'then');
    // An async callback was a mistake; its rejection must not become another.
    if (typeof then === 'function') (then as (...on: unknown[]) => unknown).call(answer, undefined, () => undefined);
    throw new TypeError(`${name} must return ${verdicts.map(String).join(' or ')}, and not a promise`);
  } catch (error) {
    fault(error);
    return undefined;
  }
}
