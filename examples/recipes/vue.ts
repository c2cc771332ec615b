/** Vue 3: the session as a reactive value, for `setup()` or any effect scope. */
import { onScopeDispose, shallowReadonly, shallowRef, type ShallowRef } from 'vue';
import type { SessionSnapshot, TokenSession } from 'axios-token-refresh';

export function useTokenSession(session: TokenSession): Readonly<ShallowRef<SessionSnapshot>> {
  const snapshot = shallowRef(session.getSnapshot());
  const stop = session.subscribe(() => {
    snapshot.value = session.getSnapshot();
  });
  onScopeDispose(stop);
  return shallowReadonly(snapshot);
}
