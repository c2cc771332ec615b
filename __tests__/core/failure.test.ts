/** Which failures of a refresh end a session, and which only cost time (G16, G17). */
import { describe, expect, test } from '@jest/globals';
import { AxiosError, AxiosHeaders, CanceledError, type InternalAxiosRequestConfig } from 'axios';
import { classify } from '../../src/core/failure.js';
import { TokenError } from '../../src/errors.js';
import type { FailureKind } from '../../src/types.js';

const config = { headers: new AxiosHeaders() } as InternalAxiosRequestConfig;

/** What Axios throws for an answer. */
function answered(status: number, data: unknown = '', headers: Record<string, string> = {}): AxiosError {
  const response = { status, statusText: '', data, headers: new AxiosHeaders(headers), config, request: {} };
  return new AxiosError(`Request failed with status code ${String(status)}`, 'ERR_BAD_REQUEST', config, {}, response);
}

/** What Axios throws without one. */
const unanswered = (code: string): AxiosError => new AxiosError(code, code, config, {});
const coded = (code: string): Error => Object.assign(new Error('failed'), { code });
const html = { 'content-type': 'text/html; charset=utf-8' };
const json = { 'content-type': 'application/json' };
const oauth = (error: string): object => ({ error, error_description: 'in words' });

type Row = readonly [what: string, error: unknown, kind: FailureKind];

const refusals: readonly Row[] = [
  ['400 invalid_grant', answered(400, oauth('invalid_grant'), json), 'refused'],
  ['400 invalid_grant in a body that was not parsed', answered(400, '{"error":"invalid_grant"}'), 'refused'],
  ['400 invalid_scope: more than the sign-in was for', answered(400, oauth('invalid_scope')), 'refused'],
  ['400 with a word of the house', answered(400, oauth('refresh_token_reused')), 'refused'],
  ['401 without a body', answered(401), 'refused'],
  ['401 with JSON of another kind', answered(401, { message: 'Unauthorized' }, json), 'refused'],
  ['403 without a body', answered(403), 'refused'],
  ['403 with JSON', answered(403, { message: 'Forbidden' }, json), 'refused'],
  ['a status on the error, as other clients put it', Object.assign(new Error('no'), { status: 401 }), 'refused'],
  ['a statusCode on the error', Object.assign(new Error('no'), { statusCode: 403 }), 'refused'],
  [
    "a fetch Response as the error's response",
    Object.assign(new Error('no'), { response: new Response('', { status: 401 }) }),
    'refused',
  ],
  ["a cloud SDK's metadata", Object.assign(new Error('no'), { $metadata: { httpStatusCode: 401 } }), 'refused'],
  ['a TokenError that says so', new TokenError('AUTH_SESSION_EXPIRED', 'gone', { kind: 'refused' }), 'refused'],
];

