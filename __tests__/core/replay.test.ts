/** Whether and with what a request can be sent again. */
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import FormDataPackage from 'form-data';
import {
  deliver,
  isForeign,
  isStream,
  isUnauthorized,
  readable,
  rewind,
  type Transform,
} from '../../src/core/replay.js';

const response = (fields: Partial<AxiosResponse>): AxiosResponse => ({
  status: 401,
  statusText: '',
  data: '',
  headers: {},
  config: { headers: new AxiosHeaders() } as InternalAxiosRequestConfig,
  ...fields,
});

describe('isStream (G15): a body that can be read once', () => {
  test.each<readonly [what: string, body: unknown, expected: boolean]>([
    ['a Node stream', Readable.from(['x']), true],
    ['a web stream', new ReadableStream(), true],
    ['an instance of the form-data package', new FormDataPackage(), true],
    ['a FormData', new FormData(), false],
    ['a Blob', new Blob(['x']), false],
    ['a Buffer', Buffer.from('x'), false],
    ['an ArrayBuffer', new ArrayBuffer(1), false],
    ['a URLSearchParams', new URLSearchParams('x=1'), false],
    ['an object', { a: 1 }, false],
    ['a string', 'x', false],
    ['nothing', undefined, false],
    ['null', null, false],
  ])('%s', (_what, body, expected) => {
    expect(isStream(body)).toBe(expected);
  });
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

describe('rewind (G15): the body as it was before transformRequest, transformed anew', () => {
  const sent = (headers: Record<string, string>): InternalAxiosRequestConfig => ({
    headers: new AxiosHeaders(headers),
    data: 'transformed once',
  });

  test('what was derived from the first body goes', () => {
    const config = sent({
      'Content-Length': '16',
      'Content-Type': 'multipart/form-data; boundary=first',
      'X-Own': 'kept',
    });
    rewind(config, { data: { a: 1 }, transforms: [], type: undefined });
    expect({ ...config.headers.toJSON() }).toEqual({ 'Content-Type': 'multipart/form-data', 'X-Own': 'kept' });
    expect(config.data).toEqual({ a: 1 });
  });

  test('a boundary that is the caller’s stays: the body was made with it', () => {
    const type = 'multipart/form-data; boundary=own';
    const config = sent({ 'Content-Type': type });
    rewind(config, { data: '--own--', transforms: [], type });
    expect(config.headers.get('Content-Type')).toBe(type);
  });

  test('another content type stays', () => {
    const config = sent({ 'content-type': 'application/json' });
    rewind(config, { data: {}, transforms: [], type: 'application/json' });
    expect(config.headers.get('Content-Type')).toBe('application/json');
  });

  test('each transform gets the body of the one before, the headers, and the config as this', () => {
    const config = sent({});
    const seen: unknown[] = [];
    const transforms: Transform[] = [
      function (data, headers) {
        seen.push(this === config, headers === config.headers);
        return JSON.stringify(data);
      },
      (data) => `${String(data)}!`,
    ];
    rewind(config, { data: { a: 1 }, transforms, type: undefined });
    expect(config.data).toBe('{"a":1}!');
    expect(seen).toEqual([true, true]);
  });
});

describe('deliver: the answer on the way that it came', () => {
  test('an error that is frozen stays what it was', () => {
    const thrown: unknown = Object.freeze(new Error('401'));
    const answer = { response: { status: 401 } as AxiosResponse, thrown };
    expect(() => deliver(answer, new Error('why'))).toThrow(thrown);
  });
});
