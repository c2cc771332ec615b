/** `useTokenSession` on a server, and in the page that takes over from it. */
import { act } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createTokenSession } from '../../src/index.js';
import { hydrate, signedIn, watcher } from './page.js';

const complaints: unknown[] = [];
beforeEach(() => {
  jest.spyOn(console, 'error').mockImplementation((...told: unknown[]) => {
    complaints.push(told);
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  complaints.length = 0;
});

describe('on a server', () => {
  test('nobody is known, whoever is signed in there', () => {
    const { Status, views } = watcher();
    for (const session of [signedIn(), createTokenSession({ refresh: () => 'renewed' })]) {
      expect(renderToString(<Status session={session} />)).toBe('<p>loading</p>');
    }
    const [first, second] = views;
    expect(first).toBe(second);
    expect(Object.isFrozen(first)).toBe(true);
    expect(first).toEqual({
      status: 'loading',
      isRefreshing: false,
      expiresAt: undefined,
      endsAt: undefined,
      error: undefined,
    });
  });

  test('nothing is left behind: no listener of a request’s render', () => {
    const session = signedIn();
    const subscribe = jest.fn((listener: () => void) => session.subscribe(listener));
    const { Status } = watcher();
    renderToString(<Status session={{ ...session, subscribe }} />);
    expect(subscribe).not.toHaveBeenCalled();
  });
});

describe('a page that a server has rendered', () => {
  test('is taken over without a mismatch, and then shows who is signed in', async () => {
    const session = signedIn();
    const { Status, views } = watcher();
    const html = renderToString(<Status session={session} />);
    views.length = 0;
    const page = await hydrate(html, <Status session={session} />, complaints);
    expect(views[0]?.status).toBe('loading');
    expect(page.text()).toBe('active');
    expect(complaints).toStrictEqual([]);
    await act(async () => session.signOut());
    expect(page.text()).toBe('signed-out');
    await page.close();
  });

  test('keeps the element that the server sent', async () => {
    const session = signedIn();
    const { Status } = watcher();
    const html = renderToString(<Status session={session} />);
    const page = await hydrate(html, <Status session={session} />, complaints);
    expect(page.container.querySelectorAll('p')).toHaveLength(1);
    expect(complaints).toStrictEqual([]);
    await page.close();
  });
});
