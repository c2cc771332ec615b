/** The packed package, as its users get it: what is in it, how it loads, what it does, how it is typed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { install, pack, remove, temporary, type Consumer, type Tarball } from './consumer.js';
import { errorsOf, expectedErrors, settings, type Resolution } from './typecheck.js';

jest.setTimeout(120_000);

/** Names of the files: the entry points, a subpath adds its own, and what they share. */
const entries = ['index', 'messages', 'react', 'shared/core'];
/** What optional entry points need. */
const optionalPeers = ['react'];
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
    expect(tarball.files).toEqual([...documents, ...built].sort());
  });
});

describe.each([
  ['the latest Axios', 'axios'],
  ['Axios 1.8.4', 'axios-lowest'],
])('installed beside %s', (_, axios) => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await install(tarball, axios, optionalPeers);
  });
  afterAll(() => remove(consumer.folder));

  test('the manifest has no side effects and its dependencies are those of the contract', async () => {
    const path = join(consumer.folder, 'node_modules', 'axios-token-refresh', 'package.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({ type: 'module', sideEffects: false, engines: { node: '>=20' } });
    expect(Object.keys(manifest['dependencies'] ?? {})).toEqual([
      'axios-retry',
      'debug',
      'eventemitter3',
      'jwt-decode',
    ]);
    expect(Object.keys(manifest['peerDependencies'] ?? {})).toEqual(['axios', ...optionalPeers]);
    expect(Object.keys(manifest['peerDependenciesMeta'] ?? {})).toEqual(optionalPeers);
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
    expect(errorsOf(consumer.folder, resolution, 'good.ts')).toEqual([]);
  });

  test('its types hold for `import = require()`', () => {
    expect(errorsOf(consumer.folder, 'nodenext, CommonJS', 'require.cts')).toEqual([]);
  });

  test.each(Object.keys(settings) as Resolution[])('its types refuse misuse under %s', async (resolution) => {
    const lines = expectedErrors(await readFile(join(consumer.folder, 'bad.ts'), 'utf8'));
    expect(lines.length).toBeGreaterThan(10);
    expect(errorsOf(consumer.folder, resolution, 'bad.ts').map(({ line }) => line)).toEqual(lines);
  });
});
