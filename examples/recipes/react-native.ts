/** React Native: the React hook, and a look at the token when the app comes back to the front. */
import { useEffect } from 'react';
import { AppState } from 'react-native';
import type { TokenSession } from 'axios-token-refresh';
import { useTokenSession, type TokenSessionView } from 'axios-token-refresh/react';

export function useAppSession(session: TokenSession): TokenSessionView {
  useEffect(() => {
    const subscription = AppState.addEventListener('change', (state) => {
      // In the background timers stand still. This refreshes a token that is due, and ends a session that is over.
      if (state === 'active') session.getAccessToken().catch(() => undefined);
    });
    return () => subscription.remove();
  }, [session]);
  return useTokenSession(session);
}
