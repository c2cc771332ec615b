import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { isTokenError, TokenError } from '../../src/index.js';
import { adapters, failureOf } from '../integration/scene.js';
import { keyPairJwt } from '../../examples/grants/key-pair-jwt.js';
import { findIn } from '../support/canaries.js';
import { fakeClock } from '../support/clock.js';
import { ingestOf } from '../support/ingest.js';
import { jwt } from '../support/jwt.js';
import { startServer, type ScriptedAnswer } from '../support/server.js';

const rows = '/v2/streaming/databases/DB/schemas/S/pipes/P/channels/C/rows';
const uuid = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/;
const start = Date.UTC(2026, 0, 1) / 1_000;

describe.each(adapters)('G28 the caller’s JWT is checked before it is sent, over %s', (adapter) => {
  const bad: [string, unknown, string][] = [
    ['no JWT', 'abc', 'AUTH_TOKEN_MALFORMED'],
    [
      'an unsigned JWT',
      `${jwt({ exp: start + 60 })
        .split('.', 2)
        .join('.')}.`,
      'AUTH_TOKEN_MALFORMED',
    ],
    ['claims that are no object', 'e30.WzFd.c2ln', 'AUTH_TOKEN_MALFORMED'],
    ['an exp that is no number', jwt({ exp: 'soon' }), 'AUTH_TOKEN_MALFORMED'],
    ['a header line smuggled in', `${jwt({ exp: start + 60 })}\r\nX-Evil: 1`, 'AUTH_TOKEN_MALFORMED'],
    ['the word Bearer before it', `Bearer ${jwt({ exp: start + 60 })}`, 'AUTH_TOKEN_MALFORMED'],
    ['nothing', undefined, 'AUTH_TOKEN_MALFORMED'],
    ['an object', { jwt: 'abc' }, 'AUTH_TOKEN_MALFORMED'],
    ['a JWT that expires now', jwt({ iat: start - 60, exp: start }), 'AUTH_TOKEN_EXPIRED'],
    ['a JWT that has expired, in milliseconds', jwt({ exp: start * 1_000 - 1 }), 'AUTH_TOKEN_EXPIRED'],
    [
      'a JWT older than the hour that Snowflake grants',
      jwt({ iat: start - 3_600, exp: start + 60 }),
      'AUTH_TOKEN_EXPIRED',
    ],
    ['an iat 61 s ahead', jwt({ iat: start + 61, exp: start + 600 }), 'AUTH_TOKEN_NOT_YET_VALID'],
    ['an nbf 61 s ahead', jwt({ nbf: start + 61, exp: start + 600 }), 'AUTH_TOKEN_NOT_YET_VALID'],
  ];

  test.each(bad)('%s: nothing is sent', async (_, token, code) => {
    const clock = fakeClock();
    const { snowflake, grant, instance, session } = await ingestOf({
      adapter,
      grant: { jwt: () => token as string, clock },
      session: { clock, retry: false },
    });
    const errors = [await failureOf(instance.post(rows, '{"id":1}')), await failureOf(grant.getIngestUrl())];
    for (const error of errors) {
      expect(error).toMatchObject({ name: 'TokenError', code, kind: 'callback' });
      expect(findIn(inspect(error) + JSON.stringify(error), typeof token === 'string' ? [token] : [])).toStrictEqual(
        [],
      );
    }
    expect(session.status).toBe('signed-out');
    expect([snowflake.account.seen.length, snowflake.ingest.seen.length]).toStrictEqual([0, 0]);
  });

  test.each([
    ['an iat 60 s ahead', { iat: start + 60, exp: start + 600 }, {}],
    [
      'an nbf beyond the default, and a tolerance that allows it',
      { nbf: start + 90, exp: start + 600 },
      { clockToleranceMs: 90_000 },
    ],
    ['the last second', { iat: start - 60, exp: start + 1 }, {}],
    ['dates in milliseconds', { iat: start * 1_000, exp: start * 1_000 + 60_000 }, {}],
    ['no dates at all: the server has to say', { sub: 'A.B' }, {}],
  ])('%s: it is sent', async (_, claims, grant) => {
    const clock = fakeClock();
    const { snowflake, instance } = await ingestOf({
      adapter,
      grant: { jwt: jwt(claims), clock, ...grant },
      session: { clock, retry: false },
    });
    await failureOf(instance.post(rows, '{"id":1}'));
    expect(snowflake.account.seen.length).toBeGreaterThan(0);
  });
});

