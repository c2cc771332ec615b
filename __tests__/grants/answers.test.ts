/** What is made of the answers. */
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import {
  readJsonRefreshResponse,
  readSnowflakeHostname,
  readSnowflakeToken,
  readTokenResponse,
} from '../../src/grants/index.js';
import { jwt } from '../support/jwt.js';
import { thrown } from '../support/stage.js';

const invalid = { name: 'TokenError', code: 'AUTH_REFRESH_RESPONSE_INVALID', kind: 'protocol' };
const nothing = [
  undefined,
  null,
  '',
  'abc',
  5,
  true,
  [],
  {},
  '[]',
  '{}',
  'null',
  { access_token: '' },
  { access_token: 5 },
  { token: null },
];

describe('a token endpoint’s answer (RFC 6749, section 5.1)', () => {
  test.each<readonly [answer: unknown, tokens: object]>([
    [{ access_token: 'a' }, { accessToken: 'a' }],
    ['{"access_token":"a"}', { accessToken: 'a' }],
    [
      { access_token: 'a', token_type: 'Bearer', expires_in: 3600 },
      { accessToken: 'a', expiresIn: 3600 },
    ],
    [
      { access_token: 'a', token_type: 'bearer', expires_in: '3600' },
      { accessToken: 'a', expiresIn: 3600 },
    ],
    [
      { access_token: 'a', token_type: 'BEARER', refresh_token: 'r' },
      { accessToken: 'a', refreshToken: 'r' },
    ],
    [{ access_token: 'a', refresh_token: '', expires_in: null, token_type: null }, { accessToken: 'a' }],
    [
      { access_token: 'a', expires_in: 0 },
      { accessToken: 'a', expiresIn: 0 },
    ],
    [{ access_token: 'a', token_type: '' }, { accessToken: 'a' }],
    [{ access_token: 'a', expires_in: 'soon' }, { accessToken: 'a' }],
    [{ access_token: 'a', expires_in: '' }, { accessToken: 'a' }],
    [
      { access_token: 'a', expires_in: -1, refresh_token: 'r' },
      { accessToken: 'a', refreshToken: 'r' },
    ],
    [{ access_token: 'a', expires_in: Infinity }, { accessToken: 'a' }],
    [{ access_token: 'a', expires_in: {} }, { accessToken: 'a' }],
  ])('%j', (answer, tokens) => {
    expect(readTokenResponse(answer)).toEqual(tokens);
  });

  test.each([...nothing, { access_token: 'a', token_type: 'DPoP' }, { access_token: 'a', token_type: 'N_A' }])(
    'refuses %j',
    (answer) => {
      expect(thrown(() => readTokenResponse(answer))).toMatchObject(invalid);
    },
  );

  test('may be of other types than Bearer where they are listed', () => {
    const [answer, types] = [{ access_token: 'a', token_type: 'n_a' }, ['Bearer', 'N_A']];
    expect(readTokenResponse(answer, types)).toEqual({ accessToken: 'a' });
    expect(thrown(() => readTokenResponse({ ...answer, token_type: 'mac' }, types))).toMatchObject({
      ...invalid,
      message: 'The answer is no use: its "token_type" ("mac") is not Bearer or N_A.',
    });
  });

  test('an OAuth error that comes with status 200 is the refusal that it means', () => {
    expect(thrown(() => readTokenResponse({ error: 'bad_refresh_token', error_description: 'secret' }))).toMatchObject({
      code: 'AUTH_SESSION_EXPIRED',
      kind: 'refused',
      message: 'The token endpoint answered with an error ("bad_refresh_token").',
    });
    expect(thrown(() => readTokenResponse('{"error":"temporarily_unavailable"}'))).toMatchObject({
      code: 'AUTH_TOKEN_REFRESH_FAILED',
    });
  });

  test.each([
    ['a JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl'],
    ['a UUID without hyphens', '0c6a8f5e00004000800000000000000a'],
    ['hexadecimal', '8f3c2a9d77e14b0c9f1e'],
    ['base 32', 'JBSWY3DPEHPK3PXP'],
    ['letters and digits', 'Hj6dFs2GaX9eUo4TiVwB'],
    ['letters of both cases', 'kQzWmPbVxNrT'],
    ['nine characters', 'R1secretA'],
  ])('G24: what could be a token is not quoted: %s', (_, secret) => {
    for (const answer of [{ access_token: 'a', token_type: secret }, { error: secret }, secret]) {
      expect(inspect(thrown(() => readTokenResponse(answer)))).not.toContain(secret.slice(0, 9));
    }
  });

  test.each(['invalid_grant', 'temporarily_unavailable', 'ACCESS_DENIED', 'E1017'])(
    'a word that is none is quoted: %s',
    (word) => {
      const errors = [{ access_token: 'a', token_type: word }, { error: word }].map((answer) =>
        thrown(() => readTokenResponse(answer)),
      );
      for (const error of errors) expect(String(error)).toContain(`("${word}")`);
    },
  );
});

