import { describe, expect, test } from '@jest/globals';
import axios, { type AxiosInstance } from 'axios';
import {
  installTokenRefresh,
  isTokenError,
  type TokenError,
  type TokenErrorCode,
  type TokenEvent,
  type TokenSession,
  type TokenSessionOptions,
} from '../../src/index.js';
import { jwt } from '../support/jwt.js';
import type { Answer, ScriptedServer } from '../support/server.js';
import { adapters, afterwards, failureOf, server, type AdapterName } from './scene.js';

const seconds = (fromNow: number): number => Math.floor(Date.now() / 1000) + fromNow;
const token = (sub: string, issued: number, expires: number): string =>
  jwt({ sub, iat: seconds(issued), exp: seconds(expires) });

const dead = token('ada', -3_600, -1);
const dying = token('ada', -3_500, 100);
const young = token('ada', 0, 3_600);
const good = token('ada', 0, 3_600);

/** What the authorization server says to a refresh; `held` is the token that the client has. */
type Saying = (held: string) => Answer;

interface Case {
  readonly name: string;
  readonly says: Saying;
  readonly code: TokenErrorCode;
  readonly kind: string;
  readonly status?: number;
  /** Of its session. */
  readonly options?: Partial<TokenSessionOptions>;
}

const unusable = (name: string, body: unknown, status = 200): Case => ({
  name,
  says: (held) => ({
    status,
    body: typeof body === 'function' ? (body as (held: string) => object)(held) : (body as object),
  }),
  code: 'AUTH_REFRESH_RESPONSE_INVALID',
  kind: 'protocol',
});

const failing = (name: string, answer: Answer, kind: string, status?: number): Case => ({
  name,
  says: () => answer,
  code: 'AUTH_TOKEN_REFRESH_FAILED',
  kind,
  ...(status !== undefined && { status }),
});

const refusing = (status: number, error: string): Case => ({
  name: `answers ${status} ${error}`,
  says: () => ({ status, body: { error } }),
  code: 'AUTH_SESSION_EXPIRED',
  kind: 'refused',
  status,
});

const page = '<!doctype html><h1>Welcome to the hotel’s network</h1>';
const html = { 'Content-Type': 'text/html; charset=utf-8' };

const cases: Case[] = [
  { ...unusable('answers 200 with a web page', page), says: () => ({ headers: html, body: page }) },
  unusable('answers 200 with nothing', ''),
  unusable('answers 204', '', 204),
  unusable('answers {}', {}),
  unusable('answers []', []),
  unusable('answers half an object', '{"access_token":"abc'),
  unusable('answers with a token of null', { access_token: null }),
  unusable('answers with an empty token', { access_token: '' }),
  unusable('answers with a number for a token', { access_token: 42 }),
  unusable('answers with an object for a token', { access_token: { value: 'abc' } }),
  unusable('answers with line breaks in the token', { access_token: 'abc\r\nX-Admin: 1' }),
  unusable('answers with a token of letters that no header carries', { access_token: 'grüße' }),
  unusable('answers with an expired token', { access_token: token('ada', -7_200, -3_600) }),
  unusable('answers with a token that expires at once', { access_token: good, expires_in: 0 }),
  unusable('answers with a lifetime that is no number', { access_token: good, expires_in: 'soon' }),
  unusable('answers with another user’s token', { access_token: token('eve', 0, 3_600) }),
  failing('answers with the word null', { headers: { 'Content-Type': 'application/json' }, body: 'null' }, 'callback'),
  failing('breaks the connection', 'reset', 'network'),
  failing('answers 408', { status: 408 }, 'timeout', 408),
  failing('answers 429', { status: 429, headers: { 'Retry-After': '1' } }, 'throttled', 429),
  failing('answers 500', { status: 500, body: { error: 'server_error' } }, 'server', 500),
  failing('answers 502 with a web page', { status: 502, headers: html, body: page }, 'server', 502),
  failing('answers 503', { status: 503 }, 'server', 503),
  failing('answers 400 with a web page', { status: 400, headers: html, body: page }, 'server', 400),
  failing('answers 401 with a web page', { status: 401, headers: html, body: page }, 'server', 401),
  failing(
    'answers 400 temporarily_unavailable',
    { status: 400, body: { error: 'temporarily_unavailable' } },
    'protocol',
    400,
  ),
  failing('answers 401 invalid_client', { status: 401, body: { error: 'invalid_client' } }, 'protocol', 401),
  failing('answers 404', { status: 404 }, 'protocol', 404),
  failing('redirects in circles', { status: 307, headers: { Location: '/token' } }, 'network'),
  {
    name: 'never answers',
    says: () => 'silence',
    code: 'AUTH_TOKEN_REFRESH_TIMEOUT',
    kind: 'timeout',
    options: { refreshTimeoutMs: 1_000 },
  },
  refusing(400, 'invalid_grant'),
  refusing(401, 'invalid_grant'),
  refusing(403, 'access_denied'),
];

