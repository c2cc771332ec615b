/** What the grants ask for, to the byte. */
import { describe, expect, test } from '@jest/globals';
import {
  clientCredentialsRequest,
  jsonRefreshRequest,
  jwtBearerRequest,
  refreshTokenRequest,
  snowflakeHostnameRequest,
  snowflakeTokenRequest,
  tokenExchangeRequest,
  type GrantRequest,
} from '../../src/grants/index.js';
import { isTokenError } from '../../src/index.js';
import { thrown } from '../support/stage.js';

const tokenEndpoint = 'https://login.example.com/oauth2/token?tenant=7';
const fieldsOf = ({ body }: GrantRequest): [string, string][] => [...new URLSearchParams(body)];
const basicOf = ({ headers }: GrantRequest): string => atob(String(headers['Authorization']).replace('Basic ', ''));

describe('the form of each grant', () => {
  const client = { tokenEndpoint, clientId: 'app', clientSecret: 'secret' };

  test.each<readonly [grant: string, request: GrantRequest, fields: readonly (readonly [string, string])[]]>([
    [
      'refresh token (RFC 6749, section 6)',
      refreshTokenRequest({ tokenEndpoint, clientId: 'app', scope: 'a b' }, 'r+1'),
      [
        ['grant_type', 'refresh_token'],
        ['refresh_token', 'r+1'],
        ['scope', 'a b'],
        ['client_id', 'app'],
      ],
    ],
    [
      'client credentials (RFC 6749, section 4.4)',
      clientCredentialsRequest({ ...client, parameters: { audience: 'x', resource: ['https://a/', 'https://b/'] } }),
      [
        ['grant_type', 'client_credentials'],
        ['audience', 'x'],
        ['resource', 'https://a/'],
        ['resource', 'https://b/'],
      ],
    ],
    [
      'client credentials of a client that TLS proves',
      clientCredentialsRequest({ tokenEndpoint, clientId: 'app', authentication: 'none' }),
      [
        ['grant_type', 'client_credentials'],
        ['client_id', 'app'],
      ],
    ],
    [
      'JWT bearer (RFC 7523, section 2.1)',
      jwtBearerRequest({ tokenEndpoint, scope: 'a' }, 'a.b.c'),
      [
        ['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
        ['assertion', 'a.b.c'],
        ['scope', 'a'],
      ],
    ],
    [
      'token exchange (RFC 8693, section 2.1)',
      tokenExchangeRequest(client, { subjectToken: 's' }),
      [
        ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        ['subject_token', 's'],
        ['subject_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
      ],
    ],
    [
      'token exchange with an actor and types',
      tokenExchangeRequest(
        { ...client, subjectTokenType: 'urn:x:s', actorTokenType: 'urn:x:a', requestedTokenType: 'urn:x:r' },
        { subjectToken: 's', actorToken: 'a' },
      ),
      [
        ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        ['subject_token', 's'],
        ['subject_token_type', 'urn:x:s'],
        ['actor_token', 'a'],
        ['actor_token_type', 'urn:x:a'],
        ['requested_token_type', 'urn:x:r'],
      ],
    ],
  ])('%s', (_, request, fields) => {
    expect(fieldsOf(request)).toEqual(fields);
    expect(request).toMatchObject({
      method: 'POST',
      url: tokenEndpoint,
      headers: { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' },
    });
  });
});

describe('how a client proves who it is (RFC 6749, section 2.3.1)', () => {
  test('client_secret_basic is the default with a secret: header, and nothing in the body', () => {
    const request = clientCredentialsRequest({ tokenEndpoint, clientId: 'app', clientSecret: 'secret' });
    expect(basicOf(request)).toBe('app:secret');
    expect(request.body).toBe('grant_type=client_credentials');
  });

  test('client_secret_post: body, and no header', () => {
    const client = {
      tokenEndpoint,
      clientId: 'app',
      clientSecret: 's&=+ü',
      authentication: 'client_secret_post',
    } as const;
    const request = clientCredentialsRequest(client);
    expect(request.body).toBe('grant_type=client_credentials&client_id=app&client_secret=s%26%3D%2B%C3%BC');
    expect(request.headers).not.toHaveProperty('Authorization');
  });

  test('none: the id alone', () => {
    const request = refreshTokenRequest({ tokenEndpoint, clientId: 'app' }, 'r');
    expect(request.body).toBe('grant_type=refresh_token&refresh_token=r&client_id=app');
    expect(request.headers).not.toHaveProperty('Authorization');
  });

  test.each([
    // The example of RFC 6749, appendix B.
    [' %&+£€', '+%25%26%2B%C2%A3%E2%82%AC'],
    ['plain-id_1.example~', 'plain-id_1.example~'],
    ['id:with:colons', 'id%3Awith%3Acolons'],
    ["(!*')", '%28%21%2A%27%29'],
    ['a b+c', 'a+b%2Bc'],
    ['😀', '%F0%9F%98%80'],
  ])('client_secret_basic encodes %j', (raw, encoded) => {
    const request = clientCredentialsRequest({ tokenEndpoint, clientId: raw, clientSecret: raw });
    expect(basicOf(request)).toBe(`${encoded}:${encoded}`);
    expect([...new URLSearchParams(`v=${encoded}`)]).toStrictEqual([['v', raw]]);
  });
});

describe('jsonRefreshRequest', () => {
  const url = 'https://api.example.com/refresh-token';
  const tokens = { accessToken: 'a', refreshToken: 'r' };

  test('sends the refresh token as JSON', () => {
    expect(jsonRefreshRequest({ url }, tokens)).toEqual({
      method: 'POST',
      url,
      headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: '{"refreshToken":"r"}',
    });
  });

  test('sends what the back end wants', () => {
    const request = jsonRefreshRequest(
      { url, request: (held) => ({ refresh: held?.refreshToken }), headers: { 'X-App': '1' } },
      tokens,
    );
    expect(request).toMatchObject({ body: '{"refresh":"r"}', headers: { 'X-App': '1' } });
    expect(jsonRefreshRequest({ url, request: () => undefined }, tokens)).not.toHaveProperty('body');
  });

  test.each([
    ['a promise', () => Promise.resolve({ refresh: 'r' })],
    ['a promise that is rejected', () => Promise.reject(new Error('no'))],
  ])(
    'sends no body that is %s: it would be an empty object, and the refusal would end the session',
    async (_, request) => {
      expect(() => jsonRefreshRequest({ url, request }, tokens)).toThrow(
        new TypeError('jsonRefresh: option "request" must return the body itself, not a promise of it.'),
      );
      // A rejection that nobody handles would end the process.
      await new Promise((resolve) => setImmediate(resolve));
    },
  );

  test('sends no body in cookie mode, and lets cookies go along', () => {
    expect(jsonRefreshRequest({ url, cookie: true }, tokens)).toEqual({
      method: 'POST',
      url,
      headers: { Accept: 'application/json' },
      credentials: 'include',
    });
  });

  test.each([undefined, { accessToken: 'a' }])('ends the session of %j: nothing to refresh with', (held) => {
    expect(
      isTokenError(
        thrown(() => jsonRefreshRequest({ url }, held)),
        'AUTH_SESSION_EXPIRED',
      ),
    ).toBe(true);
  });
});

describe('the requests to Snowflake', () => {
  const accountUrl = 'https://myorg-my_account.snowflakecomputing.com';
  const ingestUrl = 'https://x.ingest.aws.snowflakecomputing.com';

  test('the host name', () => {
    expect(snowflakeHostnameRequest({ accountUrl }, 'a.b.c')).toEqual({
      method: 'GET',
      url: `${accountUrl}/v2/streaming/hostname`,
      headers: {
        Accept: 'application/json, text/plain',
        Authorization: 'Bearer a.b.c',
        'X-Snowflake-Authorization-Token-Type': 'KEYPAIR_JWT',
      },
    });
  });

  test('the token', () => {
    const request = snowflakeTokenRequest({ accountUrl, ingestUrl, role: 'LOADER' }, 'a.b.c');
    expect(request).toMatchObject({
      method: 'POST',
      url: `${accountUrl}/oauth/token`,
      headers: { Authorization: 'Bearer a.b.c', 'X-Snowflake-Role': 'LOADER' },
    });
    expect(fieldsOf(request)).toStrictEqual([
      ['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      ['scope', 'x.ingest.aws.snowflakecomputing.com session:role:LOADER'],
    ]);
  });
});
