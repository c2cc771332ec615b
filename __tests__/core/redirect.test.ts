/** What a redirect may take along. */
import { describe, expect, test } from '@jest/globals';
import { redirectGuard, type BeforeRedirect } from '../../src/core/redirect.js';

type Hook = Parameters<BeforeRedirect>;

const origin = 'https://api.example.com';
const details = { headers: { location: '/elsewhere' }, statusCode: 302 } as unknown as Hook[1];
const request = {} as Hook[2];

/** What is left of the headers once the guard has seen a redirect to `href`. */
function follow(href: unknown, headers: unknown, header = 'Authorization', own?: BeforeRedirect): unknown {
  const options = { href, headers } as Hook[0];
  redirectGuard(header, origin, own)(options, details, request);
  return options['headers'];
}

describe('redirectGuard (G23): the token stays on its own origin', () => {
  test.each<readonly [what: string, href: unknown]>([
    ['the same origin', 'https://api.example.com/v2'],
    ['the same origin with its port spelt out', 'https://api.example.com:443/v2'],
    ['the same origin in capitals', 'https://API.example.com/v2'],
  ])('%s: it goes along', (_what, href) => {
    expect(follow(href, { Authorization: 'Bearer t', Accept: '*/*' })).toEqual({
      Authorization: 'Bearer t',
      Accept: '*/*',
    });
  });

  test.each<readonly [what: string, href: unknown]>([
    ['another host', 'https://evil.example/v2'],
    ['a host that only begins alike', 'https://api.example.com.evil.example/'],
    ['a subdomain', 'https://sub.api.example.com/'],
    ['another port', 'https://api.example.com:8443/'],
    ['plain http', 'http://api.example.com/'],
    ['credentials in the URL', 'https://user:password@api.example.com/'],
    ['something that is no URL', '/v2'],
    ['nothing', undefined],
    ['an object', { toString: () => 'https://evil.example/' }],
  ])('%s: it stays behind, and the rest goes along', (_what, href) => {
    expect(follow(href, { Authorization: 'Bearer t', Accept: '*/*' })).toEqual({ Accept: '*/*' });
  });

  test.each<readonly [header: string, sent: string]>([
    ['Authorization', 'authorization'],
    ['authorization', 'AUTHORIZATION'],
    ['X-Api-Token', 'x-api-token'],
  ])('option "header" %s: %s is taken off, however it is spelt', (header, sent) => {
    expect(follow('https://evil.example/', { [sent]: 't', 'X-Other': '1' }, header)).toEqual({ 'X-Other': '1' });
  });

  test('every spelling of it is taken off', () => {
    const headers = { Authorization: 'a', authorization: 'b', AUTHORIZATION: 'c', 'Authorization-Info': 'd' };
    expect(follow('https://evil.example/', headers)).toEqual({ 'Authorization-Info': 'd' });
  });

  test.each<readonly [what: string, headers: unknown]>([
    ['none', undefined],
    ['null', null],
    ['a string', 'Authorization: Bearer t'],
    ['an object without a prototype', Object.create(null)],
  ])('headers that are %s are no reason to fail', (_what, headers) => {
    expect(follow('https://evil.example/', headers)).toBe(headers);
  });
});

describe("redirectGuard and the caller's own hook", () => {
  test('it sees every redirect, after the token was taken off, with all that Axios tells it', () => {
    const seen: unknown[] = [];
    const own: BeforeRedirect = (options, ...rest) => {
      seen.push({ ...(options['headers'] as object) }, ...rest);
    };
    follow('https://evil.example/', { Authorization: 'Bearer t', Accept: '*/*' }, 'Authorization', own);
    follow('https://api.example.com/', { Authorization: 'Bearer t' }, 'Authorization', own);
    expect(seen).toStrictEqual([{ Accept: '*/*' }, details, request, { Authorization: 'Bearer t' }, details, request]);
    expect(seen[1]).toBe(details);
    expect(seen[2]).toBe(request);
  });

  test('what it throws ends the redirect, as it would without us', () => {
    const own: BeforeRedirect = () => {
      throw new Error('not there');
    };
    expect(() => follow('https://evil.example/', {}, 'Authorization', own)).toThrow('not there');
  });
});
