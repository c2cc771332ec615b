/** The recipe for Angular, on Angular's own injector and signals. */
import '@angular/compiler';
import { computed, Injector, type DestroyableInjector } from '@angular/core';
import { expect, test } from '@jest/globals';
import type { TokenSession } from 'axios-token-refresh';
import { TOKEN_SESSION, TokenSessionService } from '../../examples/recipes/angular.js';
import { seconds, subject, theEnd, throughTheEnd } from './session.js';

const injectorFor = (session: TokenSession): DestroyableInjector =>
  Injector.create({ providers: [{ provide: TOKEN_SESSION, useValue: session }, TokenSessionService] });

test('Angular: the signals follow a session to its end and beyond', async () => {
  const s = subject();
  const end = s.clock.now() + 3_600_000;
  const injector = injectorFor(s.session);
  const service = injector.get(TokenSessionService);
  expect(await throughTheEnd(s, () => [service.status(), service.endsAt()])).toEqual(theEnd(end));
  injector.destroy();
});

test('Angular: one service and one listener for all, and none when the injector is destroyed', () => {
  const { session, listening } = subject();
  const injector = injectorFor(session);
  expect(injector.get(TokenSessionService)).toBe(injector.get(TokenSessionService));
  expect(injector.get(TokenSessionService).snapshot()).toBe(session.getSnapshot());
  expect(listening()).toBe(1);
  injector.destroy();
  expect(listening()).toBe(0);
});

test('Angular: a request in a computed shows the refresh that it begins', async () => {
  const { session, clock } = subject({ refresh: () => new Promise(() => undefined) });
  const injector = injectorFor(session);
  const { snapshot } = injector.get(TokenSessionService);
  const asked = computed(() => session.getAccessToken());
  await clock.advance(3_400 * seconds);
  await asked();
  expect(snapshot().isRefreshing).toBe(true);
  injector.destroy();
});
