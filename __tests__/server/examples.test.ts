/** The examples, run as their readers would run them, over the built package. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import axios, { type AxiosResponse } from 'axios';
import { installTokenRefresh, type TokenSet } from '../../src/index.js';

const root = join(__dirname, '..', '..');
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = ends.pop(); end; end = ends.pop()) await end();
});

interface Example {
  readonly url: string;
  /** What it has printed after its address: the audit trail. */
  readonly lines: string[];
}

async function run(framework: string): Promise<Example> {
  const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-example-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const main = join(root, 'examples', 'server', 'main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', main, framework, '0', join(folder, 'sessions.db')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ends.push(async () => {
    const exited = once(child, 'exit');
    child.kill();
    await exited;
  });
  const lines: string[] = [];
  const output = createInterface(child.stdout);
  const [first] = (await once(output, 'line')) as [string];
  output.on('line', (line) => lines.push(line));
  return { url: first.replace('listening on ', ''), lines };
}

type Told = AxiosResponse<{ error?: { code: string } }>;
const outcome = ({ status, data }: Told): unknown[] => [status, data.error?.code];

describe.each(['express', 'fastify', 'hono'])('the example for %s', (framework) => {
  test('signs in, serves, refreshes, refuses, signs out', async () => {
    const { url, lines } = await run(framework);
    const plain = axios.create({ baseURL: url, validateStatus: () => true });
    const held: (string | undefined)[] = [];
    const api = axios.create({ baseURL: url });
    const session = installTokenRefresh(api, {
      refresh: async ({ tokens, http }) => {
        const { data } = await http.post<TokenSet>('/auth/refresh-token', { refreshToken: tokens?.refreshToken });
        held.push(data.refreshToken);
        return data;
      },
    });
    ends.push(() => session.dispose());
    await session.setTokens((await plain.post<TokenSet>('/sign-in', { subject: 'ada' })).data);
    await session.refresh();
    expect((await api.get<unknown>('/me')).data).toEqual({ subject: 'ada' });

    expect(outcome(await plain.get('/me', { headers: { Authorization: 'Bearer x' } }))).toStrictEqual([
      401,
      'AUTH_TOKEN_INVALID',
    ]);
    const post = (body: unknown, headers = {}): Promise<Told> => plain.post('/auth/refresh-token', body, { headers });
    expect(outcome(await post({ refreshToken: 'x' }))).toStrictEqual([401, 'AUTH_TOKEN_INVALID']);
    expect(outcome(await post({}))).toStrictEqual([400, 'AUTH_TOKEN_MISSING']);
    expect(outcome(await post('a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }))).toStrictEqual([
      415,
      'AUTH_REQUEST_INVALID',
    ]);
    const type = { 'Content-Type': 'application/json' };
    expect(outcome(await post('{"refreshToken":', type))).toStrictEqual([400, 'AUTH_REQUEST_INVALID']);
    expect(outcome(await post({ refreshToken: 'x'.repeat(9_000) }))).toStrictEqual([413, 'AUTH_REQUEST_INVALID']);
    const bare: AxiosResponse<{ error?: object }> = await plain.get('/me', { headers: { 'X-Request-Id': 'r-1' } });
    expect(bare).toMatchObject({ status: 401, data: { error: { code: 'AUTH_TOKEN_MISSING', requestId: 'r-1' } } });
    expect(bare.headers['www-authenticate']).toBe('Bearer');
    expect((await plain.get<{ keys: unknown[] }>('/jwks.json')).data.keys).toHaveLength(1);

    expect((await plain.post('/auth/sign-out', { refreshToken: held.at(-1) })).status).toBe(204);
    await expect(session.refresh()).rejects.toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    const records = lines.map((line) => JSON.parse(line) as { event: string; ip?: string });
    expect(records.slice(0, 2)).toMatchObject([
      { event: 'issued', ip: '127.0.0.1' },
      { event: 'refreshed', ip: '127.0.0.1' },
    ]);
  });
});

test('what hooks of Fastify have set goes along with an answer past it: a page on another origin could not read a 401', async () => {
  const script = `
    import fastify from 'fastify';
    import { rawReply } from './examples/server/fastify.ts';
    const app = fastify();
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('Access-Control-Allow-Origin', 'https://app.test').header('Vary', ['Origin', 'Accept']);
    });
    app.get('/', (_request, reply) => void rawReply(reply.hijack()).writeHead(401).end());
    const { statusCode, headers } = await app.inject('/');
    console.log(JSON.stringify({ statusCode, headers }));
  `;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: root,
  });
  expect(JSON.parse(stdout)).toMatchObject({
    statusCode: 401,
    headers: { 'access-control-allow-origin': 'https://app.test', vary: ['Origin', 'Accept'] },
  });
});
