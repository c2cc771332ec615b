/** What is refused when it is set up, and what of a set-up shows only in a request: told to the developer, never a sign-out. */
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import { createTokenSession } from '../../src/index.js';
import {
  createRefreshProxy,
  generateSigningKey,
  memberstackUpstream,
  memoryRefreshStore,
  postgresRefreshStore,
  sqliteRefreshStore,
  toExpress,
  toNodeHandler,
  type RefreshEndpointOptions,
  type SigningKey,
} from '../../src/server/index.js';
import { useServers } from './support/listen.js';
import { day, hour, minute, read, send, signingKey, stage, type Answer } from './support/stage.js';

const asked = { issuer: 'https://auth.test', audience: 'https://api.test' };
const longestTimer = 2 ** 31 - 1;
const report = (): void => undefined;
const century = 100 * 365 * day;

describe('createRefreshEndpoint refuses', () => {
  test.each<[name: string, options: Partial<RefreshEndpointOptions>]>([
    ['sessionTtlMs', { sessionTtlMs: hour + 0.5 }],
    ['sessionTtlMs', { sessionTtlMs: century + 1 }],
    ['sessionTtlMs', { sessionTtlMs: Infinity }],
    ['idleTtlMs', { idleTtlMs: hour + 0.5 }],
    ['idleTtlMs', { idleTtlMs: century + 1 }],
    ['storeTimeoutMs', { storeTimeoutMs: longestTimer + 1 }],
    ['storeTimeoutMs', { storeTimeoutMs: 0.5 }],
    ['limits.byIp', { limits: { byIp: { points: 1, durationMs: longestTimer + 1 } } }],
    ['limits.byFamily', { limits: { byFamily: { points: 1, durationMs: 999 } } }],
    ['limits.byIp', { limits: { byIp: { points: 1, durationMs: minute, blockMs: 3 } as never } }],
    ['suspicion.refusals', { suspicion: { report, refusals: { points: 1, durationMs: minute, x: 1 } as never } }],
    ['suspicion.refusals', { suspicion: { report, refusals: { consume: report } as never } }],
  ])('"%s" that no timer and no database can hold, or with what is unknown: %j', async (name, options) => {
    await expect(stage(options)).rejects.toThrow(TypeError);
    await expect(stage(options)).rejects.toThrow(`Option "${name}" must be`);
  });

  test.each([
    { alg: 'ES384' },
    { alg: 'RS256' },
    { alg: 'EdDSA' },
    { kty: 'OKP' },
    { crv: 'P-384' },
    { crv: undefined },
    { kty: 'oct', alg: 'HS256' },
    { alg: 'constructor' },
  ])('a key that cannot sign with its "alg", before anybody signs in: %j', async (change) => {
    const keys = [{ ...(await signingKey()), ...change }];
    await expect(stage({ accessTokens: { ...asked, keys } })).rejects.toThrow(
      'Option "accessTokens.keys": "alg" must be one of ES256, ES384, EdDSA, Ed25519, RS256, PS256, and fit',
    );
  });

  test.each(['ES256', 'ES384', 'EdDSA', 'Ed25519', 'RS256', 'PS256'])('no key of %s', async (alg) => {
    const on = await stage({ accessTokens: { ...asked, keys: [await generateSigningKey(alg)] } });
    const { accessToken } = await on.signIn();
    expect((await on.endpoint.verifyAccessToken(accessToken)).subject).toBe('ada');
  });

  test('"accessTokens.ttlMs" that is no whole number', async () => {
    const keys = [await signingKey()];
    await expect(stage({ accessTokens: { ...asked, keys, ttlMs: minute + 0.5 } })).rejects.toThrow(
      'Option "accessTokens.ttlMs" must be milliseconds, a whole number',
    );
  });

  test('"graceMs" that is no whole number', async () => {
    await expect(stage({ graceMs: 1.5 })).rejects.toThrow(
      'Option "graceMs" must be milliseconds, a whole number from 0 to 60000',
    );
  });

  test('"idleTtlMs" within the life of an access token: it would sign out who is busy', async () => {
    const keys = [await signingKey()];
    await expect(stage({ idleTtlMs: 15 * minute })).rejects.toThrow(
      'Option "idleTtlMs" must be more than "accessTokens.ttlMs", which is 900000.',
    );
    const ofAnHour = { ...asked, keys, ttlMs: hour };
    await expect(stage({ accessTokens: ofAnHour, idleTtlMs: hour })).rejects.toThrow(TypeError);
    const on = await stage({ accessTokens: ofAnHour, idleTtlMs: hour + 1 });
    const { refreshToken } = await on.signIn();
    on.clock.advance(hour);
    expect((await on.refresh(refreshToken)).status).toBe(200);
  });

  test.each<[string, () => unknown]>([
    ['is async', async () => Promise.resolve([])],
    ['is async, and rejects', () => Promise.reject(new Error('the vault is shut'))],
    ['returns nothing', () => undefined],
    ['returns holes', () => [undefined]],
  ])('"accessTokens.keys" that %s', async (_, keys) => {
    const made = stage({ accessTokens: { ...asked, keys: keys as () => SigningKey[] } });
    await expect(made).rejects.toThrow(
      'Option "accessTokens.keys" must be an array of signing keys, or a function, not async, that returns one.',
    );
  });
});

