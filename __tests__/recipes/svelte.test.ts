/** The recipe for Svelte, on Svelte's own stores. */
import { expect, test } from '@jest/globals';
import { derived, get } from 'svelte/store';
import { tokenSessionStore } from '../../examples/recipes/svelte.js';
import { subject, theEnd, throughTheEnd } from './session.js';

test('Svelte: what is derived from a session follows it to its end and beyond', async () => {
  const s = subject();
  const end = s.clock.now() + 3_600_000;
  const seen = derived(tokenSessionStore(s.session), ({ status, endsAt }) => [status, endsAt]);
  const stop = seen.subscribe(() => undefined);
  expect(await throughTheEnd(s, () => get(seen))).toEqual(theEnd(end));
  stop();
});

test('Svelte: the store listens while it is read, and no longer', async () => {
  const { session, listening } = subject();
  const store = tokenSessionStore(session);
  expect(listening()).toBe(0);
  const stops = [store.subscribe(() => undefined), store.subscribe(() => undefined)];
  expect(listening()).toBe(1);
  for (const stop of stops) stop();
  expect(listening()).toBe(0);
  // What happened while nobody read is there for the next who does.
  await session.signOut();
  expect(get(store).status).toBe('signed-out');
});