const sameToken = (name: string): Case => unusable(name, (held: string) => ({ access_token: held }));

interface World {
  readonly api: ScriptedServer;
  readonly auth: ScriptedServer;
  readonly instance: AxiosInstance;
  readonly session: TokenSession;
  /** Lets the authorization server do well from now on. */
  readonly recover: () => void;
}

async function world(
  adapter: AdapterName,
  held: string,
  says: Saying,
  options: Partial<TokenSessionOptions> = {},
): Promise<World> {
  const api = await server(({ token: sent }) =>
    sent === good || sent === dying ? {} : { status: 401, body: { error: 'invalid_token' } },
  );
  const auth = await server(() => says(held));
  const instance = axios.create({ baseURL: api.url, adapter, timeout: 8_000 });
  const session = installTokenRefresh(instance, {
    tokens: { accessToken: held, refreshToken: 'refresh-1' },
    async refresh({ tokens, http }) {
      const { data } = await http.post<{ access_token: string; expires_in?: number }>(
        `${auth.url}/token`,
        { refresh_token: tokens?.refreshToken },
        { maxRedirects: 3 },
      );
      return { accessToken: data.access_token, expiresIn: data.expires_in };
    },
    retry: false,
    ...options,
  });
  afterwards(() => session.dispose());
  const recover = (): void => {
    auth.script = () => ({ body: { access_token: good } });
  };
  return { api, auth, instance, session, recover };
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

describe.each(adapters)('an authorization server that misbehaves, over %s', (adapter) => {
  test.each([...cases, sameToken('answers with the same expired token')])(
    '$name: those who wait reject with $code, and the next refresh works',
    async ({ says, code, kind, status, options }) => {
      const { api, auth, instance, session, recover } = await world(adapter, dead, says, options);
      const errors = await Promise.all(times(5, () => failureOf(instance.get('/orders'))));
      for (const error of errors) {
        expect(isTokenError(error, code)).toBe(true);
        expect(error).toMatchObject({ kind, attempts: 1, retryable: code !== 'AUTH_SESSION_EXPIRED' });
        expect((error as { status?: number }).status).toBe(status);
      }
      expect(api.seen).toHaveLength(0);
      expect(session.status).toBe(code === 'AUTH_SESSION_EXPIRED' ? 'expired' : 'active');
      expect(session.getSnapshot()).toMatchObject({ waiting: 0, isRefreshing: false });

      recover();
      await expect(session.refresh()).resolves.toBe(good);
      await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
      expect(session.getSnapshot()).toMatchObject({ status: 'active', error: undefined, consecutiveFailures: 0 });
      expect(api.seen.map(({ token: sent }) => sent)).toStrictEqual([good]);
      if (code !== 'AUTH_SESSION_EXPIRED')
        expect(auth.seen.at(-1)?.body.toString()).toBe('{"refresh_token":"refresh-1"}');
    },
  );

  test.each([...cases, sameToken('answers with the very token that was refused')])(
    '$name: those with a 401 get it, with $code as its cause',
    async ({ says, code, kind, options }) => {
      const { api, instance, session, recover } = await world(adapter, young, says, options);
      const errors = await Promise.all(times(5, () => failureOf(instance.post('/orders', { id: 1 }))));
      for (const error of errors) {
        expect(error).toMatchObject({
          isAxiosError: true,
          response: { status: 401, data: { error: 'invalid_token' } },
        });
        expect((error as Error).cause).toMatchObject({ code, kind });
      }
      expect(api.seen).toHaveLength(5);
      recover();
      await session.refresh();
      await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    },
  );

  test.each(cases)('G3 $name: a token that still lives is used', async ({ says, code, options }) => {
    const { api, instance, session } = await world(adapter, dying, says, options);
    const failures: TokenEvent<'refresh.failed'>[] = [];
    const endings: TokenEvent<'session.ending'>[] = [];
    session.on('refresh.failed', (event) => failures.push(event)).on('session.ending', (event) => endings.push(event));
    const answers = await Promise.all(times(5, () => instance.get('/orders')));
    for (const { status } of answers) expect(status).toBe(200);
    expect(api.seen.map(({ token: sent }) => sent)).toEqual(times(5, () => dying));
    expect(failures).toMatchObject([{ servedCurrent: true, consecutiveFailures: 1, error: { code } }]);
    expect(endings).toHaveLength(code === 'AUTH_SESSION_EXPIRED' ? 1 : 0);
    expect(session.status).toBe('active');
  });

  test('the same token again is fine while nobody has refused it', async () => {
    const { api, instance, session } = await world(adapter, dying, (held) => ({ body: { access_token: held } }));
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    expect(api.seen.map(({ token: sent }) => sent)).toStrictEqual([dying]);
    expect(session.getSnapshot()).toMatchObject({ status: 'active', error: undefined });
  });

  test('after a failure the server is left in peace: the next requests reject with the same error', async () => {
    const { auth, instance } = await world(adapter, dead, () => ({ status: 503 }));
    const first = await failureOf(instance.get('/orders'));
    const { code, operationId } = first as TokenError;
    expect(operationId).toBeDefined();
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ code, operationId });
    expect(auth.seen).toHaveLength(1);
  });
});

