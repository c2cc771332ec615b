/** Misuse of a grant is told at once, by the name of the option. */
import { describe, expect, test } from '@jest/globals';
import {
  clientCredentialsGrant,
  clientCredentialsRequest,
  jsonRefresh,
  jwtBearerGrant,
  refreshTokenGrant,
  snowflakeTokenExchange,
  tokenExchangeGrant,
} from '../../src/grants/index.js';
import { createTokenSession, type TokenSessionOptions } from '../../src/index.js';
import { thrown } from '../support/stage.js';

type Make = (options: never) => TokenSessionOptions;

const tokenEndpoint = 'https://login.example.com/token';
const accountUrl = 'https://myorg-myaccount.snowflakecomputing.com';
const client = { tokenEndpoint, clientId: 'app', clientSecret: 'secret' };
const grants: readonly (readonly [name: string, make: Make, right: object])[] = [
  ['refreshTokenGrant', refreshTokenGrant, { tokenEndpoint, clientId: 'app' }],
  ['clientCredentialsGrant', clientCredentialsGrant, client],
  ['jwtBearerGrant', jwtBearerGrant, { tokenEndpoint, assertion: 'a.b.c' }],
  ['tokenExchangeGrant', tokenExchangeGrant, { ...client, subjectToken: 'token' }],
  ['jsonRefresh', jsonRefresh, { url: '/refresh-token' }],
  ['snowflakeTokenExchange', snowflakeTokenExchange, { accountUrl, jwt: 'a.b.c' }],
];

const withClient = ['refreshTokenGrant', 'clientCredentialsGrant', 'jwtBearerGrant', 'tokenExchangeGrant'];
const insecure = [
  null,
  5,
  '',
  'login.example.com',
  '/token',
  '//login.example.com/token',
  'http://login.example.com/token',
  'http://192.168.0.1/token',
  'ftp://login.example.com/token',
  'https://app:secret@login.example.com/token',
  'https://login.example.com/token#top',
  'javascript:alert(1)',
  'https:login.example.com/token',
  'https:/login.example.com/token',
  'https:\\\\login.example.com/token',
];

/** Some parser or other finds a host or a scheme in them. */
const notOnlyPaths = [
  '/\\evil.example.com/refresh',
  '\\\\evil.example.com/refresh',
  ' //evil.example.com/refresh',
  '\t//evil.example.com/refresh',
  '/\n/evil.example.com/refresh',
  '/\u007f/evil.example.com',
  '/refresh token',
  '/refresh\u00a0token',
  'https://login.example.com /refresh',
  'data:text/plain,a',
  'blob:https://evil.example.com/1',
];

/** What an option must not be, by grant. */
const misuse: readonly (readonly [grants: readonly string[], option: string, values: readonly unknown[]])[] = [
  [withClient, 'tokenEndpoint', insecure],
  [withClient, 'clientId', [null, '', 5]],
  [withClient, 'clientSecret', [null, '', 5]],
  [withClient, 'authentication', [null, '', 'basic', 'private_key_jwt']],
  [withClient, 'scope', [null, '', ['a']]],
  [
    withClient,
    'parameters',
    [null, 'a', [], { audience: 5 }, { scope: 'a' }, { client_secret: 'a' }, { grant_type: 'x' }, { a: ['b', 5] }],
  ],
  [['jwtBearerGrant'], 'assertion', [null, '', 5, {}]],
  [['tokenExchangeGrant'], 'subjectToken', [null, '', 5, {}]],
  [['tokenExchangeGrant'], 'actorToken', [null, '', 5, {}]],
  [['tokenExchangeGrant'], 'requestedTokenType', [null, '', 5]],
  [
    ['jwtBearerGrant', 'tokenExchangeGrant', 'snowflakeTokenExchange'],
    'clockToleranceMs',
    [null, -1, NaN, Infinity, '60'],
  ],
  [['jwtBearerGrant', 'tokenExchangeGrant', 'snowflakeTokenExchange'], 'clock', [null, 5, {}, { now: 5 }]],
  [['jsonRefresh'], 'url', [null, '', 5, ...insecure.slice(5), ...notOnlyPaths]],
  [['jsonRefresh'], 'request', [null, {}, 'a']],
  [['jsonRefresh'], 'response', [null, {}, 'a']],
  [['jsonRefresh'], 'cookie', [null, 1, 'true']],
  [['jsonRefresh'], 'headers', [null, 'a', [], { 'X-App': 5 }]],
  [
    ['snowflakeTokenExchange'],
    'accountUrl',
    [
      null,
      5,
      '',
      'myorg.snowflakecomputing.com',
      'http://myorg.snowflakecomputing.com',
      'https://example.com',
      'https://snowflakecomputing.com.evil.com',
      'https://evilsnowflakecomputing.com',
      'https://a:b@myorg.snowflakecomputing.com',
      `${accountUrl}/path`,
      `${accountUrl}?a`,
      `${accountUrl}#a`,
      `${accountUrl}:8443`,
      'ws://localhost',
    ],
  ],
  [['snowflakeTokenExchange'], 'jwt', [null, '', 5, {}]],
  [['snowflakeTokenExchange'], 'role', [null, '', 5, 'TWO WORDS', 'A\r\nB']],
  [
    ['snowflakeTokenExchange'],
    'hosts',
    [null, 'a', [5], ['*.example.com'], ['https://example.com'], ['example.com/path'], ['']],
  ],
  [['snowflakeTokenExchange'], 'lifetimeMs', [null, 0, -1, NaN, Infinity, '5']],
];

