import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import axios from 'axios';
import { adapters, failureOf, gate, server } from '../integration/scene.js';
import type { IngestUrlOptions, SupplyContext } from '../../src/grants/index.js';
import { fakeClock } from '../support/clock.js';
import { ingestOf, lookup } from '../support/ingest.js';
import type { HostnameBody, TokenBody } from '../support/snowflake.js';

const rows = '/v2/streaming/databases/DB/schemas/S/pipes/P/channels/C/rows';
const minute = 60_000;

describe.each(adapters)('G28 a scoped token by exchange, over %s', (adapter) => {
  test('the first call discovers the host, exchanges the JWT, and carries the token', async () => {
    const { snowflake, instance, session, minted } = await ingestOf({ adapter });
    await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ status: 200 });
    const [discovery, exchange] = snowflake.account.seen;
    expect(snowflake.account.seen).toHaveLength(2);
    expect(minted).toHaveLength(1);
    expect(discovery).toMatchObject({
      method: 'GET',
      url: '/v2/streaming/hostname',
      token: minted[0],
      headers: { 'x-snowflake-authorization-token-type': 'KEYPAIR_JWT' },
    });
    expect(exchange).toMatchObject({
      method: 'POST',
      url: '/oauth/token',
      token: minted[0],
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const scope = encodeURIComponent(snowflake.ingestHost);
    expect(String(exchange?.body)).toBe(
      `grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&scope=${scope}`,
    );
    expect(snowflake.ingest.seen.map(({ token }) => token)).toStrictEqual([await session.getAccessToken()]);
  });

  const tokenBodies: TokenBody[] = ['text', 'json string', 'token', 'access_token'];
  test.each(tokenBodies)('a token that comes as %s', async (tokenBody) => {
    const { snowflake, instance } = await ingestOf({ adapter, server: { tokenBody } });
    await instance.post(rows, '{"id":1}');
    await instance.post(rows, '{"id":2}');
    expect(snowflake.counts).toMatchObject({ discoveries: 1, exchanges: 1, rows: 2, unauthorized: 0 });
  });

  const hostnameBodies: HostnameBody[] = ['text', 'json string', 'hostname'];
  test.each(hostnameBodies)('a host name that comes as %s', async (hostnameBody) => {
    const { snowflake, instance } = await ingestOf({ adapter, server: { hostnameBody } });
    await instance.post(rows, '{"id":1}');
    expect(snowflake.counts).toMatchObject({ discoveries: 1, exchanges: 1, rows: 1 });
  });

  test('a role is asked for in the scope and in a header', async () => {
    const { snowflake, instance } = await ingestOf({ adapter, grant: { role: 'LOADER' } });
    await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ data: { role: 'session:role:LOADER' } });
    const { body, headers } = snowflake.account.seen[1] ?? {};
    expect(new URLSearchParams(String(body)).get('scope')).toBe(`${snowflake.ingestHost} session:role:LOADER`);
    expect(headers?.['x-snowflake-role']).toBe('LOADER');
  });

  test('the JWT never reaches the ingest host, nor the scoped token the account', async () => {
    const { snowflake, instance, session, minted } = await ingestOf({ adapter });
    await instance.post(rows, '{"id":1}');
    await session.refresh();
    await instance.post(rows, '{"id":2}');
    const scoped = snowflake.ingest.seen.map(({ token }) => token ?? '');
    const told = (seen: unknown): string => JSON.stringify(seen);
    expect(minted).toHaveLength(2);
    for (const jwt of minted) expect(told(snowflake.ingest.seen)).not.toContain(jwt);
    expect(new Set(scoped).size).toBe(2);
    for (const token of scoped) expect(told(snowflake.account.seen)).not.toContain(token);
  });

  test('another host is an AUTH_SCOPE_MISMATCH, and hears nothing', async () => {
    const other = await server();
    const { snowflake, instance } = await ingestOf({ adapter });
    await instance.post(rows, '{"id":1}');
    const elsewhere = [`${other.url}${rows}`, snowflake.account.url, `http://localhost:${snowflake.ingest.port}/`];
    for (const url of [...elsewhere, 'http://example.com/', 'https://example.com/']) {
      expect(await failureOf(instance.post(url, '{"id":2}'))).toMatchObject({
        code: 'AUTH_SCOPE_MISMATCH',
        message: expect.stringContaining(snowflake.ingestHost) as unknown,
      });
    }
    expect([other.seen.length, snowflake.ingest.seen.length, snowflake.account.seen.length]).toStrictEqual([0, 1, 2]);
  });

  test.each([301, 302, 303, 307, 308])('a %i is followed by neither: account and ingest host alike', async (status) => {
    const other = await server();
    const away = { status, headers: { Location: `${other.url}/collect` } };
    const { snowflake, instance } = await ingestOf({ adapter, session: { retry: false } });
    snowflake.nextDiscoveries.push(away);
    expect(await failureOf(instance.post(rows, '{"id":1}'))).toMatchObject({
      code: 'AUTH_TOKEN_REFRESH_FAILED',
      status,
    });
    snowflake.nextExchanges.push(away);
    const second = await ingestOf({ adapter, session: { retry: false } });
    second.snowflake.nextExchanges.push(away);
    expect(await failureOf(second.instance.post(rows, '{"id":1}'))).toMatchObject({ kind: 'protocol', status });
    const third = await ingestOf({ adapter });
    third.snowflake.ingest.script = () => away;
    expect(await failureOf(third.instance.post(rows, '{"id":1}'))).toMatchObject({ response: { status } });
    expect(other.seen).toHaveLength(0);
  });

  test('the next exchange asks for no host again, and brings a fresh JWT', async () => {
    const { snowflake, instance, session, minted } = await ingestOf({ adapter });
    await instance.post(rows, '{"id":1}');
    await session.refresh();
    expect(snowflake.counts).toMatchObject({ discoveries: 1, exchanges: 2 });
    expect(minted).toHaveLength(2);
  });
});