describe('a JSON back end’s answer', () => {
  const url = '/refresh-token';

  test.each<readonly [answer: unknown, tokens: object]>([
    [{ accessToken: 'a' }, { accessToken: 'a' }],
    ['{"accessToken":"a","refreshToken":"r"}', { accessToken: 'a', refreshToken: 'r' }],
    [
      { accessToken: 'a', expiresIn: '60', expiresAt: 5 },
      { accessToken: 'a', expiresIn: 60, expiresAt: 5 },
    ],
    [
      { accessToken: 'a', refreshToken: 'r', expiresIn: 'soon', expiresAt: '2026-01-01T00:00:00Z' },
      { accessToken: 'a', refreshToken: 'r' },
    ],
  ])('%j', (answer, tokens) => {
    expect(readJsonRefreshResponse({ url }, answer)).toEqual(tokens);
  });

  test.each(nothing)('refuses %j', (answer) => {
    expect(thrown(() => readJsonRefreshResponse({ url }, answer))).toMatchObject(invalid);
  });

  test('is read by the option response, parsed', () => {
    const seen: unknown[] = [];
    const response = (body: unknown): string => {
      seen.push(body);
      return 'token';
    };
    expect(readJsonRefreshResponse({ url, response }, '{"jwt":"a"}')).toBe('token');
    expect(seen).toStrictEqual([{ jwt: 'a' }]);
  });
});

describe('a scoped token', () => {
  const ingestUrl = 'https://x.ingest.aws.snowflakecomputing.com';
  const withExp = jwt({ exp: 2e9, iat: 1.9e9 });
  const audience = [ingestUrl];

  test.each<readonly [answer: unknown, tokens: object]>([
    ['ver:1-hint:5-abc', { accessToken: 'ver:1-hint:5-abc', expiresIn: 3_000 }],
    ['  abc\n', { accessToken: 'abc', expiresIn: 3_000 }],
    ['"abc"', { accessToken: 'abc', expiresIn: 3_000 }],
    ['12345678901234567890', { accessToken: '12345678901234567890', expiresIn: 3_000 }],
    ['{"token":"abc"}', { accessToken: 'abc', expiresIn: 3_000 }],
    [
      { access_token: 'abc', expires_in: '900' },
      { accessToken: 'abc', expiresIn: 900 },
    ],
    [
      { access_token: 'abc', expires_in: 'soon' },
      { accessToken: 'abc', expiresIn: 3_000 },
    ],
    [{ token: withExp, expires_in: 900 }, { accessToken: withExp }],
    [withExp, { accessToken: withExp }],
    [jwt({ sub: 'A.B' }), { expiresIn: 3_000 }],
  ])('%j', (answer, tokens) => {
    expect(readSnowflakeToken({ ingestUrl }, answer)).toMatchObject({ ...tokens, audience });
    expect('expiresIn' in readSnowflakeToken({ ingestUrl }, answer)).toBe('expiresIn' in tokens);
  });

  test('lives as long as the option says where nothing else does', () => {
    expect(readSnowflakeToken({ ingestUrl, lifetimeMs: 60_000 }, 'abc')).toMatchObject({ expiresIn: 60 });
  });

  test.each([
    ...nothing.filter((answer) => answer !== 'abc' && answer !== 'null'),
    'not found',
    '<html></html>',
    '{"token":"abc',
    '["abc"]',
    { token: 'a b' },
    { token: 'a\r\nX-Evil: 1' },
  ])('refuses %j', (answer) => {
    expect(thrown(() => readSnowflakeToken({ ingestUrl }, answer))).toMatchObject(invalid);
  });
});

