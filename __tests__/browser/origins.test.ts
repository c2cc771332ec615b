/** Where the token may go from a page: to the API, and to the page's own origin (G23). */
import './page.js';
import { describe, expect, test } from '@jest/globals';
import axios from 'axios';
import { installTokenRefresh } from '../../src/index.js';
import { fakeApi, type FakeApi } from '../support/api.fake.js';
import { thrown } from '../support/stage.js';

const page = 'http://localhost';
const installed = (baseURL: string | undefined): FakeApi => {
  const api = fakeApi({ baseURL: baseURL ?? '' });
  installTokenRefresh(api.instance, { refresh: () => 'renewed', tokens: 'abc' });
  return api;
};
const sent = async (api: FakeApi, url: string): Promise<string | undefined> => {
  await api.instance.get(url);
  return api.seen.at(-1)?.token;
};

describe('G23 without the option origins, on a page', () => {
  test('the page is where it should be', () => {
    expect(location.origin).toBe(page);
  });

  test.each<readonly [what: string, baseURL: string | undefined]>([
    ['a relative baseURL', '/api'],
    ['a relative baseURL without a slash', 'api'],
    ['no baseURL', undefined],
  ])("%s: the page's own origin, and no other", async (_what, baseURL) => {
    const api = installed(baseURL);
    expect(await sent(api, '/orders')).toBe('abc');
    expect(await sent(api, `${page}/orders`)).toBe('abc');
    expect(await sent(api, 'https://evil.test/x')).toBeUndefined();
    expect(await sent(api, '//evil.test/x')).toBeUndefined();
    expect(await sent(api, 'https://localhost/x')).toBeUndefined();
    expect(await sent(api, `${page}:8080/x`)).toBeUndefined();
  });

  test('an absolute baseURL: its origin, and that of the page', async () => {
    const api = installed('https://api.example.com/v1');
    expect(await sent(api, '/orders')).toBe('abc');
    expect(await sent(api, `${page}/orders`)).toBe('abc');
    expect(await sent(api, 'https://api.example.com/v2')).toBe('abc');
    expect(await sent(api, 'https://other.example.com/x')).toBeUndefined();
  });

  test('a baseURL without a scheme has that of the page: over plain http it is refused', () => {
    expect(thrown(() => installed('//api.example.com'))).toBeInstanceOf(TypeError);
  });

  test('origins given for an instance: those alone, the page not among them', async () => {
    const api = fakeApi();
    installTokenRefresh(api.instance, {
      refresh: () => 'renewed',
      tokens: 'abc',
      origins: ['https://api.example.com'],
    });
    expect(await sent(api, '/orders')).toBe('abc');
    expect(await sent(api, `${page}/orders`)).toBeUndefined();
  });

  test('a rule sees the URL that the page completes', async () => {
    const seen: string[] = [];
    const api = fakeApi({ baseURL: '/api' });
    installTokenRefresh(api.instance, {
      refresh: () => 'renewed',
      tokens: 'abc',
      origins: (url) => {
        seen.push(url.href);
        return true;
      },
    });
    await sent(api, '/orders');
    expect(new Set(seen)).toEqual(new Set([`${page}/api/orders`]));
  });

  test('going to another page of the application changes nothing', async () => {
    const api = installed('/api');
    history.pushState(null, '', '/deep/inside?x=1');
    expect(await sent(api, '/orders')).toBe('abc');
    history.pushState(null, '', '/');
  });

  test.each(['\\evil.test/x', '/\\evil.test/x', '\t/evil.test/x', '\n//evil.test/x'])(
    'baseURL "/" and %j make a URL of another host',
    async (url) => {
      const api = installed('/');
      expect(await sent(api, '/orders')).toBe('abc');
      expect(new URL(axios.getUri({ baseURL: '/', url }), page).host).toBe('evil.test');
      expect(await sent(api, url)).toBeUndefined();
      expect(await sent(api, 'orders')).toBe('abc');
    },
  );

  test.each(['before', 'after'])('a <base> of another host that is there %s the session came', async (when) => {
    const base = document.createElement('base');
    base.href = 'https://evil.test/';
    if (when === 'before') document.head.append(base);
    const [relative, bare, ruled] = [installed('/api'), installed(undefined), fakeApi({ baseURL: '/api' })];
    installTokenRefresh(ruled.instance, {
      refresh: () => 'renewed',
      tokens: 'abc',
      origins: ({ origin }) => origin === page,
    });
    document.head.append(base);
    for (const api of [relative, bare, ruled]) {
      expect(await sent(api, '/orders')).toBeUndefined();
      expect(await sent(api, `${page}/orders`)).toBe('abc');
    }
    base.remove();
    for (const api of [relative, bare, ruled]) expect(await sent(api, '/orders')).toBe('abc');
  });

  test('the global instance has an origin here', () => {
    expect(() => installTokenRefresh(axios.create(), { refresh: () => 'renewed' })).not.toThrow();
  });
});