test('the longest durations that are taken work', async () => {
  const store = await sqliteRefreshStore(':memory:');
  const on = await stage({ store, sessionTtlMs: century, idleTtlMs: century, storeTimeoutMs: longestTimer });
  const { refreshToken } = await on.signIn();
  expect((await on.refresh(refreshToken)).status).toBe(200);
  await store.close();
});

test.each([0.5, 1_000.5, longestTimer + 1, Infinity])('createRefreshProxy refuses "timeoutMs" of %d', (timeoutMs) => {
  expect(() => createRefreshProxy({ upstreamUrl: 'https://id.example.com/', timeoutMs })).toThrow(
    'Option "timeoutMs" must be milliseconds, a whole number from 1 to 2147483647.',
  );
});

test.each([
  [{}, 'Option "publicKey" of memberstackUpstream is missing'],
  [{ publicKey: 'pk', upstreamUrl: 'http://members.example.com/' }, 'Option "upstreamUrl" of memberstackUpstream'],
  [{ publicKey: 'pk', url: 'https://members.example.com/' }, 'Unknown option "url" of memberstackUpstream'],
  [undefined, 'The options of memberstackUpstream must be an object'],
])('memberstackUpstream refuses %j', (options, message) => {
  expect(() => memberstackUpstream(options as never)).toThrow(TypeError);
  expect(() => memberstackUpstream(options as never)).toThrow(message);
});

test.each([
  ['toNodeHandler', toNodeHandler],
  ['toExpress', toExpress],
])('%s refuses what is no handler', (name, adapt) => {
  expect(() => adapt(undefined as never)).toThrow(new TypeError(`The handler of ${name} must be a function.`));
});

test.each<[string, () => Promise<unknown>]>([
  ['sqliteRefreshStore expects the path of a file', () => sqliteRefreshStore('')],
  ['sqliteRefreshStore expects the path of a file', () => sqliteRefreshStore(undefined as never)],
  ['postgresRefreshStore expects a Pool', () => postgresRefreshStore('postgres://localhost/app' as never)],
])('a store of which the environment says nothing: %s', async (message, open) => {
  await expect(open()).rejects.toThrow(TypeError);
  await expect(open()).rejects.toThrow(message);
});

test('a TypeError of the store, as fetch throws it, is no misuse of startSession', async () => {
  const create = (): Promise<never> => Promise.reject(new TypeError('fetch failed'));
  const on = await stage({ store: { ...memoryRefreshStore(), create } });
  await expect(on.signIn()).rejects.toMatchObject({ code: 'AUTH_UNAVAILABLE', status: 503 });
  expect(on.faults).toMatchObject([{ message: 'fetch failed' }]);
});

