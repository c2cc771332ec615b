/** G17 only a refusal ends a session: what each failure of a refresh is called, and what becomes of the session. */
import { describe, expect, test } from '@jest/globals';
import axios, { AxiosError, CanceledError, type AxiosResponse } from 'axios';
import { isTokenError, TokenError, type FailureKind, type RefreshContext } from '../../src/index.js';
import {
  answered,
  minute,
  nth,
  refused,
  second,
  settle,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';

/** What the authorization server answers, or what its client throws. */
type Fault = Partial<AxiosResponse> | { readonly thrown: unknown };

const json = (status: number, body: object, headers: Record<string, string> = {}): Fault => ({
  status,
  data: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});
const oauth = (status: number, error: string): Fault => json(status, { error, error_description: 'in words' });
const empty = (status: number, headers: Record<string, string> = {}): Fault => ({ status, data: '', headers });
const page = (status: number): Fault => ({
  status,
  data: '<!doctype html><title>no</title>',
  headers: { 'content-type': 'text/html; charset=utf-8' },
});
const typed = (status: number, data: string, type?: string): Fault => ({
  status,
  data,
  headers: type === undefined ? {} : { 'content-type': type },
});
const thrown = (error: unknown): Fault => ({ thrown: error });
const coded = (code: string): Error => Object.assign(new Error('failed'), { code });
const fetched = (code?: string): Error =>
  new TypeError('fetch failed', code === undefined ? {} : { cause: coded(code) });

/** A session of an hour whose refresh goes through `http` and meets `fault`. */
function faulty(fault: Fault, options: WorldOptions = {}): World {
  const w = world({
    retry: false,
    tokens: ({ issue }) => ({ accessToken: issue(), refreshToken: 'first' }),
    refresh: async ({ http }: RefreshContext) => {
      const { data } = await http.post<unknown>('/auth/refresh');
      return data;
    },
    ...options,
  });
  w.api.respond = ({ url }) => {
    if (url !== '/auth/refresh') return { status: 200 };
    if ('thrown' in fault) throw fault.thrown;
    return fault;
  };
  return w;
}

/** A request two minutes before the token's death, and one after it. */
async function overTheEnd(w: World): Promise<{ before: unknown; after: unknown }> {
  await w.clock.advance(59 * minute);
  const before = watch(w.instance.get('/orders'));
  await settle();
  await w.clock.advance(2 * minute);
  const after = watch(w.instance.get('/orders'));
  await settle();
  return { before: before.state, after: after.error };
}

const refusals: readonly (readonly [what: string, fault: Fault])[] = [
  ['400 invalid_grant', oauth(400, 'invalid_grant')],
  ['400 invalid_grant without a content type', { status: 400, data: '{"error":"invalid_grant"}' }],
  ['400 with an empty body, as glewlwyd says it', empty(400)],
  ['401 token_not_valid, as simplejwt says it', json(401, { detail: 'Token is invalid', code: 'token_not_valid' })],
  ['401 with a code in an object', json(401, { error: { code: 'REFRESH_TOKEN_REUSED', message: 'no' } })],
  ['401 with a message', json(401, { statusCode: 401, message: 'Unauthorized' })],
  ['401 with an empty body', empty(401)],
  ['401 in plain words', { status: 401, data: 'no', headers: { 'content-type': 'text/plain' } }],
  ['401 in plain words, as Express sends them', typed(401, 'Invalid refresh token', 'text/html; charset=utf-8')],
  ['401 with an empty body, as PHP sends it', typed(401, '', 'text/html; charset=UTF-8')],
  ['400 invalid_grant as a page, as PHP sends it', typed(400, '{"error":"invalid_grant"}', 'text/html; charset=UTF-8')],
  ['403 with an empty body', empty(403)],
  ['403 with JSON', json(403, { message: 'Forbidden' })],
  ['a fetch Response that is thrown', thrown(new Response('', { status: 401 }))],
  ['an error with a status of its own', thrown(Object.assign(new Error('no'), { status: 401 }))],
  ['a TokenError that says so', thrown(new TokenError('AUTH_SESSION_EXPIRED', 'gone', { kind: 'refused' }))],
];

const mishaps: readonly (readonly [what: string, fault: Fault, kind: FailureKind])[] = [
  ['400 temporarily_unavailable', oauth(400, 'temporarily_unavailable'), 'protocol'],
  ['400 server_error', oauth(400, 'server_error'), 'protocol'],
  ['400 slow_down', oauth(400, 'slow_down'), 'protocol'],
  ['400 invalid_request', oauth(400, 'invalid_request'), 'protocol'],
  ['401 invalid_client, of a secret that was changed', oauth(401, 'invalid_client'), 'protocol'],
  ['400 unauthorized_client', oauth(400, 'unauthorized_client'), 'protocol'],
  ['401 unauthorized_client, as Keycloak says it', oauth(401, 'unauthorized_client'), 'protocol'],
  ['400 unsupported_grant_type', oauth(400, 'unsupported_grant_type'), 'protocol'],
  ['401 use_dpop_nonce', oauth(401, 'use_dpop_nonce'), 'protocol'],
  ['404 with an empty body', empty(404), 'protocol'],
  ['409', empty(409), 'protocol'],
  ['422 with JSON', json(422, { errors: ['refreshToken'] }), 'protocol'],
  ['400 with a page', page(400), 'server'],
  ['401 with a page', page(401), 'server'],
  ['403 with a page of a firewall', page(403), 'server'],
  ['403 with a page that does not say what it is', typed(403, '<!doctype html><title>no</title>'), 'server'],
  ['403 with a page as plain text', typed(403, '\n <html><title>no</title>', 'text/plain'), 'server'],
  ['403 with a page as JSON', typed(403, '\uFEFF<html><title>no</title>', 'application/json'), 'server'],
  ['400 with a page of XHTML', typed(400, '<?xml version="1.0"?><html/>', 'application/xhtml+xml'), 'server'],
  ['503 with a page', page(503), 'server'],
  ['200 with a page', { ...page(200), data: '<!doctype html><title>Sign in</title>' }, 'protocol'],
  ['200 with an empty body', { status: 200, data: '' }, 'protocol'],
  ['200 with another shape', json(200, { token: 'x' }), 'protocol'],
  ['408', empty(408), 'timeout'],
  ['425', empty(425), 'server'],
  ['429', empty(429), 'throttled'],
  ['429 that asks for 30 days', empty(429, { 'retry-after': '2592000' }), 'throttled'],
  ['429 invalid_grant', oauth(429, 'invalid_grant'), 'throttled'],
  ['500', empty(500), 'server'],
  ['500 invalid_grant, of a server that contradicts itself', oauth(500, 'invalid_grant'), 'server'],
  ['502', empty(502), 'server'],
  ['503 with JSON', json(503, { error: { code: 'MAINTENANCE' } }), 'server'],
  ['504', empty(504), 'server'],
  ['an unknown host', thrown(new AxiosError('no', 'ENOTFOUND')), 'network'],
  ['a resolver that is busy', thrown(new AxiosError('no', 'EAI_AGAIN')), 'network'],
  ['a refused connection', thrown(new AxiosError('no', 'ECONNREFUSED')), 'network'],
  ['a reset connection', thrown(new AxiosError('no', 'ECONNRESET')), 'network'],
  ['no route', thrown(coded('EHOSTUNREACH')), 'network'],
  ['an expired certificate', thrown(new AxiosError('no', 'CERT_HAS_EXPIRED')), 'network'],
  ['a certificate of another host', thrown(coded('ERR_TLS_CERT_ALTNAME_INVALID')), 'network'],
  ['a handshake that fails', thrown(coded('EPROTO')), 'network'],
  ['a network error of a browser', thrown(new AxiosError('Network Error', AxiosError.ERR_NETWORK)), 'network'],
  ['a browser that is offline', thrown(coded('ERR_INTERNET_DISCONNECTED')), 'network'],
  ['fetch without a network, on Node', thrown(fetched('ENOTFOUND')), 'network'],
  ['fetch without a network, on Node, no cause', thrown(fetched()), 'network'],
  ['fetch without a network, on Chromium', thrown(new TypeError('Failed to fetch')), 'network'],
  ['fetch without a network, on Safari', thrown(new TypeError('Load failed')), 'network'],
  ['an error of the platform', thrown(new DOMException('offline', 'NetworkError')), 'network'],
  ['a timeout of Axios', thrown(new AxiosError('timeout of 1 ms exceeded', AxiosError.ECONNABORTED)), 'timeout'],
  ['a timeout of the socket', thrown(new AxiosError('no', AxiosError.ETIMEDOUT)), 'timeout'],
  ['AbortSignal.timeout()', thrown(new DOMException('too slow', 'TimeoutError')), 'timeout'],
  ['an aborted fetch', thrown(new DOMException('aborted', 'AbortError')), 'callback'],
  ['an aborted Axios request', thrown(new CanceledError()), 'callback'],
  ['a fault of the callback', thrown(new TypeError("Cannot read properties of undefined (reading 'x')")), 'callback'],
  ['a string', thrown('no'), 'callback'],
  ['undefined', thrown(undefined), 'callback'],
  ['a number', thrown(401), 'callback'],
];

test('G17 the table has at least 40 failures', () => {
  expect(refusals.length + mishaps.length).toBeGreaterThanOrEqual(40);
});

describe('G17 a refusal', () => {
  test.each(refusals)('%s lets the token live out its life, then ends the session', async (_what, fault) => {
    const w = faulty(fault);
    const { before, after } = await overTheEnd(w);
    expect(before).toBe('resolved');
    // Signed out for good, a request goes without a token.
    expect(after).toBeUndefined();
    expect(w.api.seen.at(-1)).toMatchObject({ url: '/orders', token: undefined });
    expect(w.session.status).toBe('expired');
    expect(w.told('refresh.failed')).toMatchObject([
      { servedCurrent: true, error: { code: 'AUTH_SESSION_EXPIRED', kind: 'refused', retryable: false } },
    ]);
    expect(w.told('session.ending')).toHaveLength(1);
    expect(w.told('session.expired')).toMatchObject([{ error: { code: 'AUTH_SESSION_EXPIRED' } }]);
  });

  test('that is repeated does not end the session twice', async () => {
    const w = world({ refresh: async () => Promise.reject(refused()), tokens: ({ issue }) => issue(-1) });
    for (let refreshes = 1; refreshes <= 2; refreshes++) {
      void watch(w.session.refresh());
      await settle();
      expect(w.told('refresh.failed')).toHaveLength(refreshes);
    }
    expect(w.told('session.expired')).toHaveLength(1);
  });
});

describe('G17 a refusal while an attempt is unanswered', () => {
  test('of an operation before the last is not believed: that one may have used the refresh token up', async () => {
    const w = world({
      refresh: 'open',
      retry: false,
      tokens: ({ issue }) => ({ accessToken: issue(), refreshToken: 'first' }),
    });
    void watch(w.session.refresh());
    await w.clock.advance(15 * second);
    void watch(w.session.refresh());
    await settle();
    nth(w.calls, 1).fail(answered(503));
    await settle();
    const third = watch(w.session.refresh());
    await settle();
    nth(w.calls, 2).fail(refused());
    await settle();
    expect(third.error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED' });
    expect(w.told('session.ending')).toStrictEqual([]);
    nth(w.calls, 0).answer({ accessToken: w.issue(), refreshToken: 'second' });
    await settle();
    expect(w.told('refresh.succeeded')).toMatchObject([{ late: true }]);
    expect(w.session.getSnapshot()).toMatchObject({ status: 'active', error: undefined });
  });
});

describe('G17 anything else', () => {
  test.each(mishaps)('%s leaves the session alone', async (_what, fault, kind) => {
    const w = faulty(fault);
    const { before, after } = await overTheEnd(w);
    expect(before).toBe('resolved');
    expect(after).toMatchObject({ kind, retryable: true });
    expect(isTokenError(after)).toBe(true);
    expect(w.session.status).toBe('active');
    for (const { error } of w.told('refresh.failed')) expect(error).toMatchObject({ kind, retryable: true });
    expect(w.told('session.ending')).toHaveLength(0);
    expect(w.told('session.expired')).toHaveLength(0);
    // The server is itself again: nobody signs in anew.
    const renewed = w.issue();
    w.api.respond = ({ url }) => (url === '/auth/refresh' ? { data: renewed } : { status: 200 });
    await w.clock.advance(5 * second);
    await w.instance.get('/orders');
    expect(w.api.seen.at(-1)?.token).toBe(renewed);
  });

  test.each<readonly [what: string, options: WorldOptions, code: string]>([
    ['hangs', { refresh: 'open', retry: false }, 'AUTH_TOKEN_REFRESH_TIMEOUT'],
    ['hangs at every attempt', { refresh: 'open', retry: {} }, 'AUTH_TOKEN_REFRESH_TIMEOUT'],
  ])('a refresh that %s leaves the session alone', async (_what, options, code) => {
    const w = world(options);
    await w.clock.advance(61 * minute);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(15 * second);
    expect(request.error).toMatchObject({ code, kind: 'timeout', retryable: true });
    expect(w.session.status).toBe('active');
  });

  test('200 failures of all kinds in a row leave the session alone', async () => {
    const w = faulty({});
    for (let round = 0; round < 200; round++) {
      const [, fault] = mishaps[round % mishaps.length] ?? [];
      w.api.respond = () => {
        if (fault && 'thrown' in fault) throw fault.thrown;
        return fault ?? {};
      };
      void watch(w.session.refresh());
      await settle();
    }
    expect(w.session.getSnapshot()).toMatchObject({ status: 'active', consecutiveFailures: 200 });
  });
});

describe('G17 classifyFailure', () => {
  test('makes a mishap a refusal', async () => {
    const w = faulty(empty(418), { classifyFailure: () => 'terminal' });
    await overTheEnd(w);
    expect(w.session.status).toBe('expired');
    expect(w.told('refresh.failed')).toMatchObject([{ error: { code: 'AUTH_SESSION_EXPIRED', retryable: false } }]);
  });

  test('makes a refusal a mishap', async () => {
    const w = faulty(oauth(400, 'invalid_grant'), { classifyFailure: () => 'transient' });
    const { after } = await overTheEnd(w);
    expect(after).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', retryable: true });
    expect(w.session.status).toBe('active');
  });

  test('is given what the callback threw, as it was thrown', async () => {
    const seen: unknown[] = [];
    const w = faulty(oauth(400, 'invalid_grant'), {
      classifyFailure: (error) => {
        seen.push(error);
        return undefined;
      },
    });
    await overTheEnd(w);
    expect(seen).toHaveLength(1);
    expect(axios.isAxiosError(seen[0])).toBe(true);
    expect(seen[0]).toMatchObject({ response: { status: 400, data: { error: 'invalid_grant' } } });
    expect(w.session.status).toBe('expired');
  });

  const nonsense: readonly (readonly [what: string, rule: () => unknown])[] = [
    [
      'throws',
      () => {
        throw new Error('a fault of the rule');
      },
    ],
    ['answers a word of its own', () => 'fatal'],
    ['answers true', () => true],
    ['answers null', () => null],
    ['answers a promise', () => Promise.resolve('terminal')],
  ];

  test.each(nonsense)('that %s leaves a mishap a mishap, and is told', async (_what, rule) => {
    const w = faulty(empty(503), { classifyFailure: rule as () => 'terminal' });
    const { after } = await overTheEnd(w);
    expect(after).toMatchObject({ kind: 'server' });
    expect(w.session.status).toBe('active');
    expect(w.told('listener.failed')[0]).toMatchObject({ source: 'classifyFailure' });
  });

  test.each(nonsense)('that %s leaves a refusal a refusal, and is told', async (_what, rule) => {
    const w = faulty(empty(401), { classifyFailure: rule as () => 'terminal' });
    await overTheEnd(w);
    expect(w.session.status).toBe('expired');
    expect(w.told('listener.failed')).toMatchObject([{ source: 'classifyFailure' }]);
  });
});

describe('G17 the server’s name for the request is told', () => {
  const id = '4bf92f3577b34da6';
  test.each<readonly [where: string, fault: Fault]>([
    ['x-request-id', empty(503, { 'x-request-id': id })],
    ['X-Request-Id', empty(503, { 'X-Request-Id': id })],
    ['request-id', empty(503, { 'request-id': id })],
    ['Request-ID', empty(503, { 'Request-ID': id })],
    ['x-correlation-id', empty(503, { 'x-correlation-id': id })],
    ['X-Correlation-ID', empty(503, { 'X-Correlation-ID': id })],
    ['traceparent', empty(503, { traceparent: id })],
    ['request_id of the body', json(503, { request_id: id })],
    ['requestId of the body', json(503, { requestId: id })],
    ['requestId of the error in the body', json(503, { error: { code: 'MAINTENANCE', requestId: id } })],
    ['the header rather than the body', json(503, { request_id: 'another' }, { 'x-request-id': id })],
    ['the first of several headers', empty(503, { traceparent: 'another', 'x-request-id': id })],
    ['the Headers of fetch', thrown(new Response('', { status: 503, headers: { 'X-Request-Id': id } }))],
  ])('from %s', async (_where, fault) => {
    const w = faulty(fault);
    const { after } = await overTheEnd(w);
    expect(after).toMatchObject({ requestId: id, status: 503, attempts: 1 });
    expect(w.told('refresh.failed')[0]).toMatchObject({ error: { requestId: id } });
    expect(w.session.getSnapshot().error).toMatchObject({ requestId: id });
  });

  test('of a refusal too', async () => {
    const w = faulty(json(401, { detail: 'no', code: 'token_not_valid' }, { 'x-request-id': id }));
    await overTheEnd(w);
    expect(w.told('session.expired')).toMatchObject([{ error: { requestId: id, status: 401 } }]);
  });

  test.each<readonly [what: string, fault: Fault]>([
    ['where there is none', empty(503)],
    ['where it could be a sentence', empty(503, { 'x-request-id': 'the token was eyJhbGciOi and it leaked' })],
    ['where it is no string', json(503, { request_id: 7 })],
    ['where nothing answered', thrown(coded('ECONNREFUSED'))],
  ])('but not %s', async (_what, fault) => {
    const { after } = await overTheEnd(faulty(fault));
    expect(isTokenError(after)).toBe(true);
    expect(after).not.toHaveProperty('requestId');
  });
});
