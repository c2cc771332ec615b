/** The recipe for Vue, on Vue's own reactivity. */
import { expect, test } from '@jest/globals';
import { computed, effectScope, isReadonly, nextTick, watchEffect, type ComputedRef } from 'vue';
import { useTokenSession } from '../../examples/recipes/vue.js';
import { subject, theEnd, throughTheEnd } from './session.js';

test('Vue: what is computed from a session follows it to its end and beyond', async () => {
  const s = subject();
  const scope = effectScope();
  const seen = scope.run((): ComputedRef<unknown> => {
    const snapshot = useTokenSession(s.session);
    return computed(() => [snapshot.value.status, snapshot.value.endsAt]);
  });
  expect(await throughTheEnd(s, () => seen?.value)).toEqual(theEnd(s.session.getSnapshot().endsAt ?? s.clock.now()));
  scope.stop();
});

test('Vue: an effect runs again when the session changes, and no listener is left when its scope ends', async () => {
  const { session, listening } = subject();
  const scope = effectScope();
  const seen: string[] = [];
  scope.run(() => {
    const snapshot = useTokenSession(session);
    watchEffect(() => seen.push(snapshot.value.status));
  });
  await session.signOut();
  await nextTick();
  expect(seen).toStrictEqual(['active', 'signed-out']);
  expect(listening()).toBe(1);
  scope.stop();
  expect(listening()).toBe(0);
  await session.setTokens('second');
  await nextTick();
  expect(seen).toStrictEqual(['active', 'signed-out']);
});

test('Vue: the value cannot be set from outside', () => {
  const scope = effectScope();
  const { session } = subject();
  expect(isReadonly(scope.run(() => useTokenSession(session)))).toBe(true);
  scope.stop();
});
