/** The packed package, as its users get it: what is in it, how it loads, what it does, how it is typed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { install, pack, remove, temporary, type Consumer, type Tarball } from './consumer.js';
import { errorsOf, expectedErrors, settings, type Resolution } from './typecheck.js';

jest.setTimeout(120_000);

/** Names of the files: the entry points, a subpath adds its own, and what they share. */
const entries = [
  'audit',
  'browser',
  'grants',
  'index',
  'messages',
  'react',
  'redis',
  'reporters',
  'server',
  'shared/core',
  'testing',
];
/** What optional entry points need. */
const optionalPeers = ['jose', 'kysely', 'libsql', 'pino', 'rate-limiter-flexible', 'react'];
const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
const exported = [
  'TokenError',
  'createTokenSession',
  'decodeToken',
  'installTokenRefresh',
  'isTokenError',
  'isTokenExpiringSoon',
  'memoryStore',
];

const exportedByGrants = [
  'clientCredentialsGrant',
  'clientCredentialsRequest',
  'jsonRefresh',
  'jsonRefreshRequest',
  'jwtBearerGrant',
  'jwtBearerRequest',
  'readJsonRefreshResponse',
  'readSnowflakeHostname',
  'readSnowflakeToken',
  'readTokenResponse',
  'refreshTokenGrant',
  'refreshTokenRequest',
  'snowflakeHostnameRequest',
  'snowflakeTokenExchange',
  'snowflakeTokenRequest',
  'tokenExchangeGrant',
  'tokenExchangeRequest',
];

let folder: string;
let tarball: Tarball;
beforeAll(async () => {
  folder = await temporary();
  tarball = await pack(folder);
});
afterAll(() => remove(folder));

describe('the tarball', () => {
  test('holds the built entry points and the documents, nothing else', () => {
    const built = entries.flatMap((name) => ['cjs', 'd.cts', 'd.ts', 'js'].map((end) => `dist/${name}.${end}`));
    expect(tarball.files).toStrictEqual([...documents, ...built].sort());
  });
});

test('npm installs it beside any version of what only its optional entry points need', async () => {
  const others = {
    jose: '4.15.9',
    kysely: '0.26.3',
    libsql: '0.4.7',
    pino: '9.14.0',
    'rate-limiter-flexible': '4.0.1',
    react: '17.0.2',
  };
  expect(Object.keys(others)).toEqual(optionalPeers);
  const consumer = await install(tarball, 'axios', [], others);
  expect(await consumer.run('import.mjs')).toMatchObject({ exports: exported, status: 200 });
  await remove(consumer.folder);
});

