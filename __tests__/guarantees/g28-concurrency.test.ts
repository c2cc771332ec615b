import { Agent } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import axios, { type CreateAxiosDefaults } from 'axios';
import { snowflakeTokenExchange } from '../../src/grants/index.js';
import { createTokenSession, installTokenRefresh } from '../../src/index.js';
import { adapters, afterwards, failureOf } from '../integration/scene.js';
import { fakeClock } from '../support/clock.js';
import { ingestOf, lookup, type Ingest, type IngestOptions } from '../support/ingest.js';
import { startSnowflake } from '../support/snowflake.js';
import { nth } from '../properties/world.js';

const rows = '/v2/streaming/databases/DB/schemas/S/pipes/P/channels/C/rows';
/** For a thousand calls at once: few connections, and no hurry. */
const many = (): CreateAxiosDefaults => ({ timeout: 0, httpAgent: new Agent({ keepAlive: true, maxSockets: 20 }) });
/** On a clock that stands still no attempt is overdue, however slow the machine. */
function patient(): IngestOptions {
  const clock = fakeClock();
  return { server: { now: () => clock.now() }, grant: { clock }, session: { clock, retry: false } };
}
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe.each(adapters)('G28 concurrency, over %s', (adapter) => {
  test('a thousand calls at expiry: one exchange', async () => {
    const clock = fakeClock();
    const { snowflake, instance, minted } = await ingestOf({
      adapter,
      server: { ttlSeconds: 60, tokenBody: 'access_token', now: () => clock.now() },
      grant: { clock },
      session: { clock, retry: false },
      axios: many(),
    });
    await instance.post(rows, '{"id":0}');
    await clock.advance(60_000);
    const answers = await Promise.all(times(1_000, (id) => instance.post(rows, JSON.stringify({ id }))));
    expect(answers).toHaveLength(1_000);
    expect(snowflake.counts).toEqual({ discoveries: 1, exchanges: 2, issued: 2, rows: 1_001, unauthorized: 0 });
    expect(minted).toHaveLength(2);
  });

  test('two hundred calls with a token that was revoked: one exchange', async () => {
    const { snowflake, instance } = await ingestOf({ adapter, ...patient(), axios: many() });
    await instance.post(rows, '{"id":0}');
    snowflake.revokeAll();
    await Promise.all(times(200, (id) => instance.post(rows, JSON.stringify({ id }))));
    expect(snowflake.counts).toMatchObject({ exchanges: 2, issued: 2, rows: 201 });
  });

  test('a thousand calls and a refusal: one exchange, and each hears of it', async () => {
    const { snowflake, instance } = await ingestOf({ adapter, ...patient(), axios: many() });
    snowflake.nextExchanges.push({ status: 401, body: { code: '390144', message: 'JWT token is invalid.' } });
    const errors = await Promise.all(times(1_000, () => failureOf(instance.post(rows, '{}'))));
    expect(errors.every((error) => (error as Error).message.includes('390144'))).toBe(true);
    expect(snowflake.counts).toMatchObject({ exchanges: 1, rows: 0 });
  });
});

describe('G28 sessions side by side', () => {
  /** Tokens of an ingest host’s requests, by the session that sent them. */
  const tokensOf = ({ snowflake }: Ingest): string[] => snowflake.ingest.seen.map(({ token }) => token ?? '');

  test('several accounts never share a token', async () => {
    const all = await Promise.all(times(5, (index) => ingestOf({ server: { account: `org_${index}` } })));
    for (let round = 0; round < 3; round++) {
      await Promise.all(all.flatMap(({ instance }) => times(10, (id) => instance.post(rows, { id }))));
      await Promise.all(all.map(({ session }) => session.refresh()));
    }
    const tokens = all.map((one) => new Set(tokensOf(one)));
    expect(tokens.map(({ size }) => size)).toStrictEqual([3, 3, 3, 3, 3]);
    expect(new Set(tokens.flatMap((set) => [...set])).size).toBe(15);
    for (const { snowflake } of all) expect(snowflake.counts).toMatchObject({ exchanges: 4, unauthorized: 0 });
  });

  test('several roles of one account never share a token', async () => {
    const snowflake = await startSnowflake();
    afterwards(() => snowflake.close());
    const roles = ['LOADER', 'AUDITOR', undefined];
    const instances = roles.map((role) => {
      const instance = axios.create({ baseURL: snowflake.ingest.url });
      const grant = snowflakeTokenExchange({
        accountUrl: snowflake.account.url,
        jwt: ({ now }) => snowflake.jwt(now),
        ...(role !== undefined && { role }),
      });
      const session = installTokenRefresh(instance, grant);
      afterwards(() => session.dispose());
      return instance;
    });
    const answers = await Promise.all(
      times(60, (index) => nth(instances, index % 3).post<{ role?: string }>(rows, { index })),
    );
    answers.forEach((answer, index) => {
      const role = roles[index % 3];
      expect(answer.data.role).toBe(role && `session:role:${role}`);
    });
    expect(snowflake.counts).toMatchObject({ exchanges: 3, issued: 3, unauthorized: 0 });
  });

  test('one grant under two sessions makes a token for each', async () => {
    const { snowflake, grant, instance, session } = await ingestOf();
    const other = createTokenSession(grant);
    afterwards(() => other.dispose());
    await instance.post(rows, '{}');
    expect(await other.getAccessToken()).not.toBe(await session.getAccessToken());
    expect(snowflake.counts).toMatchObject({ discoveries: 1, exchanges: 2 });
  });

  test('a session takes its token to no host of another, though both are known', async () => {
    const [one, other] = await Promise.all([
      ingestOf({ server: { ingestName: 'one.localhost' }, axios: { lookup } }),
      ingestOf({ server: { ingestName: 'other.localhost' }, axios: { lookup } }),
    ]);
    await Promise.all([one.instance.post(rows, '{}'), other.instance.post(rows, '{}')]);
    const stray = one.instance.post(`http://${other.snowflake.ingestHost}${rows}`, '{}');
    expect(await failureOf(stray)).toMatchObject({ code: 'AUTH_SCOPE_MISMATCH' });
    expect(tokensOf(other)).toHaveLength(1);
  });
});