describe('G28 the ingest host', () => {
  test('underscores in its name become hyphens, in the scope and in the URL', async () => {
    const { snowflake, instance, grant } = await ingestOf({
      server: { ingestName: 'My_Org-My_Account.ingest.localhost' },
      axios: { lookup },
    });
    const host = `my-org-my-account.ingest.localhost:${snowflake.ingest.port}`;
    expect(await grant.getIngestUrl()).toBe(`http://${host}`);
    await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ status: 200 });
    expect(snowflake.ingest.seen[0]?.headers.host).toBe(host);
  });

  test('getIngestUrl asks once, however many want to know, and the session knows it too', async () => {
    const { snowflake, instance, grant } = await ingestOf();
    const urls = await Promise.all(Array.from({ length: 50 }, () => grant.getIngestUrl()));
    expect(new Set(urls)).toEqual(new Set([snowflake.ingest.url]));
    await instance.post(rows, '{"id":1}');
    expect(await grant.getIngestUrl()).toBe(snowflake.ingest.url);
    expect(snowflake.counts).toMatchObject({ discoveries: 1, exchanges: 1 });
  });

  test('getIngestUrl goes through the client that it is given, even the one with the session on it', async () => {
    const { snowflake, instance, grant } = await ingestOf();
    const asked: unknown[] = [];
    instance.interceptors.request.use((config) => {
      asked.push(config.url);
      return config;
    });
    expect(await grant.getIngestUrl({ http: instance })).toBe(snowflake.ingest.url);
    expect(asked).toStrictEqual([`${snowflake.account.url}/v2/streaming/hostname`]);
    expect(snowflake.counts).toMatchObject({ discoveries: 1, exchanges: 0 });
  });

  test('getIngestUrl asks the account, whatever its client makes of absolute URLs', async () => {
    const { snowflake, grant } = await ingestOf();
    const http = axios.create({ baseURL: `${snowflake.ingest.url}/v2`, allowAbsoluteUrls: false });
    expect(await grant.getIngestUrl({ http })).toBe(snowflake.ingest.url);
    expect(snowflake.ingest.seen).toHaveLength(0);
  });

  test.each([302, 307])('getIngestUrl takes the JWT along no %i', async (status) => {
    const other = await server();
    const { snowflake, grant } = await ingestOf();
    snowflake.nextDiscoveries.push({ status, headers: { Location: `${other.url}/collect` } });
    expect(await failureOf(grant.getIngestUrl())).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', status });
    expect(other.seen).toHaveLength(0);
  });

  describe('getIngestUrl gives up after 15 s', () => {
    beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
    afterEach(() => void jest.useRealTimers());

    test('on a JWT that never comes, and may be called again', async () => {
      let sign: () => string | Promise<string> = () => new Promise(() => undefined);
      const { snowflake, grant } = await ingestOf({ grant: { jwt: () => sign() } });
      const asked = failureOf(grant.getIngestUrl());
      await jest.advanceTimersByTimeAsync(15_000);
      expect(await asked).toMatchObject({
        code: 'AUTH_TOKEN_REFRESH_FAILED',
        kind: 'callback',
        retryable: true,
        message: 'Option "jwt" gave no token within 15000 ms.',
      });
      sign = () => snowflake.jwt();
      expect(await grant.getIngestUrl()).toBe(snowflake.ingest.url);
      expect(jest.getTimerCount()).toBe(0);
    });

    test('and the function that makes the JWT hears of it', async () => {
      const signals: AbortSignal[] = [];
      const jwt = ({ signal }: SupplyContext): Promise<string> => {
        signals.push(signal);
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))));
      };
      const { grant } = await ingestOf({ grant: { jwt } });
      const asked = failureOf(grant.getIngestUrl());
      await jest.advanceTimersByTimeAsync(15_000);
      expect(await asked).toMatchObject({ message: 'Option "jwt" gave no token within 15000 ms.' });
      expect(signals.map(({ aborted }) => aborted)).toStrictEqual([true]);
    });

    test.each<readonly [client: string, asked: () => IngestUrlOptions]>([
      ['fetch', () => ({})],
      ['Axios', () => ({ http: axios.create() })],
    ])('on an account that never answers, over %s', async (_, options) => {
      const { snowflake, grant } = await ingestOf();
      const reached = gate<undefined>();
      snowflake.account.script = () => {
        reached.open(undefined);
        return 'silence';
      };
      const asked = failureOf(grant.getIngestUrl(options()));
      await reached.promise;
      await jest.advanceTimersByTimeAsync(15_000);
      expect(await asked).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'timeout', retryable: true });
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  test.each<readonly [what: string, options: unknown, message: string]>([
    ['an unknown option', { frehs: true }, 'Unknown option "frehs" of getIngestUrl'],
    ['a client that is none', { http: 5 }, 'Option "http" of getIngestUrl must be an Axios instance.'],
    ['a word for a flag', { fresh: 'yes' }, 'Option "fresh" of getIngestUrl must be true or false.'],
    ['null', null, 'The options of getIngestUrl must be an object.'],
    ['a string', 'fresh', 'The options of getIngestUrl must be an object.'],
  ])('getIngestUrl refuses %s, though the host is known', async (_, options, message) => {
    const { grant } = await ingestOf();
    await grant.getIngestUrl();
    const error = await failureOf(grant.getIngestUrl(options as IngestUrlOptions));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(message);
  });

  test('a question that failed is asked again', async () => {
    const { snowflake, grant } = await ingestOf();
    snowflake.nextDiscoveries.push({ status: 503 });
    expect(await failureOf(grant.getIngestUrl())).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'server' });
    expect(await grant.getIngestUrl()).toBe(snowflake.ingest.url);
  });

  test('it has moved: the account refuses the old one, names the new one, and the token is for that', async () => {
    const { snowflake, grant, instance, session, minted } = await ingestOf();
    await instance.post(rows, '{"id":1}');
    const before = { ...snowflake.counts };
    snowflake.ingestHost = `localhost:${snowflake.ingest.port}`;
    await session.refresh();
    expect(snowflake.counts.exchanges - before.exchanges).toBe(2);
    expect(snowflake.counts.discoveries - before.discoveries).toBe(1);
    expect(minted).toHaveLength(2);
    expect(await failureOf(instance.post(rows, '{"id":2}'))).toMatchObject({ code: 'AUTH_SCOPE_MISMATCH' });
    instance.defaults.baseURL = await grant.getIngestUrl();
    await expect(instance.post(rows, '{"id":2}')).resolves.toMatchObject({ status: 200 });
  });

  test('a refusal that is not about the host is not asked about twice', async () => {
    const { snowflake, instance, session } = await ingestOf();
    await instance.post(rows, '{"id":1}');
    snowflake.nextExchanges.push({ status: 403, body: { code: '390422', message: 'IP address is not allowed.' } });
    expect(await failureOf(session.refresh())).toMatchObject({ status: 403 });
    expect(snowflake.counts).toMatchObject({ discoveries: 2, exchanges: 2 });
  });

  test('a caller who finds it gone asks for it afresh', async () => {
    const { snowflake, grant, instance, session } = await ingestOf();
    await instance.post(rows, '{"id":1}');
    snowflake.ingestHost = `localhost:${snowflake.ingest.port}`;
    instance.defaults.baseURL = await grant.getIngestUrl({ fresh: true });
    await session.refresh();
    await expect(instance.post(rows, '{"id":2}')).resolves.toMatchObject({ status: 200 });
    expect(snowflake.counts).toMatchObject({ discoveries: 2, exchanges: 2 });
  });

  test.each([
    ['a host elsewhere', 'evil.example.com'],
    ['a Snowflake host that takes no rows', 'other.snowflakecomputing.com'],
    ['a path', 'localhost/collect'],
    ['credentials', 'user@localhost'],
    ['nothing', ''],
    ['a page', '<html><body>Sign in</body></html>'],
    ['a private address', '169.254.169.254'],
  ])('%s is not believed: nothing is exchanged', async (_, name) => {
    const { snowflake, instance } = await ingestOf();
    snowflake.ingestHost = name;
    expect(await failureOf(instance.post(rows, '{"id":1}'))).toMatchObject({ code: 'AUTH_REFRESH_RESPONSE_INVALID' });
    expect(snowflake.counts).toMatchObject({ exchanges: 0, rows: 0 });
  });
});

