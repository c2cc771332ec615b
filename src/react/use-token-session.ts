/** A session in a React component. */
import { useCallback, useSyncExternalStore } from 'react';
import type { TokenSession } from '../types.js';
import { unknownYet, viewOf, type TokenSessionView } from './view.js';

/**
 * How a session stands, for a React component (18 or 19). The component renders again when one of the fields changes,
 * and not for requests that wait or for tokens that come with the same expiry. Returns the same object until then.
 *
 * On the server, and while a page is hydrated, it returns `status: 'loading'` and nothing else: both render the same.
 *
 * Make the session outside of the components: one that is made in a render is another one each time.
 *
 * @throws {TypeError} without a session
 * @example
 * import { useTokenSession } from 'axios-token-refresh/react';
 *
 * function Greeting() {
 *   const { status, endsAt } = useTokenSession(session);
 *   if (status === 'loading') return <p>One moment…</p>;
 *   if (endsAt !== undefined) return <p>Please sign in again before {new Date(endsAt).toLocaleTimeString()}.</p>;
 *   return <p>{status === 'active' ? 'Welcome.' : 'Please sign in.'}</p>;
 * }
 */
export function useTokenSession(session: Pick<TokenSession, 'subscribe' | 'getSnapshot'>): TokenSessionView {
  const given: unknown = session;
  if (typeof given !== 'object' || given === null) {
    throw new TypeError('useTokenSession expects a session. Is it missing from the context that it is read from?');
  }
  const subscribe = useCallback(
    (changed: () => void) => {
      let told = viewOf(session);
      return session.subscribe(() => {
        const view = viewOf(session);
        // A request made in a render may begin a refresh, and React forbids to change other components just then.
        if (view !== told) queueMicrotask(changed);
        told = view;
      });
    },
    [session],
  );
  const getView = useCallback(() => viewOf(session), [session]);
  return useSyncExternalStore(subscribe, getView, serverView);
}

const serverView = (): TokenSessionView => unknownYet;
