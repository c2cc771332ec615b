/** Where a token may go, in every spelling of a URL (G23). */
import { describe, expect, test } from '@jest/globals';
import { isSecure, originCheck, originOf, type Target } from '../../src/core/origins.js';

const own = 'https://api.example.com';
const never = (error: unknown): void => {
  throw error;
};
const check = originCheck([own], own, undefined, never);
const page = 'https://app.example.com/orders/7?x=1';

const node: readonly (readonly [what: string, target: Target, expected: string | undefined])[] = [
  // Relative to the base.
  ['a path', { baseURL: own, url: '/orders' }, own],
  ['no url at all', { baseURL: own }, own],
  ['a path without a slash', { baseURL: own, url: 'orders' }, own],
  ['a base with a path', { baseURL: `${own}/v1/`, url: '/orders' }, own],
  ['a base in capitals, with its default port', { baseURL: 'HTTPS://API.Example.COM:443', url: '/x' }, own],
  ['@evil after the base', { baseURL: own, url: '@evil.test/x' }, own],
  [':port after the base', { baseURL: own, url: ':8443/x' }, own],
  ['a backslash and a host', { baseURL: own, url: '/\\evil.test' }, own],
  ['two dots and two slashes', { baseURL: own, url: '..//evil.test' }, own],
  ['a tab before an absolute URL', { baseURL: own, url: '\thttp://evil.test' }, own],
  ['http: with backslashes', { baseURL: own, url: 'http:\\\\evil.test' }, own],
  ['data: with a base', { baseURL: own, url: 'data:text/plain,x' }, own],
  // Absolute.
  ['the origin itself', { url: `${own}/orders` }, own],
  ['the origin without a path', { url: own }, own],
  ['the origin with a query', { url: `${own}?x=1` }, own],
  ['the origin in capitals', { baseURL: own, url: 'HTTPS://API.EXAMPLE.COM/x' }, own],
  ['the default port, spelled out', { url: `${own}:443/x` }, own],
  ['a host that is percent-encoded', { url: 'https://api%2Eexample.com/x' }, own],
  ['a backslash for a slash: still our host', { url: `${own}\\@evil.test` }, own],
  ['another host', { baseURL: own, url: 'https://evil.test/x' }, undefined],
  ['HTTP: in capitals', { baseURL: own, url: 'HTTP://evil.test/x' }, undefined],
  ['our host as the userinfo of another', { baseURL: own, url: `${own}@evil.test/x` }, undefined],
  ['our host and a password as userinfo', { url: `${own}:443@evil.test/x` }, undefined],
  ['our host as a prefix', { url: `${own}.evil.test/x` }, undefined],
  ['our host as a prefix behind a tab', { url: `${own}\t.evil.test/x` }, undefined],
  ['our host as a suffix', { url: 'https://evilapi.example.com/x' }, undefined],
  ['a subdomain', { url: 'https://v2.api.example.com/x' }, undefined],
  ['the parent domain', { url: 'https://example.com/x' }, undefined],
  ['our host with a dot at its end', { url: 'https://api.example.com./x' }, undefined],
  ['another port', { url: `${own}:8443/x` }, undefined],
  ['port 80 over https', { url: `${own}:80/x` }, undefined],
  ['plain http', { baseURL: own, url: 'http://api.example.com/x' }, undefined],
  ['plain http at port 443', { url: 'http://api.example.com:443/x' }, undefined],
  ['a web socket', { url: 'wss://api.example.com/x' }, undefined],
  ['no scheme, where no page gives one', { baseURL: own, url: '//api.example.com/x' }, undefined],
  ['no scheme and another host', { baseURL: own, url: '//evil.test/x' }, undefined],
  ['file:', { url: 'file:///etc/passwd' }, undefined],
  ['data:', { url: 'data:text/plain,x' }, undefined],
  ['blob: of our own origin', { url: `blob:${own}/5c8f` }, undefined],
  ['something that is no URL', { url: 'https://' }, undefined],
  ['a relative URL without a base', { url: '/orders' }, undefined],
  ['nothing', {}, undefined],
  // Credentials of the caller's own in the URL: Axios drops ours for them.
  ['userinfo at our host', { url: 'https://ada:pw@api.example.com/x' }, undefined],
  ['userinfo in the base', { baseURL: 'https://ada:pw@api.example.com', url: '/x' }, undefined],
  // Options of Axios that decide.
  [
    'an absolute URL that Axios is told to take for a path',
    { baseURL: own, url: 'https://evil.test/x', allowAbsoluteUrls: false },
    own,
  ],
  [
    'the same with a base elsewhere',
    { baseURL: 'https://evil.test', url: `${own}/x`, allowAbsoluteUrls: false },
    undefined,
  ],
  ['the same without a base', { url: 'https://evil.test/x', allowAbsoluteUrls: false }, undefined],
  ['a socket, whose host is only a label', { baseURL: own, url: '/x', socketPath: '/run/api.sock' }, undefined],
];