describe.each(grants)('%s', (name, make, right) => {
  test('takes what is right, and makes the options of a session', () => {
    const session = createTokenSession({ ...make(right as never) });
    expect(session.status).toBe('signed-out');
    session.dispose();
  });

  test.each(
    misuse
      .filter(([names]) => names.includes(name))
      .flatMap(([, option, values]) => values.map((value) => [option, value] as const)),
  )('refuses %s: %j', (option, value) => {
    const error = thrown(() => make({ ...right, [option]: value } as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(`"${option}"`);
    expect(String(error)).toContain(name);
  });

  test('refuses an option that it does not know, and names those that it does', () => {
    const error = thrown(() => make({ ...right, tokenURL: 'a' } as never));
    expect(String(error)).toMatch(/TypeError.*"tokenURL".*Known: /);
  });

  test.each(Object.keys(right).filter((option) => option !== 'clientSecret'))('misses %s', (option) => {
    const error = thrown(() => make({ ...right, [option]: undefined } as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(
      option === 'clientId' && name === 'tokenExchangeGrant' ? 'clientId' : `"${option}"`,
    );
  });

  test.each([undefined, null, 'https://login.example.com', []])('refuses %j instead of options', (options) => {
    expect(thrown(() => make(options as never))).toBeInstanceOf(TypeError);
  });

  test('is not misled by a polluted prototype', () => {
    Object.assign(Object.prototype, {
      clientSecret: 'polluted',
      scope: 'polluted',
      hosts: ['evil.example.com'],
      cookie: true,
    });
    try {
      make(right as never);
      expect(clientCredentialsRequest(client).body).not.toContain('polluted');
      expect(thrown(() => snowflakeTokenExchange({ accountUrl: 'https://evil.example.com', jwt: 'a' }))).toBeInstanceOf(
        TypeError,
      );
    } finally {
      for (const key of ['clientSecret', 'scope', 'hosts', 'cookie']) Reflect.deleteProperty(Object.prototype, key);
    }
  });
});

test.each([
  '/refresh-token',
  'refresh-token',
  'v1/token:refresh?key=a:b//c',
  '/erneuern/über',
  'https://login.example.com:8443/refresh?a=b',
  'HTTPS://login.example.com/refresh',
  'http://localhost:8080/refresh',
])('jsonRefresh takes the url %s', (url) => {
  expect(jsonRefresh({ url })).toMatchObject({ refresh: expect.any(Function) as unknown });
});

describe('options that do not go together', () => {
  test.each<readonly [what: string, make: () => unknown, option: string]>([
    ['a secret that is not used', () => refreshTokenGrant({ ...client, authentication: 'none' }), 'clientSecret'],
    [
      'a secret that is not there',
      () => refreshTokenGrant({ tokenEndpoint, clientId: 'app', authentication: 'client_secret_post' }),
      'clientSecret',
    ],
    [
      'a secret without an id',
      () => jwtBearerGrant({ tokenEndpoint, clientSecret: 'secret', assertion: 'a' }),
      'clientId',
    ],
    [
      'client credentials without a secret',
      () => clientCredentialsGrant({ tokenEndpoint, clientId: 'app' }),
      'clientSecret',
    ],
    ['a body beside the cookie', () => jsonRefresh({ url: '/a', cookie: true, request: () => ({}) }), 'request'],
  ])('%s', (_, make, option) => {
    const error = thrown(make);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(`"${option}"`);
  });
});

test('what starts from nothing says so, and nothing else does', () => {
  expect(grants.map(([name, make, right]) => [name, make(right as never).whenMissing])).toStrictEqual([
    ['refreshTokenGrant', undefined],
    ['clientCredentialsGrant', 'refresh'],
    ['jwtBearerGrant', 'refresh'],
    ['tokenExchangeGrant', 'refresh'],
    ['jsonRefresh', undefined],
    ['snowflakeTokenExchange', 'refresh'],
  ]);
  expect(jsonRefresh({ url: '/refresh', cookie: true }).whenMissing).toBe('refresh');
});
