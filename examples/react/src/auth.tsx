/** Who is signed in, for all components. */
import { createContext, useContext, useSyncExternalStore, type ReactNode } from 'react';
import { useTokenSession, type TokenSessionView } from 'axios-token-refresh/react';
import { currentUser, session } from './session.js';

export interface Auth extends TokenSessionView {
  /** Who is, or was last, signed in. */
  readonly user: string | undefined;
}

const AuthContext = createContext<Auth | undefined>(undefined);

function onStart(listener: () => void): () => void {
  session.on('session.started', listener);
  return () => session.off('session.started', listener);
}

export function AuthProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const view = useTokenSession(session);
  const user = useSyncExternalStore(onStart, currentUser);
  return <AuthContext value={{ ...view, user }}>{children}</AuthContext>;
}

export function useAuth(): Auth {
  const auth = useContext(AuthContext);
  if (!auth) throw new Error('useAuth needs an AuthProvider above it.');
  return auth;
}
