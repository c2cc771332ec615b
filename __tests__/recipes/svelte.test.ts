/** The recipe for Svelte, on Svelte's own stores. */
import { expect, test } from '@jest/globals';
import { mount, tick, unmount } from 'svelte';
import { derived, get } from 'svelte/store';
import { tokenSessionStore } from '../../examples/recipes/svelte.js';
import { deferred } from '../support/stage.js';
import Orders from './orders.svelte';
import { seconds, subject, theEnd, throughTheEnd } from './session.js';

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

test('Svelte: a page that makes its request in its template shows the refresh that this begins, and its end', async () => {
  const renewed = deferred<{ accessToken: string; expiresIn: number }>();
  const { session, clock } = subject({ refresh: () => renewed.promise });
  const target = document.body.appendChild(document.createElement('main'));
  const text = async (): Promise<string> => {
    await clock.advance(1);
    await tick();
    return target.textContent.trim();
  };
  const page = mount(Orders, {
    target,
    props: { snapshot: tokenSessionStore(session), load: () => session.getAccessToken() },
  }) as { show(): void };
  expect(await text()).toBe('active');
  await clock.advance(3_400 * seconds);
  page.show();
  expect(await text()).toBe('refreshing first');
  renewed.resolve({ accessToken: 'second', expiresIn: 3_600 });
  expect(await text()).toBe('active first');
  await unmount(page);
});