const quick = { retry: { minDelayMs: 1, maxDelayMs: 5 } };

describe.each(adapters)('G16 an authorization server that recovers within one refresh, over %s', (adapter) => {
  const recovering: [string, Answer[]][] = [
    ['a 503', [{ status: 503 }]],
    ['two 503s', [{ status: 503 }, { status: 503 }]],
    ['a 429', [{ status: 429, headers: { 'Retry-After': '0' } }]],
    ['a broken connection', ['reset']],
    ['a web page', [{ headers: html, body: page }]],
    ['a broken connection and a 503', ['reset', { status: 503 }]],
  ];

  test.each(recovering)('%s goes unnoticed', async (_, answers) => {
    const { auth, instance, session } = await world(adapter, dead, () => ({}), quick);
    auth.script = (_request, index) => answers[index] ?? { body: { access_token: good } };
    const all = await Promise.all(times(5, () => instance.get('/orders')));
    for (const { status } of all) expect(status).toBe(200);
    expect(auth.seen).toHaveLength(answers.length + 1);
    expect(session.getSnapshot()).toMatchObject({ consecutiveFailures: 0, error: undefined });
  });

  test('one that stays down is asked three times', async () => {
    const { auth, instance } = await world(adapter, dead, () => ({ status: 503 }), quick);
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', attempts: 3 });
    expect(auth.seen).toHaveLength(3);
  });

  test('a refusal is not asked for twice', async () => {
    const { auth, instance } = await world(
      adapter,
      dead,
      () => ({ status: 400, body: { error: 'invalid_grant' } }),
      quick,
    );
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', attempts: 1 });
    expect(auth.seen).toHaveLength(1);
  });

  test('a connection that breaks after the refresh token arrived is tried once more, not twice', async () => {
    const { auth, instance } = await world(adapter, dead, () => 'reset', quick);
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ kind: 'network', attempts: 2 });
    expect(auth.seen).toHaveLength(2);
  });

  test('G16: an answer that breaks off is asked for once more, at once', async () => {
    const torn = { headers: { 'Content-Length': '1000', Connection: 'close' }, body: '{"access_token":"ey' };
    const { auth, instance, session } = await world(adapter, dead, () => torn, quick);
    const pauses: number[] = [];
    session.on('refresh.retried', ({ delayMs }) => pauses.push(delayMs));
    expect(await failureOf(instance.get('/orders'))).toMatchObject({ attempts: 2 });
    expect(auth.seen).toHaveLength(2);
    expect(pauses).toStrictEqual([0]);
  });

  test('one attempt without an answer is followed by another', async () => {
    const options = { ...quick, retry: { ...quick.retry, attemptTimeoutMs: 1_000 } };
    const { auth, instance } = await world(adapter, dead, () => ({}), options);
    auth.script = (_request, index) => (index === 0 ? 'silence' : { body: { access_token: good } });
    await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    expect(auth.seen).toHaveLength(2);
  });
});
