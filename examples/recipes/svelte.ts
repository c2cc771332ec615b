/** Svelte: the session as a store, `$snapshot` in a component. It listens while somebody reads it. */
import { readable, type Readable } from 'svelte/store';
import type { SessionSnapshot, TokenSession } from 'axios-token-refresh';

export function tokenSessionStore(session: TokenSession): Readable<SessionSnapshot> {
  return readable(session.getSnapshot(), (set) => {
    const tell = (): void => set(session.getSnapshot());
    tell();
    // A request made in a template may begin a refresh, and Svelte forbids a change of state just then.
    return session.subscribe(() => queueMicrotask(tell));
  });
}
