/** Misuse of the pure functions is told at once, by the name of what does not fit, and without quoting a token. */
import { expect, test } from '@jest/globals';
import {
  jwtBearerRequest,
  readSnowflakeHostname,
  readSnowflakeToken,
  refreshTokenRequest,
  snowflakeHostnameRequest,
  snowflakeTokenRequest,
  tokenExchangeRequest,
} from '../../src/grants/index.js';
import { thrown } from '../support/stage.js';

const tokenEndpoint = 'https://login.example.com/token';
const accountUrl = 'https://myorg-myaccount.snowflakecomputing.com';
const app = { tokenEndpoint, clientId: 'app' };
const account = { accountUrl };
const ingestUrl = 'https://x.ingest.aws.snowflakecomputing.com';
const scope = { accountUrl, ingestUrl };
const secret = 'Hj6dFs2 GaX9eUo4TiVwB';
const noText = [undefined, null, '', 5, {}];
const noToken = [...noText, secret, `${secret}\r\nX-Evil: 1`, 'tökén'];
const noAccount = [undefined, null, '', 5, 'https://example.com', `${accountUrl}/path`];
const noIngestUrl = [
  undefined,
  null,
  '',
  5,
  'x.ingest.snowflakecomputing.com',
  'http://x.ingest.snowflakecomputing.com',
];
const noRole = [null, '', 5, 'A session:role:ACCOUNTADMIN', 'A\r\nX-Evil: 1'];
const noHosts = [null, 'a', ['*.example.com']];
const noLifetime = [null, NaN, 0, -1, Infinity, '5'];
const noOptions = [undefined, null, 'a', []];

type Call = (value: never) => unknown;
const calls: readonly (readonly [who: string, what: string, call: Call, wrong: readonly unknown[]])[] = [
  ['refreshTokenRequest', '"refreshToken"', (value) => refreshTokenRequest(app, value), noText],
  ['jwtBearerRequest', '"assertion"', (value) => jwtBearerRequest(app, value), noText],
  ['tokenExchangeRequest', '"subjectToken"', (value) => tokenExchangeRequest(app, { subjectToken: value }), noText],
  [
    'tokenExchangeRequest',
    '"actorToken"',
    (value) => tokenExchangeRequest(app, { subjectToken: 'a', actorToken: value }),
    noText.slice(1),
  ],
  [
    'tokenExchangeRequest',
    '"subject_token"',
    (value) => tokenExchangeRequest(app, { subject_token: value } as never),
    ['a'],
  ],
  ['tokenExchangeRequest', 'options', (value) => tokenExchangeRequest(app, value), noOptions],
  ['snowflakeHostnameRequest', '"jwt"', (value) => snowflakeHostnameRequest(account, value), noToken],
  ['snowflakeHostnameRequest', 'options', (value) => snowflakeHostnameRequest(value, 'a.b.c'), noOptions],
  [
    'snowflakeHostnameRequest',
    '"host"',
    (value) => snowflakeHostnameRequest({ ...account, host: value } as never, 'a.b.c'),
    ['a'],
  ],
  ['', '"accountUrl"', (value) => snowflakeHostnameRequest({ accountUrl: value }, 'a.b.c'), noAccount],
  [
    'snowflakeHostnameRequest',
    '"hosts"',
    (value) => snowflakeHostnameRequest({ ...account, hosts: value }, 'a.b.c'),
    noHosts,
  ],
  ['readSnowflakeHostname', 'options', (value) => readSnowflakeHostname(value, ''), noOptions],
  ['', '"accountUrl"', (value) => readSnowflakeHostname({ accountUrl: value }, ''), noAccount],
  ['readSnowflakeHostname', '"hosts"', (value) => readSnowflakeHostname({ ...account, hosts: value }, ''), noHosts],
  ['snowflakeTokenRequest', '"jwt"', (value) => snowflakeTokenRequest(scope, value), noToken],
  ['snowflakeTokenRequest', 'options', (value) => snowflakeTokenRequest(value, 'a.b.c'), noOptions],
  ['snowflakeTokenRequest', '"role"', (value) => snowflakeTokenRequest({ ...scope, role: value }, 'a.b.c'), noRole],
  ['', '"accountUrl"', (value) => snowflakeTokenRequest({ ...scope, accountUrl: value }, 'a.b.c'), noAccount],
  [
    'snowflakeTokenRequest',
    '"ingestUrl"',
    (value) => snowflakeTokenRequest({ ...account, ingestUrl: value }, 'a.b.c'),
    noIngestUrl,
  ],
  [
    'snowflakeTokenRequest',
    '"lifetimeMs"',
    (value) => snowflakeTokenRequest({ ...scope, lifetimeMs: value } as never, 'a.b.c'),
    [5],
  ],
  ['readSnowflakeToken', 'options', (value) => readSnowflakeToken(value, 'token'), noOptions],
  ['readSnowflakeToken', '"ingestUrl"', (value) => readSnowflakeToken({ ingestUrl: value }, 'token'), noIngestUrl],
  [
    'readSnowflakeToken',
    '"lifetimeMs"',
    (value) => readSnowflakeToken({ ingestUrl, lifetimeMs: value }, 'token'),
    noLifetime,
  ],
  [
    'readSnowflakeToken',
    '"accountUrl"',
    (value) => readSnowflakeToken({ ingestUrl, accountUrl: value } as never, 'token'),
    [accountUrl],
  ],
];

test.each(calls.flatMap(([who, what, call, wrong]) => wrong.map((value) => [who, what, value, call] as const)))(
  '%s refuses %s: %j',
  (who, what, value, call) => {
    const error = thrown(() => call(value as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(who);
    expect(String(error)).toContain(what);
    expect(String(error)).not.toContain(secret.slice(0, 7));
  },
);

test.each([ingestUrl, `${ingestUrl}/`, 'https://in.example.com:8443', 'http://127.0.0.1:8080', 'http://x.localhost'])(
  'an ingest host may be at %s',
  (url) => {
    const { body } = snowflakeTokenRequest({ accountUrl, ingestUrl: url }, 'a.b.c');
    expect(new URLSearchParams(body).get('scope')).toBe(new URL(url).host);
    expect(readSnowflakeToken({ ingestUrl: url }, 'token').audience).toStrictEqual([url]);
  },
);