describe('G28 clocks that are off', () => {
  test.each([-600, -61, 61, 600])('a server clock %i s away is learned from its first answer', async (seconds) => {
    const clock = fakeClock();
    const { snowflake, instance, session } = await ingestOf({
      server: { now: () => clock.now() + seconds * 1_000 },
      grant: { clock },
      session: { clock, retry: false },
    });
    expect(await failureOf(instance.post(rows, '{"id":1}'))).toMatchObject({
      status: 401,
      message: expect.stringContaining('394302') as unknown,
    });
    await session.refresh();
    await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ status: 200 });
    expect(snowflake.counts.issued).toBe(1);
  });

  test('an answer whose date is hours old keeps no good JWT back', async () => {
    const clock = fakeClock();
    const { snowflake, instance, session } = await ingestOf({
      server: { now: () => clock.now() },
      grant: { clock, jwt: () => snowflake.jwt(clock.now()) },
      session: { clock, retry: false },
    });
    snowflake.nextDiscoveries.push({ status: 503, headers: { Date: new Date(clock.now() - 7_200_000).toUTCString() } });
    await failureOf(session.refresh());
    await clock.advance(60_000);
    await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ status: 200 });
  });
});

describe.each(adapters)('G28 a refusal is told in full, over %s', (adapter) => {
  const refusals: [string, number, string | object, string, string | undefined][] = [
    [
      '390144',
      401,
      { code: '390144', message: 'JWT token is invalid. [0c6a8f5e-0000-4000-8000-00000000000a]' },
      'JWT token is invalid',
      '0c6a8f5e-0000-4000-8000-00000000000a',
    ],
    [
      '394302',
      401,
      { code: 394302, message: 'JWT_TOKEN_INVALID_ISSUE_TIME' },
      'JWT_TOKEN_INVALID_ISSUE_TIME',
      undefined,
    ],
    [
      '394304',
      401,
      { error_code: '394304', message: 'JWT_TOKEN_INVALID_PUBLIC_KEY_FINGERPRINT_MISMATCH', request_id: 'req-7' },
      'FINGERPRINT_MISMATCH',
      'req-7',
    ],
    ['invalid_scope', 400, { error: 'invalid_scope', error_description: 'No such host.' }, 'No such host', undefined],
    ['390422', 403, '{"code":"390422","message":"IP address is not allowed."}', 'IP address is not allowed', undefined],
  ];

  test.each(refusals)('%s', async (code, status, body, message, requestId) => {
    const { snowflake, instance, session, minted } = await ingestOf({ adapter });
    snowflake.nextExchanges.push({ status, body });
    const error = await failureOf(instance.post(rows, '{"id":1}'));
    expect(error).toMatchObject({ name: 'TokenError', code: 'AUTH_SESSION_EXPIRED', kind: 'refused', status });
    for (const part of [
      code,
      message,
      new URL(snowflake.account.url).host,
      snowflake.ingestHost,
      requestId ?? 'not given',
    ]) {
      expect((error as Error).message).toContain(part);
    }
    expect(isTokenError(error) && error.requestId).toBe(requestId);
    expect(findIn(inspect(error) + JSON.stringify(error) + inspect(session.getSnapshot()), minted)).toStrictEqual([]);
    expect(snowflake.counts).toMatchObject({ exchanges: 1, rows: 0 });
  });

  test('its own headers name the request first', async () => {
    const { snowflake, instance } = await ingestOf({ adapter });
    snowflake.nextExchanges.push({
      status: 401,
      headers: { 'X-Snowflake-Request-Id': 'sf-1', 'X-Request-Id': 'other' },
      body: { code: '390144', message: 'JWT token is invalid.' },
    });
    expect(await failureOf(instance.post(rows, '{"id":1}'))).toMatchObject({ requestId: 'sf-1' });
  });

  test('a key that nobody registered', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const user = { account: 'my_org', user: 'ingester', privateKey };
    const { instance } = await ingestOf({ adapter, grant: { jwt: ({ now }) => keyPairJwt(user, now) } });
    expect(await failureOf(instance.post(rows, '{"id":1}'))).toMatchObject({
      code: 'AUTH_SESSION_EXPIRED',
      requestId: expect.stringMatching(uuid) as unknown,
      message: expect.stringMatching(
        /code 394304, message ".*FINGERPRINT_MISMATCH.*ingest host not known yet/,
      ) as unknown,
    });
  });

  const hostile: [string, (token: string) => ScriptedAnswer][] = [
    ['in its message', (token) => ({ status: 401, body: { code: '390144', message: `Bad token ${token} given` } })],
    ['as its code', (token) => ({ status: 401, body: { code: token, message: 'Bad token' } })],
    ['as its code, cut short', (token) => ({ status: 401, body: { code: token.slice(0, 40), message: 'Bad token' } })],
    ['in parts', (token) => ({ status: 400, body: { code: '1', message: token.replaceAll(/.{14}/g, '$& ') } })],
    ['as the body', (token) => ({ status: 403, body: token })],
    [
      'in a page',
      (token) => ({ status: 403, body: `<html>${token}</html>`, headers: { 'Content-Type': 'text/html' } }),
    ],
  ];
  test.each(hostile)('a server that repeats the JWT %s is not quoted', async (_, answer) => {
    const { snowflake, instance, session, grant, minted } = await ingestOf({ adapter, session: { retry: false } });
    const told: unknown[] = [];
    session.on('event', (event) => told.push(event));
    snowflake.account.script = ({ token = '' }) => answer(token);
    const errors = [await failureOf(instance.post(rows, '{"id":1}')), await failureOf(grant.getIngestUrl())];
    for (const error of errors)
      expect(error).toMatchObject({ name: 'TokenError', status: expect.any(Number) as unknown });
    expect(findIn(inspect([errors, told], { depth: 9 }) + JSON.stringify([errors, told]), minted)).toStrictEqual([]);
  });
});