const mishaps: readonly Row[] = [
  // Answers that blame the client, the request or the server.
  ['400 temporarily_unavailable', answered(400, oauth('temporarily_unavailable')), 'protocol'],
  ['400 slow_down', answered(400, oauth('slow_down')), 'protocol'],
  ['400 server_error', answered(400, oauth('server_error')), 'protocol'],
  ['400 use_dpop_nonce', answered(400, oauth('use_dpop_nonce')), 'protocol'],
  ['401 use_dpop_nonce', answered(401, oauth('use_dpop_nonce')), 'protocol'],
  ['400 invalid_request', answered(400, oauth('invalid_request')), 'protocol'],
  // No sign-in mends an application that is not known, or not let in.
  ['400 invalid_client', answered(400, oauth('invalid_client')), 'protocol'],
  ['401 invalid_client', answered(401, oauth('invalid_client'), json), 'protocol'],
  ['401 invalid_client in a body that was not parsed', answered(401, '{"error":"invalid_client"}'), 'protocol'],
  ['400 unauthorized_client', answered(400, oauth('unauthorized_client')), 'protocol'],
  ['401 unauthorized_client', answered(401, oauth('unauthorized_client')), 'protocol'],
  ['400 unsupported_grant_type', answered(400, oauth('unsupported_grant_type')), 'protocol'],
  ['400 that blames the request, nested', answered(400, { error: { code: 'AUTH_REQUEST_INVALID' } }), 'protocol'],
  ['403 that blames the request, nested', answered(403, { error: { code: 'AUTH_REQUEST_INVALID' } }), 'protocol'],
  ['404', answered(404), 'protocol'],
  ['405', answered(405), 'protocol'],
  ['409', answered(409), 'protocol'],
  ['410', answered(410), 'protocol'],
  ['422', answered(422, { message: 'what' }), 'protocol'],
  ['302 that nobody followed', answered(302), 'protocol'],
  ['408', answered(408), 'timeout'],
  ['425', answered(425), 'server'],
  ['429', answered(429), 'throttled'],
  ['500', answered(500), 'server'],
  ['500 invalid_grant: a server that contradicts itself', answered(500, oauth('invalid_grant')), 'server'],
  ['502', answered(502), 'server'],
  ['503', answered(503), 'server'],
  ['504', answered(504), 'server'],
  ['511 of a captive portal', answered(511), 'server'],
  ['599', answered(599), 'server'],
  // Pages of proxies, firewalls and portals.
  ['400 with a page', answered(400, '<html>', html), 'server'],
  ['401 with a page', answered(401, '<html>', html), 'server'],
  ['403 with a page of a firewall', answered(403, '<html>Request blocked', html), 'server'],
  ['404 with a page', answered(404, '<html>', html), 'server'],
  [
    '401 with a page that nobody has read',
    { response: new Response('<html>', { status: 401, headers: html }) },
    'server',
  ],
  ['401 with a page as bytes', answered(401, new TextEncoder().encode('<html>'), html), 'server'],
  // No answer.
  ['ECONNREFUSED', unanswered('ECONNREFUSED'), 'network'],
  ['ECONNRESET', unanswered('ECONNRESET'), 'network'],
  ['EPIPE', coded('EPIPE'), 'network'],
  ['ENOTFOUND', unanswered('ENOTFOUND'), 'network'],
  ['EAI_AGAIN', unanswered('EAI_AGAIN'), 'network'],
  ['EHOSTUNREACH', coded('EHOSTUNREACH'), 'network'],
  ['ENETDOWN', coded('ENETDOWN'), 'network'],
  ['EPROTO', coded('EPROTO'), 'network'],
  ['CERT_HAS_EXPIRED', unanswered('CERT_HAS_EXPIRED'), 'network'],
  ['SELF_SIGNED_CERT_IN_CHAIN', coded('SELF_SIGNED_CERT_IN_CHAIN'), 'network'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'network'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'network'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'network'],
  ['HPE_INVALID_CONSTANT, an answer that is no HTTP', coded('HPE_INVALID_CONSTANT'), 'network'],
  ['UND_ERR_SOCKET', coded('UND_ERR_SOCKET'), 'network'],
  ['ERR_NETWORK of a browser', unanswered('ERR_NETWORK'), 'network'],
  ['ERR_INTERNET_DISCONNECTED', coded('ERR_INTERNET_DISCONNECTED'), 'network'],
  ['fetch on Node', new TypeError('fetch failed', { cause: coded('ECONNRESET') }), 'network'],
  ['fetch on Node, without a cause', new TypeError('fetch failed'), 'network'],
  ['fetch on Chromium', new TypeError('Failed to fetch'), 'network'],
  ['fetch on Safari', new TypeError('Load failed'), 'network'],
  ['fetch on Firefox', new TypeError('NetworkError when attempting to fetch resource.'), 'network'],
  ['fetch on React Native', new TypeError('Network request failed'), 'network'],
  ['fetch on Deno, an answer that breaks off', new TypeError('error reading a body from connection'), 'network'],
  ['fetch on Cloudflare', new Error('Network connection lost.'), 'network'],
  ['ECONNABORTED', unanswered('ECONNABORTED'), 'timeout'],
  ['ETIMEDOUT', unanswered('ETIMEDOUT'), 'timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', coded('UND_ERR_HEADERS_TIMEOUT'), 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', coded('UND_ERR_CONNECT_TIMEOUT'), 'timeout'],
  ['AbortSignal.timeout()', new DOMException('too slow', 'TimeoutError'), 'timeout'],
  // The callback's own faults.
  ['a plain error', new Error('no'), 'callback'],
  ['a plain error in the words of fetch', new Error('Failed to fetch a token'), 'callback'],
  ['a TypeError of the callback', new TypeError("Cannot read properties of undefined (reading 'data')"), 'callback'],
  ['an aborted fetch', new DOMException('aborted', 'AbortError'), 'callback'],
  ['a cancelled Axios request', new CanceledError(), 'callback'],
  ['a string', 'no', 'callback'],
  ['a number that looks like a status', 401, 'callback'],
  ['undefined', undefined, 'callback'],
  ['an error whose words are no text', { name: { toString: 1 }, message: { toString: 1 } }, 'callback'],
  ['null', null, 'callback'],
  ['an empty object', {}, 'callback'],
  ['a status that is none', Object.assign(new Error('no'), { status: 0 }), 'callback'],
  ['a status in words', Object.assign(new Error('no'), { status: '401' }), 'callback'],
  [
    'an object whose getters throw',
    {
      get response(): never {
        throw new Error('no');
      },
      get code(): never {
        throw new Error('no');
      },
    },
    'callback',
  ],
  ['a TokenError of another code', new TokenError('AUTH_TOKEN_EXPIRED', 'old'), 'callback'],
  ['a TokenError with a kind', new TokenError('AUTH_TOKEN_REFRESH_FAILED', 'no', { kind: 'server' }), 'server'],
];

describe('classify (G17)', () => {
  test.each(refusals)('%s ends the session', (_what, error, kind) => {
    expect(classify(error)).toMatchObject({ terminal: true, kind });
  });

  test.each(mishaps)('%s never does', (_what, error, kind) => {
    expect(classify(error)).toMatchObject({ terminal: false, kind });
  });

  test('tells the status, where there is one', () => {
    expect(classify(answered(503)).status).toBe(503);
    expect(classify(unanswered('ECONNRESET')).status).toBeUndefined();
  });
});

describe('whether the server may have acted on it, so that a second POST is risky (G16)', () => {
  test.each<readonly [what: string, error: unknown, expected: boolean]>([
    ['refused connection', unanswered('ECONNREFUSED'), false],
    ['unknown host', unanswered('ENOTFOUND'), false],
    ['resolver busy', unanswered('EAI_AGAIN'), false],
    ['no route', coded('EHOSTUNREACH'), false],
    ['timeout while connecting', coded('UND_ERR_CONNECT_TIMEOUT'), false],
    ['certificate', coded('CERT_HAS_EXPIRED'), false],
    ['certificate of another host', coded('ERR_TLS_CERT_ALTNAME_INVALID'), false],
    ['unverifiable certificate', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), false],
    [
      'fetch, with a refused connection behind it',
      new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }),
      false,
    ],
    [
      "Axios's fetch adapter, with a refused connection behind it",
      Object.assign(unanswered('ERR_NETWORK'), { cause: coded('ECONNREFUSED') }),
      false,
    ],
    ['an answer of success that broke off', answered(200, '{"access'), true],
    ['a 504', answered(504), true],
    ['a 503', answered(503), false],
    ['a 429', answered(429), false],
    ['a reset connection', unanswered('ECONNRESET'), true],
    ['a broken pipe', coded('EPIPE'), true],
    ['a timeout', unanswered('ECONNABORTED'), true],
    ['a timeout of headers', coded('UND_ERR_HEADERS_TIMEOUT'), true],
    ['a network error of a browser, which says no more', unanswered('ERR_NETWORK'), true],
    ['fetch, which says no more', new TypeError('Failed to fetch'), true],
    ['an error of the callback after its request', new Error('no'), true],
  ])('%s', (_what, error, expected) => {
    expect(classify(error).mayHaveReached).toBe(expected);
  });
});