describe('exact origins, on Node', () => {
  test.each(node)('%s', (_what, target, expected) => {
    expect(check(target)).toBe(expected);
    // A second time: the answer that is kept is the same.
    expect(check(target)).toBe(expected);
  });

  test('what is kept of one request never decides about another', () => {
    const shared = originCheck([own, 'http://localhost:3000'], own, undefined, never);
    const targets = node.map(([, target]) => target);
    const alone = targets.map((target) => originCheck([own, 'http://localhost:3000'], own, undefined, never)(target));
    expect(targets.map(shared)).toEqual(alone);
    expect([...targets].reverse().map(shared)).toStrictEqual([...alone].reverse());
  });

  test('thousands of spellings neither confuse it nor pile up an answer that is wrong', () => {
    for (let index = 0; index < 1_000; index++) {
      expect(check({ url: `https://h${String(index)}.example.com/x` })).toBeUndefined();
      expect(check({ baseURL: own, url: `/${String(index)}` })).toBe(own);
    }
  });
});

describe('exact origins, on a page', () => {
  const onPage = originCheck(undefined, own, page, never);
  const relativeBase = originCheck(undefined, '/api', page, never);

  test.each<readonly [what: string, target: Target, expected: string | undefined]>([
    ['the API', { baseURL: own, url: '/x' }, own],
    ['the page itself, absolute', { baseURL: own, url: 'https://app.example.com/x' }, 'https://app.example.com'],
    ['the page itself, relative', { url: '/x' }, 'https://app.example.com'],
    ['no scheme: the page gives it', { baseURL: own, url: '//api.example.com/x' }, own],
    ['no scheme and another host', { baseURL: own, url: '//evil.test/x' }, undefined],
    ['a backslash and a host, without a base', { url: '/\\evil.test/x' }, undefined],
    ['two backslashes and a host, without a base', { url: '\\\\evil.test/x' }, undefined],
    ['http: with backslashes, without a base', { url: 'https:\\\\evil.test/x' }, undefined],
    ['a tab before an absolute URL, without a base', { url: '\thttps://evil.test/x' }, undefined],
    ['a blob', { url: 'blob:https://app.example.com/5c8f' }, undefined],
    ['plain http', { url: 'http://app.example.com/x' }, undefined],
  ])('%s', (_what, target, expected) => {
    expect(onPage(target)).toBe(expected);
    expect(onPage(target)).toBe(expected);
  });

  test('a relative base is the page', () => {
    expect(relativeBase({ baseURL: '/api', url: '/x' })).toBe('https://app.example.com');
    expect(relativeBase({ baseURL: '/api', url: own })).toBeUndefined();
  });
});

describe('the origins that a check is made of', () => {
  test.each<
    readonly [
      what: string,
      origins: readonly string[] | undefined,
      baseURL: string | undefined,
      page: string | undefined,
    ]
  >([
    ['no base, on Node', undefined, undefined, undefined],
    ['a relative base, on Node', undefined, '/api', undefined],
    ['a base without a scheme, on Node', undefined, '//api.example.com', undefined],
    ['a base over plain http', undefined, 'http://api.example.com', undefined],
    ['a base over plain http, whatever the page', undefined, 'http://api.example.com', page],
    ['a relative base on a page over plain http', undefined, '/api', 'http://app.example.com/'],
    ['no base on a page without an origin', undefined, undefined, 'about:blank'],
    ['a base of another scheme', undefined, 'ftp://api.example.com', undefined],
    ['a listed host without a scheme', ['api.example.com'], own, undefined],
    ['a listed star', ['*'], own, undefined],
    ['a listed host with a star, which would never match', ['https://*.example.com'], own, undefined],
    ['a listed origin over plain http', ['http://api.example.com'], own, undefined],
    ['one bad entry among good ones', [own, 'javascript:alert(1)'], own, undefined],
    ['a listed path, which only a page could complete', ['/api'], own, page],
    ['an empty entry', [''], own, page],
  ])('%s: a TypeError that says what to pass', (_what, origins, baseURL, at) => {
    const make = (): unknown => originCheck(origins, baseURL, at, never);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/"origins".*https:\/\/api\.example\.com/);
  });

  test('a base with credentials is named as the reason, without them, whatever the page', () => {
    for (const at of [undefined, page]) {
      const make = (): unknown => originCheck(undefined, 'https://ada:hunter2@api.example.com/v1', at, never);
      expect(make).toThrow(/"https:\/\/…@api\.example\.com\/v1" is no .* without credentials/);
      expect(make).not.toThrow(/ada|hunter2/);
    }
  });

  test('a listed URL counts by its origin, loopback over plain http too', () => {
    const listed = originCheck(
      [`${own}/v1/orders`, 'http://localhost:3000', 'http://[::1]:80'],
      undefined,
      undefined,
      never,
    );
    expect(listed({ url: `${own}/v2` })).toBe(own);
    expect(listed({ url: 'http://localhost:3000/x' })).toBe('http://localhost:3000');
    expect(listed({ url: 'http://localhost:3001/x' })).toBeUndefined();
    expect(listed({ url: 'http://[::1]/x' })).toBe('http://[::1]');
  });

  test('a list replaces the default: the base is not added', () => {
    const listed = originCheck(['https://other.example.com'], own, page, never);
    expect(listed({ baseURL: own, url: '/x' })).toBeUndefined();
    expect(listed({ url: page })).toBeUndefined();
  });

  test('a page over plain http gets nothing, the API over https does', () => {
    const mixed = originCheck(undefined, own, 'http://app.example.com/', never);
    expect(mixed({ baseURL: own, url: '/x' })).toBe(own);
    expect(mixed({ url: '/x' })).toBeUndefined();
  });
});