describe.each(adapters)('G28 what passes is retried, over %s', (adapter) => {
  test.each([429, 500, 503])('a %i of the exchange', async (status) => {
    const { snowflake, instance, minted } = await ingestOf({
      adapter,
      session: { retry: { minDelayMs: 1, maxDelayMs: 1 } },
    });
    snowflake.nextExchanges.push({ status }, { status });
    await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ status: 200 });
    expect(snowflake.counts).toMatchObject({ exchanges: 3, discoveries: 1, rows: 1 });
    expect(minted).toHaveLength(3);
  });

  test.each([404, 429, 503])('a %i that goes on for too long carries the account’s request id', async (status) => {
    const { snowflake, session } = await ingestOf({ adapter, session: { retry: false } });
    const refused = { status, headers: { 'X-Snowflake-Request-Id': 'sf-7' } };
    snowflake.nextDiscoveries.push(refused);
    expect(await failureOf(session.refresh())).toMatchObject({ status, requestId: 'sf-7' });
    const inBody = { status, headers: {}, body: { requestId: 'sf-8' } };
    snowflake.nextExchanges.push(inBody);
    expect(await failureOf(session.refresh())).toMatchObject({ status, requestId: 'sf-8' });
  });

  test('a connection that breaks', async () => {
    const { snowflake, instance } = await ingestOf({ adapter });
    snowflake.nextExchanges.push('reset');
    await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ status: 200 });
    expect(snowflake.counts).toMatchObject({ exchanges: 2, rows: 1 });
  });

  test('a page of HTML in between is no refusal, and names the account', async () => {
    const { snowflake, instance, session } = await ingestOf({ adapter, session: { retry: false } });
    snowflake.nextExchanges.push({
      status: 403,
      headers: { 'Content-Type': 'text/html' },
      body: '<html>Blocked</html>',
    });
    expect(await failureOf(instance.post(rows, '{"id":1}'))).toMatchObject({
      code: 'AUTH_TOKEN_REFRESH_FAILED',
      kind: 'server',
      message: expect.stringContaining(new URL(snowflake.account.url).host) as unknown,
    });
    await session.refresh();
    await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ status: 200 });
  });

  test.each([
    ['an empty body', ''],
    ['spaces', '  \n'],
    ['two words', 'not found'],
    ['a page', '<html></html>'],
    ['JSON that was cut off', '{"token":"abc'],
    ['JSON without a token', { status: 'ok' }],
    ['a token that is no string', { token: 5 }],
    ['null', 'null'],
  ])('an answer without a token: %s', async (_, body) => {
    const { snowflake, instance } = await ingestOf({ adapter, session: { retry: false } });
    snowflake.nextExchanges.push({ body });
    expect(await failureOf(instance.post(rows, '{"id":1}'))).toMatchObject({ code: 'AUTH_REFRESH_RESPONSE_INVALID' });
    expect(snowflake.counts.rows).toBe(0);
  });
});