describe('Retry-After (G16)', () => {
  const asked = (value: string): number => classify(answered(429, '', { 'Retry-After': value })).retryAfterMs;

  test.each<readonly [value: string, expected: number]>([
    ['3', 3_000],
    ['0', 0],
    ['-5', 0],
    ['soon', 0],
    ['', 0],
    ['Infinity', 0],
    ['9e999', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('%p asks for %p ms', (value, expected) => {
    expect(asked(value)).toBe(expected);
  });

  test('a date asks for the time until then', () => {
    const inAnHour = answered(429, '', { 'Retry-After': 'Thu, 01 Jan 2026 01:00:00 GMT' });
    expect(classify(inAnHour, Date.UTC(2026, 0, 1)).retryAfterMs).toBe(3_600_000);
    expect(classify(inAnHour, Date.UTC(2026, 0, 2)).retryAfterMs).toBe(0);
  });

  test('a date counts from the answer’s own, whatever the clock here says', () => {
    const headers = { Date: 'Thu, 01 Jan 2026 00:00:00 GMT', 'Retry-After': 'Thu, 01 Jan 2026 00:00:04 GMT' };
    expect(classify(answered(429, '', headers)).retryAfterMs).toBe(4_000);
    expect(classify(answered(429, '', { ...headers, 'Retry-After': headers.Date })).retryAfterMs).toBe(0);
    expect(classify(answered(429, '', { ...headers, 'Retry-After': '7' })).retryAfterMs).toBe(7_000);
  });

  test('is read from plain headers and from those of fetch', () => {
    expect(classify({ response: { status: 503, headers: { 'retry-after': '2' } } }).retryAfterMs).toBe(2_000);
    expect(
      classify({ response: new Response('', { status: 503, headers: { 'Retry-After': '2' } }) }).retryAfterMs,
    ).toBe(2_000);
  });

  test('nobody asks without it', () => {
    expect(classify(answered(429)).retryAfterMs).toBe(0);
    expect(classify(new Error('no')).retryAfterMs).toBe(0);
  });
});
