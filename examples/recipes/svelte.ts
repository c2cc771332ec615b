/** Svelte: the session as a store, `$snapshot` in a component. It listens while somebody reads it. */
import { readable, type Readable } from 'svelte/store';
import type { SessionSnapshot, TokenSession } from 'axios-token-refresh';

export function tokenSessionStore(session: TokenSession): Readable<SessionSnapshot> {
  return readable(session.getSnapshot(), (set) => {
    const tell = (): void => set(session.getSnapshot());
    tell();
    return session.subscribe(tell);
  });
}