describe('G28 lifetimes', () => {
  async function expiryOf(server: object, grant: object = {}): Promise<number> {
    const clock = fakeClock();
    const { instance, session } = await ingestOf({
      server: { ...server, now: () => clock.now() },
      grant: { ...grant, clock },
      session: { clock },
    });
    await instance.post(rows, '{"id":1}');
    // The server's clock is known to the second.
    return Math.round(((session.getSnapshot().expiresAt ?? Infinity) - clock.now()) / 1_000) * 1_000;
  }

  test('the exp of a token that is a JWT', async () => {
    expect(await expiryOf({ jwtTokens: true, ttlSeconds: 600, tokenBody: 'access_token' })).toBe(10 * minute);
  });

  test('else expires_in', async () => {
    expect(await expiryOf({ ttlSeconds: 900, tokenBody: 'access_token' })).toBe(15 * minute);
  });

  test('else fifty minutes', async () => {
    expect(await expiryOf({})).toBe(50 * minute);
  });

  test('else the option', async () => {
    expect(await expiryOf({}, { lifetimeMs: 5 * minute })).toBe(5 * minute);
  });

  test('tokens that live for one second are renewed, and no call fails', async () => {
    const clock = fakeClock();
    const { snowflake, instance, minted } = await ingestOf({
      server: { ttlSeconds: 1, tokenBody: 'access_token', now: () => clock.now() },
      grant: { clock },
      session: { clock },
    });
    for (let second = 0; second < 10; second++) {
      await expect(instance.post(rows, '{"id":1}')).resolves.toMatchObject({ status: 200 });
      await clock.advance(1_000);
    }
    expect(snowflake.counts).toMatchObject({ discoveries: 1, exchanges: 10, rows: 10, unauthorized: 0 });
    expect(new Set(minted).size).toBe(10);
  });
});

test('G28 the session stops where it should: nothing is exchanged after a sign-out', async () => {
  const { snowflake, instance, session } = await ingestOf();
  await instance.post(rows, '{"id":1}');
  await session.signOut();
  expect(await failureOf(instance.post(rows, '{"id":2}'))).toMatchObject({ code: 'AUTH_TOKEN_MISSING' });
  expect(snowflake.counts).toMatchObject({ exchanges: 1, rows: 1 });
});

test('G28 a request with credentials of its own is left alone: they go where its URL says, the scoped token does not', async () => {
  const other = await server();
  const { instance } = await ingestOf();
  const url = `${other.url}${rows}`;
  const auth = { username: 'u', password: 'p' };
  await instance.post(url, '{}', { headers: { Authorization: 'Bearer mine' } });
  await instance.post(url, '{}', { auth });
  await instance.post(url.replace('//', '//u:p@'), '{}');
  const basic = `Basic ${btoa('u:p')}`;
  expect(other.seen.map(({ headers }) => headers.authorization)).toStrictEqual(['Bearer mine', basic, basic]);
});