describe.each([
  ['the latest Axios', 'axios'],
  ['Axios 1.8.4', 'axios-lowest'],
])('installed beside %s', (_, axios) => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await install(tarball, axios, ['react']);
  });
  afterAll(() => remove(consumer.folder));

  test('the manifest has no side effects and its dependencies are those of the contract', async () => {
    const path = join(consumer.folder, 'node_modules', 'axios-token-refresh', 'package.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({ type: 'module', sideEffects: false, engines: { node: '>=20' } });
    expect(Object.keys(manifest['dependencies'] ?? {})).toStrictEqual([
      'axios-retry',
      'debug',
      'eventemitter3',
      'jwt-decode',
    ]);
    expect(Object.keys(manifest['peerDependencies'] ?? {})).toStrictEqual(['axios', ...optionalPeers]);
    const optional = Object.fromEntries(optionalPeers.map((name) => [name, { optional: true }]));
    expect(manifest['peerDependenciesMeta']).toEqual(optional);
  });

  test('each entry point has its types where TypeScript reads no `exports`, too', async () => {
    const path = join(consumer.folder, 'node_modules', 'axios-token-refresh', 'package.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    const subpaths = entries.filter((name) => name !== 'index' && !name.startsWith('shared/'));
    const types = Object.fromEntries(subpaths.map((name) => [name, [`./dist/${name}.d.ts`]]));
    expect(manifest).toMatchObject({ types: './dist/index.d.ts', typesVersions: { '*': types } });
  });

  test.each(['import.mjs', 'require.cjs'])('%s loads it and keeps requests going', async (fixture) => {
    expect(await consumer.run(fixture)).toEqual({
      exports: exported,
      refused: {
        isAxiosError: true,
        status: 401,
        isTokenError: true,
        kind: 'server',
        causeStatus: 503,
      },
      status: 200,
      untouched: 401,
      replayed: 200,
      refreshes: 3,
      replays: 1,
    });
  });

  test.each(['grants-import.mjs', 'grants-require.cjs'])('%s loads the grants, and one refreshes', async (fixture) => {
    expect(await consumer.run(fixture)).toEqual({
      exports: exportedByGrants,
      status: 200,
      form: 'grant_type=client_credentials',
      misuse: 'TypeError',
      refusal: 'AUTH_SESSION_EXPIRED',
    });
  });

  test.each(['stores-import.mjs', 'stores-require.cjs'])(
    '%s loads the Redis store and the contract',
    async (fixture) => {
      expect(await consumer.run(fixture)).toEqual({
        redis: ['redisStore'],
        testing: ['tokenStoreContract'],
        misuse: ['TypeError', 'TypeError'],
        isGlobal: false,
        kept: true,
        broken: true,
      });
    },
  );

  test.each(['browser-import.mjs', 'browser-require.cjs'])('%s loads the store of the tabs', async (fixture) => {
    expect(await consumer.run(fixture)).toEqual({
      exports: ['browserStore'],
      token: 'token-1',
      status: 'active',
      faults: ['INDEXED_DB_UNAVAILABLE', 'WEB_LOCKS_UNAVAILABLE'],
    });
  });

  test('its other entry points load by import and by require; Node’s only with pino beside them', async () => {
    const reporters = ['httpAudit', 'openTelemetryReporter', 'pinoReporter', 'posthogReporter', 'sentryReporter'];
    const withoutPino = {
      imported: { reporters, audit: 'ERR_MODULE_NOT_FOUND' },
      required: { reporters, audit: 'MODULE_NOT_FOUND' },
    };
    expect(await consumer.run('subpaths.mjs')).toEqual(withoutPino);
    await consumer.provide('pino');
    const audit = ['fileAudit', 'readAudit'];
    const everything = { imported: { reporters, audit }, required: { reporters, audit } };
    expect(await consumer.run('subpaths.mjs')).toEqual(everything);
    expect(await consumer.run('audit.mjs')).toEqual({ imported: ['success'], required: ['success'] });
  });

  test.each(['react.mjs', 'react.cjs'])('%s loads the hook, on a server', async (fixture) => {
    expect(await consumer.run(fixture)).toEqual({ exports: ['useTokenSession'], misuse: 'TypeError' });
  });

  test.each(['messages.mjs', 'messages.cjs'])('%s loads the messages', async (fixture) => {
    expect(await consumer.run(fixture)).toEqual({
      exports: ['describeError', 'english'],
      described: ['sign-in', 'Your session has ended. Please sign in again.'],
    });
  });

  test('the two copies in one process know each other’s errors', async () => {
    expect(await consumer.run('both.mjs')).toEqual({
      distinct: true,
      requiredInImported: true,
      importedInRequired: true,
      otherCode: false,
      otherError: false,
    });
  });

  test('files that are no entry point cannot be reached', async () => {
    expect(await consumer.run('unlisted.mjs')).toEqual({ outcome: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
  });

  test.each(Object.keys(settings) as Resolution[])('its types hold under %s, libraries checked', (resolution) => {
    expect(errorsOf(consumer.folder, resolution, 'good.ts')).toStrictEqual([]);
  });

  test.each(Object.keys(settings) as Resolution[])(
    'the types of its other entry points hold under %s',
    (resolution) => {
      expect(errorsOf(consumer.folder, resolution, 'subpaths.ts')).toStrictEqual([]);
    },
  );

  test('its types hold for `import = require()`', () => {
    expect(errorsOf(consumer.folder, 'nodenext, CommonJS', 'require.cts')).toStrictEqual([]);
  });

  test.each(Object.keys(settings) as Resolution[])('its types refuse misuse under %s', async (resolution) => {
    const lines = expectedErrors(await readFile(join(consumer.folder, 'bad.ts'), 'utf8'));
    expect(lines.length).toBeGreaterThan(10);
    expect(errorsOf(consumer.folder, resolution, 'bad.ts').map(({ line }) => line)).toEqual(lines);
  });
});
