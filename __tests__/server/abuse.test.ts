/** What attackers and broken clients send, and what they get: a 4xx in one shape, and nothing changed. */
import { createConnection } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { toNodeHandler, type RefreshEndpointOptions } from '../../src/server/index.js';
import { minute, read, second, send, stage, type Stage } from './support/stage.js';

const shape = {
  error: { code: expect.stringMatching(/^AUTH_/), message: expect.any(String), requestId: expect.any(String) },
};

describe('a request that is none', () => {
  const token = 'A'.repeat(43);
  const json = JSON.stringify({ refreshToken: token });
  const cases: [name: string, body: string | Uint8Array, headers: Record<string, string>, status: number][] = [
    ['with a body over 8 kB', JSON.stringify({ refreshToken: 'A'.repeat(9_000) }), {}, 413],
    ['that says it is longer than it is', json, { 'Content-Length': '9999999' }, 413],
    ['with a form', `refreshToken=${token}`, { 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
    ['with plain text, which a page of any origin may send', json, { 'Content-Type': 'text/plain' }, 415],
    ['with two types', json, { 'Content-Type': 'application/json, text/plain' }, 415],
    ['with a type that only begins like JSON', json, { 'Content-Type': 'application/jsonx' }, 415],
    ['in another alphabet', json, { 'Content-Type': 'application/json; charset=utf-16' }, 415],
    ['with a coded body', json, { 'Content-Encoding': 'gzip' }, 415],
    ['with broken JSON', '{"refreshToken":', {}, 400],
    ['with JSON that is no object', JSON.stringify([token]), {}, 400],
    ['with null', 'null', {}, 400],
    ['with bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), {}, 400],
    ['that would pollute a prototype', `{"refreshToken":"${token}","__proto__":{"admin":true}}`, {}, 400],
    ['that would pollute it by the constructor', `{"refreshToken":"${token}","constructor":{}}`, {}, 400],
  ];

  test.each(cases)('%s', async (_, body, headers, status) => {
    const on = await stage();
    const answer = await send(on.endpoint.refresh, body, { headers });
    expect(answer).toMatchObject({ status, outcome: 'AUTH_REQUEST_INVALID', body: shape });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(on.events()).toStrictEqual(['refused']);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('admin');
  });

  test.each([
    ['nothing', undefined],
    ['an empty object', {}],
    ['an empty token', { refreshToken: '' }],
    ['a number', { refreshToken: 5 }],
    ['a list of tokens', { refreshToken: [token] }],
    ['a token under another name', { refresh_token: token }],
    ['a token of the prototype', JSON.parse('{"toString":1}') as object],
  ])('without a token: %s', async (_, body) => {
    const on = await stage();
    expect(await send(on.endpoint.refresh, body)).toMatchObject({ status: 400, outcome: 'AUTH_TOKEN_MISSING' });
  });

  test('by another method', async () => {
    const on = await stage();
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await send(on.endpoint.refresh, undefined, {
        method,
        headers: { 'X-HTTP-Method-Override': 'POST' },
      });
      expect(answer).toMatchObject({ status: 405, outcome: 'AUTH_REQUEST_INVALID' });
      expect(answer.headers.get('allow')).toBe('POST');
    }
  });

  test('a token that a request for nothing carries is not used up by it', async () => {
    const on = await stage();
    const { refreshToken } = await on.signIn();
    await send(on.endpoint.refresh, { refreshToken, __proto__: null, constructor: 1 });
    await send(on.endpoint.refresh, { refreshToken }, { headers: { 'Content-Type': 'text/plain' } });
    on.clock.advance(minute);
    expect((await on.refresh(refreshToken)).status).toBe(200);
  });
});

describe('over a socket', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  async function raw(on: Stage, text: string): Promise<string> {
    const server = createServer(toNodeHandler(on.endpoint.refresh));
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.write(text);
    await once(socket, 'close');
    return answer;
  }

  const head =
    'POST /auth/refresh-token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n';

  test('a chunked body that never says its length is cut off at 8 kB', async () => {
    const on = await stage();
    const chunk = `1000\r\n${'a'.repeat(4096)}\r\n`;
    const answer = await raw(on, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(4)}0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*AUTH_REQUEST_INVALID/s);
  });

  test('a body that goes on for ever after its answer is cut off', async () => {
    const on = await stage();
    const server = createServer(toNodeHandler(on.endpoint.refresh));
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.write(`${head.replace('Connection: close\r\n', '')}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`;
    socket.write(chunk);
    await once(socket, 'data');
    let sent = 0;
    for (; !socket.closed && sent < 2_000; sent += 1) {
      socket.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(socket.closed).toBe(true);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('a length and a chunked body together, as smugglers send them, do not reach the endpoint', async () => {
    const on = await stage();
    const answer = await raw(on, `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(on.events()).toStrictEqual([]);
  });

  test('a request whose sender has reset the connection is dropped: its address is gone, and no limit may be', async () => {
    const on = await stage({ limits: { byIp: { points: 5, durationMs: minute }, byFamily: false } });
    const serve = toNodeHandler(on.endpoint.refresh);
    const dropped: boolean[] = [];
    const waitsForTheReset: RequestListener = (request, response) => {
      request.socket.once('close', () => {
        serve(request, response);
        setTimeout(() => dropped.push(request.destroyed && !response.headersSent));
      });
    };
    const body = JSON.stringify({ refreshToken: 'A'.repeat(43) });
    const whole = `${head.replace('close', 'keep-alive')}Content-Length: ${body.length}\r\n\r\n${body}`;
    for (const listener of [waitsForTheReset, serve]) {
      const server = createServer(listener);
      servers.push(server);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      for (let time = 0; time < 10; time += 1) {
        const socket = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
        socket.write(whole.repeat(listener === serve ? 100 : 1), () => socket.resetAndDestroy());
        await Promise.all([once(socket, 'close'), once(server, 'request')]);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    expect(new Set(dropped)).toEqual(new Set([true]));
    expect(on.told.filter(({ ip }) => ip === undefined)).toStrictEqual([]);
    expect(on.told.length).toBeLessThanOrEqual(6);
  });

  test('over a Unix socket no address is known, and requests are answered', async () => {
    const on = await stage();
    const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-socket-'));
    const server = createServer(toNodeHandler(on.endpoint.refresh));
    servers.push(server);
    await once(server.listen(join(folder, 'http')), 'listening');
    const socket = createConnection(join(folder, 'http'));
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.write(`${head}Content-Length: 2\r\n\r\n{}`);
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*AUTH_TOKEN_MISSING/s);
    expect(on.told).toMatchObject([{ event: 'refused', ip: undefined }]);
    rmSync(folder, { recursive: true });
  });

  test('a method that a web-standard request cannot have is limited and recorded as any other that is not taken', async () => {
    const on = await stage({ limits: { byIp: { points: 1, durationMs: minute }, byFamily: false } });
    const text = 'TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect(await raw(on, text)).toMatch(/^HTTP\/1\.1 405 .*allow: POST\r\n.*AUTH_REQUEST_INVALID/is);
    expect(await raw(on, text)).toMatch(/^HTTP\/1\.1 429 /);
    expect(on.told).toMatchObject([
      { event: 'refused', ip: '127.0.0.1' },
      { event: 'limited', ip: '127.0.0.1' },
    ]);
  });

  test('methods, targets and hosts out of this world are answered', async () => {
    const on = await stage();
    const rest = 'Connection: close\r\nContent-Length: 0\r\n\r\n';
    for (const line of [
      'TRACE / HTTP/1.1',
      'POST //evil.test/%00%ff HTTP/1.1',
      'POST http://evil.test/ HTTP/1.1',
      'POST * HTTP/1.1',
    ])
      expect(await raw(on, `${line}\r\nHost: evil.test@x:99999\r\n${rest}`)).toMatch(
        /^HTTP\/1\.1 4\d\d .*"code":"AUTH_/s,
      );
  });
});

describe('the id of a request', () => {
  test('is the caller’s own if it is a plain word, else a new one, and stands in the answer and in the audit', async () => {
    const on = await stage();
    const ask = async (id: string): Promise<string> => {
      const answer = await on.refresh('A'.repeat(43), { headers: { 'X-Request-Id': id } });
      expect(answer.headers.get('x-request-id')).toBe(answer.body.error?.requestId);
      expect(on.told.at(-1)?.requestId).toBe(answer.body.error?.requestId);
      return answer.body.error?.requestId ?? '';
    };
    expect(await ask('req-7f/3')).toBe('req-7f/3');
    for (const odd of ['two words', '<script>', 'x'.repeat(200), '"', ''])
      expect(await ask(odd)).toMatch(/^[\da-f-]{36}$/);
  });
});

describe('the limit by address', () => {
  const limits = { byIp: { points: 3, durationMs: minute }, byFamily: false } as const;
  const from = (peerAddress: string, forwarded?: string): object => ({
    connection: { peerAddress },
    ...(forwarded !== undefined && { headers: { 'X-Forwarded-For': forwarded } }),
  });
  const tries = async (
    options: Partial<RefreshEndpointOptions>,
    sent: readonly object[],
  ): Promise<(string | number)[]> => {
    const on = await stage({ limits, ...options });
    const outcomes: (string | number)[] = [];
    for (const each of sent) outcomes.push((await on.refresh('A'.repeat(43), each)).outcome);
    return outcomes;
  };
  const [no, limited] = ['AUTH_TOKEN_INVALID', 'AUTH_RATE_LIMITED'];

  test('answers 429 with the time to wait, and tells the audit once', async () => {
    const on = await stage({ limits });
    const ask = () => on.refresh('A'.repeat(43), from('192.0.2.1'));
    for (let time = 0; time < 3; time += 1) expect((await ask()).outcome).toBe(no);
    for (let time = 0; time < 5; time += 1) {
      const answer = await ask();
      expect(answer).toMatchObject({ status: 429, outcome: limited, body: shape });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    }
    expect(on.events()).toStrictEqual(['refused', 'refused', 'refused', 'limited']);
    expect((await on.refresh('A'.repeat(43), from('192.0.2.2'))).outcome).toBe(no);
  });

  test('is not evaded by an invented X-Forwarded-For', async () => {
    const sent = [1, 2, 3, 4].map((last) => from('192.0.2.1', `203.0.113.${last}`));
    expect(await tries({}, sent)).toStrictEqual([no, no, no, limited]);
    expect(await tries({ trustedProxies: ['10.0.0.0/8'] }, sent)).toStrictEqual([no, no, no, limited]);
  });

  test('counts the client of a trusted proxy, and believes the proxy alone', async () => {
    const options = { trustedProxies: ['10.0.0.0/8', '::1'] };
    const sent = (ips: readonly string[]): object[] => ips.map((ip) => from('10.1.2.3', ip));
    expect(await tries(options, sent(['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4']))).toStrictEqual([
      no,
      no,
      no,
      no,
    ]);
    // What stands further left was written by the client.
    const lies = [1, 2, 3, 4].map((last) => `203.0.113.${last}, 198.51.100.1, 10.9.9.9`);
    expect(await tries(options, sent(lies))).toStrictEqual([no, no, no, limited]);
    const ports = ['198.51.100.1', '198.51.100.1:80', ' 198.51.100.1 ', '[::ffff:198.51.100.1]:443'];
    expect(await tries(options, sent(ports))).toStrictEqual([no, no, no, limited]);
  });

  test('nonsense from a trusted proxy is a 400, not someone’s address', async () => {
    const on = await stage({ trustedProxies: ['10.0.0.0/8'] });
    for (const forwarded of ['unknown', '198.51.100.1, x', '', ',', "1.2.3.4' or 1=1"])
      expect(await on.refresh('A'.repeat(43), from('10.0.0.1', forwarded))).toMatchObject({
        status: 400,
        outcome: 'AUTH_REQUEST_INVALID',
      });
  });

  test('counts an IPv6 network as one, and IPv4 in IPv6 clothes as IPv4', async () => {
    const network = ['2001:db8:1:100::1', '2001:db8:1:1ff::2', '2001:0db8:0001:0123:4:5:6:7', '2001:db8:1:142::'];
    expect(
      await tries(
        {},
        network.map((ip) => from(ip)),
      ),
    ).toStrictEqual([no, no, no, limited]);
    const others = ['2001:db8:1:100::1', '2001:db8:1:200::1', '2001:db8:2:100::1', '::1'];
    expect(
      await tries(
        {},
        others.map((ip) => from(ip)),
      ),
    ).toStrictEqual([no, no, no, no]);
    const same = ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:192.0.2.1', '192.0.2.1'];
    expect(
      await tries(
        {},
        same.map((ip) => from(ip)),
      ),
    ).toStrictEqual([no, no, no, limited]);
  });

  test.each([
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/ ',
    '10.0.0.0/8/16',
    'proxy.internal',
    '10.0.0.0/x',
    '::/129',
    '10.0.0/8',
  ])('does not trust %s, and says so when the endpoint is made', async (network) => {
    await expect(stage({ trustedProxies: [network] })).rejects.toThrow('Option "trustedProxies"');
  });
});

describe('the limit by session', () => {
  test('holds over all addresses, and the token is not used up by what was turned down', async () => {
    const on = await stage({ limits: { byIp: false, byFamily: { points: 2, durationMs: minute } } });
    const other = await on.signIn();
    let { refreshToken } = await on.signIn();
    for (let time = 0; time < 2; time += 1) refreshToken = (await on.refresh(refreshToken)).body.refreshToken ?? '';
    on.clock.advance(11 * second);
    expect(await on.refresh(refreshToken)).toMatchObject({ status: 429, outcome: 'AUTH_RATE_LIMITED' });
    expect(on.told.at(-1)).toMatchObject({ event: 'limited', subject: 'ada', code: 'AUTH_RATE_LIMITED' });
    expect((await on.refresh(other.refreshToken)).status).toBe(200);
    expect((await on.signOut(refreshToken)).status).toBe(204);
  });

  test('does not hide that an old token came back: a thief may use it up', async () => {
    const on = await stage({ limits: { byIp: false, byFamily: { points: 2, durationMs: minute } } });
    const { refreshToken: old } = await on.signIn();
    let refreshToken: string | undefined = old;
    for (let time = 0; time < 2; time += 1) refreshToken = (await on.refresh(refreshToken)).body.refreshToken;
    expect((await on.refresh(refreshToken)).outcome).toBe('AUTH_RATE_LIMITED');
    expect((await on.refresh(old)).outcome).toBe('AUTH_TOKEN_REUSED');
    expect((await on.refresh(old)).outcome).toBe('AUTH_RATE_LIMITED');
    on.clock.advance(minute);
    expect((await on.endpoint.auditTrail({})).filter(({ event }) => event === 'reused')).toHaveLength(1);
  });

  test('a limiter that never answers is out of order, too', async () => {
    const hung = { consume: () => new Promise(() => undefined) };
    const on = await stage({ limits: { byIp: hung, byFamily: false } });
    jest.useFakeTimers();
    try {
      const answer = on.refresh('A'.repeat(43), { connection: { peerAddress: '192.0.2.9' } });
      await jest.advanceTimersByTimeAsync(minute);
      expect((await answer).outcome).toBe('AUTH_TOKEN_INVALID');
    } finally {
      jest.useRealTimers();
    }
    expect(on.faults).toHaveLength(1);
  });

  test('a limiter that is out of order is told of, and each process counts for itself meanwhile', async () => {
    const down = { consume: () => Promise.reject(new Error('redis is down')) };
    const on = await stage({ limits: { byIp: down, byFamily: false } });
    const outcomes: (string | number)[] = [];
    for (let time = 0; time < 61; time += 1)
      outcomes.push((await on.refresh('A'.repeat(43), { connection: { peerAddress: '192.0.2.9' } })).outcome);
    expect(outcomes.filter((outcome) => outcome === 'AUTH_TOKEN_INVALID')).toHaveLength(60);
    expect(outcomes.at(-1)).toBe('AUTH_RATE_LIMITED');
    expect(on.faults).toHaveLength(61);
  });
});

describe('over HTTP', () => {
  test('cookies that a middleware has set stay beside that of the session', async () => {
    const on = await stage({ cookie: { allowedOrigins: ['https://app.test'] } });
    const { headers } = await on.endpoint.startSession({ subject: 'ada' });
    const serve = toNodeHandler(on.endpoint.refresh);
    for (const earlier of ['csrf=1', ['csrf=1', 'theme=dark']]) {
      const server = createServer((request, response) => {
        response.setHeader('Set-Cookie', earlier).setHeader('Vary', 'Origin');
        serve(request, response);
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
        method: 'POST',
        headers: { Origin: 'https://app.test', Cookie: headers['Set-Cookie']?.split(';')[0] ?? '' },
      });
      const names = answer.headers.getSetCookie().map((cookie) => cookie.split('=')[0]);
      expect(names).toStrictEqual([...[earlier].flat().map((cookie) => cookie.split('=')[0]), '__Host-refresh']);
      expect(answer.headers.get('vary')).toBe('Origin');
      server.close().closeAllConnections();
    }
  });

  test('of version 2 it is the same, with the adapter on the compatible API of Node', async () => {
    const on = await stage();
    const { refreshToken } = await on.signIn();
    const serve = toNodeHandler(on.endpoint.refresh);
    const server = createHttp2Server((request, response) => serve(request as never, response as never));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const request = client.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/json' });
    request.end(JSON.stringify({ refreshToken }));
    const [headers] = (await once(request, 'response')) as [Record<string, unknown>];
    expect(headers).toMatchObject({ ':status': 200, 'cache-control': 'no-store' });
    request.close();
    client.close();
    server.close();
  });

  test('an answer of the endpoint has the same shape', async () => {
    const on = await stage();
    const server = createServer(toNodeHandler(on.endpoint.refresh));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const headers = { 'Content-Type': 'application/json' };
    const { refreshToken } = await on.signIn();
    const yes = await read(await fetch(url, { method: 'POST', headers, body: JSON.stringify({ refreshToken }) }));
    expect(yes).toMatchObject({ status: 200, body: { expiresIn: 900 } });
    expect(yes.headers.get('cache-control')).toBe('no-store');
    expect(on.told.at(-1)).toMatchObject({ ip: '127.0.0.1', userAgent: 'node' });
    const no = await read(await fetch(url, { method: 'POST', headers, body: 'x'.repeat(100_000) }));
    expect(no).toMatchObject({ status: 413, body: shape });
    server.close().closeAllConnections();
  });
});