describe('a rule of the user', () => {
  const ruled = (
    rule: (url: URL) => boolean,
    failed: (error: unknown) => void = never,
  ): ((target: Target) => unknown) => originCheck(rule, undefined, undefined, failed);

  test('sees the final URL, and decides about plain http too', () => {
    const seen: string[] = [];
    const rule = ruled((url) => {
      seen.push(url.href);
      return url.hostname.endsWith('.internal');
    });
    expect(rule({ baseURL: 'http://api.internal/v1/', url: '/x' })).toBe('http://api.internal');
    expect(rule({ baseURL: 'http://api.internal', url: 'HTTPS://Evil.test/x' })).toBeUndefined();
    expect(rule({ baseURL: 'http://api.internal/v1', url: '' })).toBe('http://api.internal');
    expect(seen).toStrictEqual(['http://api.internal/v1/x', 'https://evil.test/x', 'http://api.internal/v1']);
  });

  test('is not asked about a socket or about what is no URL', () => {
    const rule = ruled(() => true);
    expect(rule({ baseURL: own, url: '/x', socketPath: '/run/api.sock' })).toBeUndefined();
    expect(rule({ url: '/x' })).toBeUndefined();
  });

  test('that throws allows nothing, and is told', () => {
    const faults: unknown[] = [];
    const fault = new Error('no');
    const rule = ruled(
      () => {
        throw fault;
      },
      (error) => faults.push(error),
    );
    expect(rule({ url: own })).toBeUndefined();
    expect(faults).toStrictEqual([fault]);
  });

  test.each<readonly [what: string, rule: () => unknown]>([
    ['a promise, because it is async', async () => false],
    ['an object', () => ({})],
    ['a string', () => 'no'],
    ['a number', () => 1],
  ])('that answers with %s allows nothing', (_what, answer) => {
    const rule = ruled(answer as (url: URL) => boolean, () => undefined);
    expect(rule({ url: 'https://evil.test/x' })).toBeUndefined();
  });
});

describe('isSecure: https, or this machine', () => {
  test.each<readonly [url: string, expected: boolean]>([
    ['https://example.com', true],
    ['http://localhost', true],
    ['http://LOCALHOST:8080', true],
    ['http://app.localhost', true],
    ['http://127.0.0.1', true],
    ['http://127.1', true],
    ['http://127.255.255.254', true],
    ['http://[::1]:3000', true],
    ['http://example.com', false],
    ['http://localhost.example.com', false],
    ['http://127.0.0.1.example.com', false],
    ['http://notlocalhost', false],
    ['http://0.0.0.0', false],
    ['http://10.0.0.1', false],
    ['http://128.0.0.1', false],
    ['ftp://localhost', false],
    ['ws://localhost', false],
  ])('%s: %p', (url, expected) => {
    expect(isSecure(new URL(url))).toBe(expected);
  });
});

describe('originOf', () => {
  test.each<readonly [url: string, page: string | undefined, expected: string | undefined]>([
    ['https://A.example.com:443/x?y#z', undefined, 'https://a.example.com'],
    ['/x', page, 'https://app.example.com'],
    ['/x', undefined, undefined],
    ['', undefined, undefined],
    ['data:text/plain,x', undefined, undefined],
    ['file:///x', undefined, undefined],
  ])('%p on %p', (url, at, expected) => {
    expect(originOf(url, at)).toBe(expected);
  });
});
