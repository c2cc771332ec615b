/** What a reporter is: something that hears the events of a session until it is told to stop. */
import type { TokenEvent, TokenSession } from '../types.js';

/** What a reporter needs of a session. */
export type Reported = Pick<TokenSession, 'on' | 'off' | 'getSnapshot'>;

/** Reports the events of a session from now on. Returns what ends that; call it before `session.dispose()` or after. */
export type Reporter = (session: Reported) => () => void;

/** What `hear` returns goes to the session, which survives what it throws and what it rejects with. */
export function listen(session: Reported, hear: (event: TokenEvent) => unknown): () => void {
  session.on('event', hear);
  return () => void session.off('event', hear);
}

/** Misuse is told by name, at once. */
export function expectMethods(who: string, what: string, value: unknown, methods: readonly string[]): void {
  const missing = methods.filter(
    (name) => typeof (value as Record<string, unknown> | undefined)?.[name] !== 'function',
  );
  if (missing.length > 0) throw new TypeError(`${who} expects ${what} with ${missing.join(', ')}.`);
}

/** Lets a vendor have the last word of a reporter, whatever it throws: what is left to stop is stopped all the same. */
export function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // The session no longer listens, and who stops a reporter can do nothing about it.
  }
}

/** Calls a callback of the user's, whatever it throws or rejects with. */
export function tell<T>(callback: (value: T) => unknown, value: T): void {
  try {
    Promise.resolve(callback(value)).catch(() => undefined);
  } catch {
    // There is nobody else to tell.
  }
}
