/** Which answers are replayed, and how one is handed on. */
import { describe, expect, test } from '@jest/globals';
import { AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { deliver, isForeign, isUnauthorized, readable } from '../../src/core/replay.js';

const response = (fields: Partial<AxiosResponse>): AxiosResponse => ({
  status: 401,
  statusText: '',
  data: '',
  headers: {},
  config: { headers: new AxiosHeaders() } as InternalAxiosRequestConfig,
  ...fields,
});

describe('isUnauthorized: the default for shouldRefresh', () => {
  test.each<readonly [what: string, given: Partial<AxiosResponse>, expected: boolean]>([
    ['401', {}, true],
    ['401 with a challenge', { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }, true],
    ['401 of another scheme', { headers: { 'www-authenticate': 'Basic realm="x"' } }, true],
    [
      '401 because the scope is too small',
      { headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="x"' } },
      false,
    ],
    [
      'the same with headers of Axios',
      { headers: new AxiosHeaders({ 'WWW-Authenticate': 'Bearer error="insufficient_scope"' }) },
      false,
    ],
    ['403', { status: 403 }, false],
    ['200', { status: 200 }, false],
    ['419', { status: 419 }, false],
    ['500', { status: 500 }, false],
  ])('%s', (_what, given, expected) => {
    expect(isUnauthorized(response(given))).toBe(expected);
  });
});

describe('isForeign (G23): an answer from where the token was not sent', () => {
  const origin = 'https://api.example.com';
  test.each<readonly [what: string, request: unknown, expected: boolean]>([
    ['Node: the same origin', { res: { responseUrl: `${origin}/x` } }, false],
    ['Node: another after a redirect', { res: { responseUrl: 'https://login.example.com/x' } }, true],
    ['browser: the same origin', { responseURL: `${origin}/x` }, false],
    ['browser: another', { responseURL: 'https://login.example.com/x' }, true],
    ['plain http after a redirect', { responseURL: 'http://api.example.com/x' }, true],
    ['unknown', {}, false],
    ['empty, as browsers have it after a network error', { responseURL: '' }, false],
    ['no URL', { responseURL: 'x' }, false],
    ['no request', undefined, false],
  ])('%s', (_what, request, expected) => {
    expect(isForeign(response({ request }), origin)).toBe(expected);
  });
});

describe('readable: the response as shouldRefresh sees it', () => {
  test('JSON text reads as what it says', () => {
    expect(readable(response({ data: '{"code":"TOKEN_EXPIRED"}' })).data).toEqual({ code: 'TOKEN_EXPIRED' });
  });

  test('other text stays text', () => {
    expect(readable(response({ data: '<html>' })).data).toBe('<html>');
  });

  test('anything but text is handed on as it is, and the original is left alone', () => {
    const data = new ArrayBuffer(2);
    const given = response({ data });
    expect(readable(given)).toBe(given);
    const text = response({ data: '{"a":1}' });
    expect(readable(text).status).toBe(401);
    expect(text.data).toBe('{"a":1}');
  });
});

describe('deliver: the answer on the way that it came', () => {
  test('an error that is frozen stays what it was', () => {
    const thrown: unknown = Object.freeze(new Error('401'));
    const answer = { response: { status: 401 } as AxiosResponse, thrown };
    expect(() => deliver(answer, new Error('why'))).toThrow(thrown);
  });
});
