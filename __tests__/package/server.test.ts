/** The server half of the packed package, as its users get it. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { install, pack, remove, temporary, type Consumer } from './consumer.js';
import { errorsOf } from './typecheck.js';

jest.setTimeout(120_000);

const exported = [
  'AuthError',
  'createAccessTokenVerifier',
  'createRefreshEndpoint',
  'createRefreshProxy',
  'generateSigningKey',
  'isTokenExpiringSoon',
  'memberstackUpstream',
  'memoryRefreshStore',
  'postgresRefreshStore',
  'requireAccessToken',
  'sqlRefreshStore',
  'sqliteRefreshStore',
  'toExpress',
  'toNodeHandler',
];

describe('axios-token-refresh/server, installed beside jose and rate-limiter-flexible', () => {
  let folder: string;
  let consumer: Consumer;
  beforeAll(async () => {
    folder = await temporary();
    // Kysely is there for its types alone: nothing below opens a database.
    consumer = await install(await pack(folder), 'axios', ['jose', 'kysely', 'rate-limiter-flexible']);
  });
  afterAll(async () => {
    await remove(consumer.folder);
    await remove(folder);
  });

  test.each(['server.mjs', 'server.cjs'])('%s loads it, and a session is refreshed', async (fixture) => {
    expect(await consumer.run(fixture)).toEqual({
      exports: exported,
      me: { subject: 'ada' },
      refused: 'AUTH_TOKEN_INVALID',
    });
  });

  test.each(['nodenext, ESM', 'nodenext, CommonJS'] as const)(
    'its types hold under %s, libraries checked',
    (resolution) => {
      expect(errorsOf(consumer.folder, resolution, 'server-good.ts')).toStrictEqual([]);
    },
  );
});