describe.each(adapters)('G28 a 401 of the ingest host, over %s', (adapter) => {
  test('one exchange more with a fresh JWT, and the call succeeds', async () => {
    const { snowflake, instance, minted } = await ingestOf({ adapter });
    await instance.post(rows, '{"id":1}');
    snowflake.revokeAll();
    await expect(instance.post(rows, '{"id":2}')).resolves.toMatchObject({ status: 200 });
    expect(snowflake.counts).toMatchObject({ exchanges: 2, rows: 2, unauthorized: 1 });
    expect(minted).toHaveLength(2);
  });

  test('a host that refuses every token: at most two exchanges for one request, then its own 401', async () => {
    const { snowflake, instance } = await ingestOf({ adapter });
    snowflake.ingest.script = () => ({ status: 401, body: { code: '390303' } });
    expect(await failureOf(instance.post(rows, '{"id":1}'))).toMatchObject({
      response: { status: 401 },
      cause: { code: 'AUTH_TOKEN_REJECTED' },
    });
    expect(snowflake.counts).toMatchObject({ exchanges: 2 });
    expect(snowflake.ingest.seen).toHaveLength(2);
    await failureOf(instance.post(rows, '{"id":2}'));
    expect(snowflake.counts).toMatchObject({ exchanges: 2 });
  });
});

describe('G28 a request id that the account makes of the JWT is told nowhere', () => {
  const short = `${jwt({ exp: start + 60 })
    .split('.', 2)
    .join('.')}.c2lnbmF0dXJlLWNhbmFyeQ`;

  test.each([
    ['the whole JWT', short],
    ['its signature', 'c2lnbmF0dXJlLWNhbmFyeQ'],
    ['a piece from its beginning', short.slice(0, -4)],
  ])('%s', async (_what, id) => {
    const clock = fakeClock();
    const { snowflake, grant, instance } = await ingestOf({
      grant: { jwt: short, clock },
      session: { clock, retry: false },
    });
    const answers: ScriptedAnswer[] = [
      { status: 401, headers: { 'X-Snowflake-Request-Id': id }, body: {} },
      { status: 401, headers: { 'X-Request-Id': id }, body: {} },
      { status: 401, body: { requestId: id } },
    ];
    const told: unknown[] = [];
    for (const answer of answers) {
      snowflake.nextDiscoveries.push(answer);
      told.push(await failureOf(grant.getIngestUrl({ fresh: true })));
    }
    snowflake.nextExchanges.push(...answers.slice(0, 1));
    told.push(await failureOf(instance.post(rows, '{"id":1}')));
    for (const error of told) {
      expect(error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
      expect(findIn(inspect(error) + JSON.stringify(error), [id])).toStrictEqual([]);
    }
  });
});

test('G28 getIngestUrl tells of a network fault without the request', async () => {
  const gone = await startServer();
  const { grant, minted } = await ingestOf({ grant: { accountUrl: gone.url } });
  await gone.close();
  const error = await failureOf(grant.getIngestUrl());
  expect(error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'network', retryable: true });
  expect(findIn(inspect(error) + JSON.stringify(error), minted)).toStrictEqual([]);
});

describe('G28 getIngestUrl and a function that brings no JWT', () => {
  const secret = 'Hj6dFs2GaX9eUo4TiVwB';

  test.each<readonly [what: string, thrown: unknown, kind: string]>([
    ['an error that quotes a secret', new Error(`vault: ${secret}`), 'callback'],
    ['a fault of the code', new TypeError(`no key ${secret}`), 'callback'],
    [
      'the error of a client',
      { config: { headers: { 'X-Vault-Token': secret } }, response: { status: 503 } },
      'server',
    ],
    ['a string', secret, 'callback'],
    ['null', null, 'callback'],
  ])('tells of %s without the secret', async (_, thrown, kind) => {
    for (const jwt of [
      () => {
        throw thrown;
      },
      async () => {
        await Promise.resolve();
        throw thrown;
      },
    ]) {
      const { grant, snowflake } = await ingestOf({ grant: { jwt } });
      const error = await failureOf(grant.getIngestUrl());
      expect(error).toMatchObject({ name: 'TokenError', code: 'AUTH_TOKEN_REFRESH_FAILED', kind, retryable: true });
      expect(String(error)).toContain('Option "jwt" gave no token');
      expect(findIn(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error), [secret])).toStrictEqual(
        [],
      );
      expect(snowflake.account.seen).toHaveLength(0);
    }
  });

  test('passes a TokenError on', async () => {
    const own = new TokenError('AUTH_TOKEN_MISSING', 'No key is configured.');
    const { grant } = await ingestOf({ grant: { jwt: () => Promise.reject(own) } });
    expect(await failureOf(grant.getIngestUrl())).toBe(own);
  });
});
