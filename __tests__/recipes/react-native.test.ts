/** The recipe for React Native, with the `AppState` of React Native for Web: the app is in front while its page is seen. */
import { act, createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, expect, test } from '@jest/globals';
import type { TokenSession } from 'axios-token-refresh';
import { useAppSession } from '../../examples/recipes/react-native.js';
import { seconds, subject } from './session.js';

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean;
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true;

async function open(session: TokenSession): Promise<{ text: () => string; close: () => Promise<void> }> {
  const App = (): string => useAppSession(session).status;
  const container = document.createElement('main');
  const root = createRoot(container);
  await act(async () => root.render(createElement(App)));
  return { text: () => container.textContent, close: () => act(async () => root.unmount()) };
}

async function show(visibility: 'hidden' | 'visible'): Promise<void> {
  Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true });
  await act(async () => {
    document.dispatchEvent(new Event('visibilitychange'));
  });
}
afterEach(() => show('visible'));

test('React Native: an app that comes to the front refreshes a token that is due', async () => {
  let refreshes = 0;
  const { session, clock } = subject({ refresh: () => `renewed-${++refreshes}` });
  const app = await open(session);
  await act(async () => clock.advance(7_200 * seconds));
  await show('hidden');
  expect(refreshes).toBe(0);
  await show('visible');
  expect(refreshes).toBe(1);
  expect(app.text()).toBe('active');
  await app.close();
});

test('React Native: a token that is fresh is left alone, and so is who is signed out', async () => {
  let refreshes = 0;
  const { session } = subject({ refresh: () => `renewed-${++refreshes}` });
  const app = await open(session);
  await show('hidden');
  await show('visible');
  await act(async () => session.signOut());
  await show('hidden');
  await show('visible');
  expect(refreshes).toBe(0);
  expect(app.text()).toBe('signed-out');
  await app.close();
});

test('React Native: an app that comes to the front after the end says so', async () => {
  const s = subject();
  const app = await open(s.session);
  await act(async () => {
    await s.session.refresh().catch(() => undefined);
  });
  await show('hidden');
  s.clock.jump(7_200 * seconds);
  await show('visible');
  expect(app.text()).toBe('expired');
  await app.close();
});

test('React Native: who has left hears nothing any more', async () => {
  let refreshes = 0;
  const { session, clock, listening } = subject({ refresh: () => `renewed-${++refreshes}` });
  const app = await open(session);
  expect(listening()).toBe(1);
  await app.close();
  expect(listening()).toBe(0);
  await clock.advance(7_200 * seconds);
  await show('hidden');
  await show('visible');
  expect(refreshes).toBe(0);
});

test('React Native: its AbortSignal, which has no throwIfAborted(), is all that a refresh needs', async () => {
  const given = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'throwIfAborted') ?? {};
  Reflect.deleteProperty(AbortSignal.prototype, 'throwIfAborted');
  try {
    const { session } = subject({ refresh: () => 'renewed' });
    await expect(session.refresh()).resolves.toBe('renewed');
    const { signal } = new AbortController();
    await expect(session.getAccessToken({ signal })).resolves.toBe('renewed');
  } finally {
    Object.defineProperty(AbortSignal.prototype, 'throwIfAborted', given);
  }
});

test('React Native: a wait that is aborted rejects with an AbortError, though signals have no reason there', async () => {
  const given = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'reason') ?? {};
  Reflect.deleteProperty(AbortSignal.prototype, 'reason');
  try {
    const tokens = { accessToken: 'first', expiresIn: 0 };
    const { session } = subject({ refresh: () => new Promise(() => undefined), tokens });
    const waiting = new AbortController();
    const token = session.getAccessToken({ signal: waiting.signal });
    waiting.abort();
    await expect(token).rejects.toMatchObject({ name: 'AbortError' });
    await expect(session.getAccessToken({ signal: waiting.signal })).rejects.toMatchObject({ name: 'AbortError' });
    session.dispose();
  } finally {
    Object.defineProperty(AbortSignal.prototype, 'reason', given);
  }
});