describe('an ingest host', () => {
  const accountUrl = 'https://myorg-my_account.snowflakecomputing.com';
  const local = 'http://127.0.0.1:8080';

  test.each<readonly [account: object, answer: unknown, url: string]>([
    [{ accountUrl }, 'x.ingest.aws.snowflakecomputing.com', 'https://x.ingest.aws.snowflakecomputing.com'],
    [{ accountUrl }, '"My_Org.ingest.aws.snowflakecomputing.com"', 'https://my-org.ingest.aws.snowflakecomputing.com'],
    [
      { accountUrl },
      { hostname: ' a_b.ingest.x.snowflakecomputing.cn\n' },
      'https://a-b.ingest.x.snowflakecomputing.cn',
    ],
    [{ accountUrl, hosts: ['in.example.com:8443'] }, 'in.example.com:8443', 'https://in.example.com:8443'],
    [
      { accountUrl: 'https://sf.example.com', hosts: ['sf.example.com'] },
      'x.ingest.aws.snowflakecomputing.com',
      'https://x.ingest.aws.snowflakecomputing.com',
    ],
    [{ accountUrl: local }, 'localhost:9090', 'http://localhost:9090'],
    [{ accountUrl: local }, 'x.ingest.aws.snowflakecomputing.com', 'https://x.ingest.aws.snowflakecomputing.com'],
    [{ accountUrl: 'https://localhost:8443' }, '127.0.0.1:9090', 'https://127.0.0.1:9090'],
  ])('%j names %j', (account, answer, url) => {
    expect(readSnowflakeHostname(account as { accountUrl: string }, answer)).toBe(url);
  });

  test.each([
    undefined,
    '',
    5,
    {},
    { hostname: 5 },
    { hostname: ['x.ingest.aws.snowflakecomputing.com'] },
    'x.aws.snowflakecomputing.com',
    'ingest.evil.com',
    'x.ingest.aws.snowflakecomputing.com.evil.com',
    'x.ingest.aws.evilsnowflakecomputing.com',
    'x.ingest.aws.snowflakecomputing.com:8443',
    'x.ingest.aws.snowflakecomputing.com.',
    'x.ingest.aws.snowflakecomputing.com/collect',
    'x.ingest.aws.snowflakecomputing.com#',
    'evil.com\\@x.ingest.aws.snowflakecomputing.com',
    'a@x.ingest.aws.snowflakecomputing.com',
    'https://x.ingest.aws.snowflakecomputing.com',
    '-x.ingest.aws.snowflakecomputing.com',
    'localhost',
    '127.0.0.1:8080',
    '[::1]:8080',
    '0x7f.1',
    '169.254.169.254',
    'snowflakecomputing.com',
    'х.ingest.aws.snowflakecomputing.com',
    `${'a'.repeat(64)}.ingest.snowflakecomputing.com`,
    `${'a.'.repeat(130)}ingest.snowflakecomputing.com`,
  ])('a real account may not name %j', (answer) => {
    expect(thrown(() => readSnowflakeHostname({ accountUrl }, answer))).toMatchObject(invalid);
  });
});