describe('a body that something in front has read', () => {
  const listen = useServers();

  async function drain(request: IncomingMessage): Promise<void> {
    request.resume();
    await once(request, 'end');
  }

  const post = async (url: string, body: string | undefined, type = 'application/json'): Promise<Answer> =>
    read(await fetch(url, { method: 'POST', ...(body !== undefined && { headers: { 'Content-Type': type }, body }) }));

  const isFault = { status: 500, outcome: 'AUTH_UNAVAILABLE' };

  test('on Node’s own server it is a fault of the set-up, and is told', async () => {
    const on = await stage();
    const handlers = [on.endpoint.refresh, on.endpoint.signOut].map(toNodeHandler);
    const { refreshToken } = await on.signIn();
    for (const handler of handlers) {
      const url = await listen((request, response) => void drain(request).then(() => handler(request, response)));
      expect(await post(url, JSON.stringify({ refreshToken }))).toMatchObject(isFault);
    }
    expect(on.faults).toMatchObject([1, 2].map(() => ({ message: expect.stringContaining('was read before') })));
    expect(on.events()).toStrictEqual(['issued', 'failed', 'failed']);
    expect((await on.refresh(refreshToken)).status).toBe(200);
  });

  test('on Express, too, where nothing was left as request.body', async () => {
    const on = await stage();
    const app = express();
    app.use((request, _response, next) => void drain(request).then(() => next(), next));
    app.post('/', toExpress(on.endpoint.refresh));
    const url = await listen(app as RequestListener);
    expect(await post(url, JSON.stringify({ refreshToken: 'A'.repeat(43) }))).toMatchObject(isFault);
    // Nothing is lost where nothing was.
    expect(await post(url, undefined)).toMatchObject({ status: 400, outcome: 'AUTH_TOKEN_MISSING' });
  });

  test('of a web-standard request, too, read or held', async () => {
    const on = await stage();
    const body = JSON.stringify({ refreshToken: 'A'.repeat(43) });
    const make = (): Request =>
      new Request('http://localhost/', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const used = make();
    await used.json();
    const held = make();
    held.body?.getReader();
    for (const request of [used, held]) expect(await read(await on.endpoint.refresh(request))).toMatchObject(isFault);
    expect(on.faults).toHaveLength(2);
  });

  test('is no matter in cookie mode where it was empty', async () => {
    const on = await stage({ cookie: { allowedOrigins: ['https://app.test'] } });
    const { headers } = await on.endpoint.startSession({ subject: 'ada' });
    const request = new Request('http://localhost/', {
      method: 'POST',
      headers: {
        Origin: 'https://app.test',
        Cookie: headers['Set-Cookie']?.split(';')[0] ?? '',
        'Content-Length': '0',
      },
      body: '',
    });
    await request.text();
    expect((await read(await on.endpoint.refresh(request))).status).toBe(200);
  });

  test('reaches a proxy in the same way', async () => {
    const faults: unknown[] = [];
    const handler = createRefreshProxy({
      upstreamUrl: 'https://id.example.com/',
      onFault: (error) => faults.push(error),
    });
    const serve = toNodeHandler(handler);
    const url = await listen((request, response) => void drain(request).then(() => serve(request, response)));
    expect(await post(url, JSON.stringify({ refreshToken: 'third-party-token' }))).toMatchObject(isFault);
    expect(faults).toHaveLength(1);
    expect((await send(handler, {})).outcome).toBe('AUTH_TOKEN_MISSING');
  });

  test('G17 signs no client out', async () => {
    const on = await stage();
    const serve = toNodeHandler(on.endpoint.refresh);
    const url = await listen((request, response) => void drain(request).then(() => serve(request, response)));
    const session = createTokenSession({
      tokens: { accessToken: 'dead', refreshToken: 'A'.repeat(43), expiresAt: Date.now() - 1_000 },
      retry: false,
      refresh: async ({ tokens, http }) =>
        (await http.post<{ accessToken: string }>(url, { refreshToken: tokens?.refreshToken })).data,
    });
    await expect(session.getAccessToken()).rejects.toMatchObject({ status: 500, kind: 'server', retryable: true });
    expect(session.status).toBe('active');
    session.dispose();
  });
});
