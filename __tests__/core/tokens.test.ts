/** What a sign-in or a refresh may hand over as tokens. */
import { describe, expect, test } from '@jest/globals';
import { readTokens } from '../../src/core/tokens.js';

const problemOf = (given: unknown): string | undefined => {
  const reading = readTokens(given);
  return 'problem' in reading ? reading.problem : undefined;
};
const tokensOf = (given: unknown): object | undefined => {
  const reading = readTokens(given);
  return 'tokens' in reading ? (JSON.parse(JSON.stringify(reading.tokens)) as object) : undefined;
};

describe('readTokens takes (G12)', () => {
  test.each<readonly [what: string, given: unknown, expected: object]>([
    ['a bare access token', 'abc', { accessToken: 'abc' }],
    ['a token set', { accessToken: 'abc', refreshToken: 'def' }, { accessToken: 'abc', refreshToken: 'def' }],
    ['space around a token, as files and headers leave it', ' abc\r\n', { accessToken: 'abc' }],
    [
      'null where a server has nothing to say',
      {
        accessToken: 'abc',
        refreshToken: null,
        expiresIn: null,
        expiresAt: null,
        subject: null,
        audience: null,
      },
      { accessToken: 'abc' },
    ],
    ['expiresIn as a number', { accessToken: 'abc', expiresIn: 3600 }, { accessToken: 'abc', expiresIn: 3600 }],
    [
      'expiresIn as a string, as some servers send it',
      { accessToken: 'abc', expiresIn: '3600' },
      {
        accessToken: 'abc',
        expiresIn: 3600,
      },
    ],
    ['expiresIn 0', { accessToken: 'abc', expiresIn: 0 }, { accessToken: 'abc', expiresIn: 0 }],
    [
      'expiresAt',
      { accessToken: 'abc', expiresAt: 1_767_225_600_000 },
      {
        accessToken: 'abc',
        expiresAt: 1_767_225_600_000,
      },
    ],
    [
      'audience, each entry as its origin',
      {
        accessToken: 'abc',
        audience: ['https://API.example.com:443/v1', 'http://localhost:3000'],
      },
      { accessToken: 'abc', audience: ['https://api.example.com', 'http://localhost:3000'] },
    ],
    ['an audience of nobody', { accessToken: 'abc', audience: [] }, { accessToken: 'abc', audience: [] }],
    ['subject', { accessToken: 'abc', subject: 'ada' }, { accessToken: 'abc', subject: 'ada' }],
    ['fields it does not know, by leaving them', { accessToken: 'abc', scope: 'all' }, { accessToken: 'abc' }],
    [
      'every visible ASCII character',
      { accessToken: '!#$%&\'*+-.^_`|~:/=?@[]{}(),;<>"\\' },
      {
        accessToken: '!#$%&\'*+-.^_`|~:/=?@[]{}(),;<>"\\',
      },
    ],
  ])('%s', (_what, given, expected) => {
    expect(tokensOf(given)).toEqual(expected);
  });

  test('what it returns is frozen, and no longer the object it was given', () => {
    const given = { accessToken: 'abc', audience: ['https://a.example.com'] };
    const reading = readTokens(given);
    if (!('tokens' in reading)) throw new Error('expected tokens');
    expect(reading.tokens).not.toBe(given);
    expect(Object.isFrozen(reading.tokens)).toBe(true);
    expect(Object.isFrozen(reading.tokens.audience)).toBe(true);
  });
});

describe('readTokens refuses, names the field, and never quotes the value (G12, G24)', () => {
  test.each<readonly [what: string, given: unknown, names: string]>([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 5, 'number'],
    ['true', true, 'boolean'],
    ['a function', () => 'canary', 'function'],
    ['an empty string', '', '"accessToken"'],
    ['a blank string', '  \n', '"accessToken"'],
    ['an empty object', {}, '"accessToken"'],
    ['an array', ['canary'], '"accessToken"'],
    ['an access token that is a number', { accessToken: 12345 }, '"accessToken"'],
    ['an OAuth answer as it came, in snake case', { access_token: 'canary' }, '"accessToken"'],
    ['CR and LF inside the access token', { accessToken: 'canary\r\nX-Evil: 1' }, '"accessToken"'],
    ['LF inside the access token', { accessToken: 'canary\ncanary' }, '"accessToken"'],
    ['NUL inside the access token', { accessToken: 'canary\0' }, '"accessToken"'],
    ['a space inside the access token', { accessToken: 'Bearer canary' }, '"accessToken"'],
    ['a tab inside the access token', { accessToken: 'can\tary' }, '"accessToken"'],
    ['a letter outside ASCII', { accessToken: 'canaryé' }, '"accessToken"'],
    ['an empty refresh token', { accessToken: 'canary', refreshToken: '' }, '"refreshToken"'],
    ['a refresh token that is a number', { accessToken: 'canary', refreshToken: 5 }, '"refreshToken"'],
    ['expiresIn in words', { accessToken: 'canary', expiresIn: 'soon' }, '"expiresIn"'],
    ['expiresIn empty', { accessToken: 'canary', expiresIn: '' }, '"expiresIn"'],
    ['expiresIn negative', { accessToken: 'canary', expiresIn: -1 }, '"expiresIn"'],
    ['expiresIn NaN', { accessToken: 'canary', expiresIn: NaN }, '"expiresIn"'],
    ['expiresIn Infinity', { accessToken: 'canary', expiresIn: Infinity }, '"expiresIn"'],
    ['expiresIn an object', { accessToken: 'canary', expiresIn: {} }, '"expiresIn"'],
    ['expiresAt as a Date', { accessToken: 'canary', expiresAt: new Date(0) }, '"expiresAt"'],
    ['expiresAt as an ISO date', { accessToken: 'canary', expiresAt: '2026-01-01T00:00:00Z' }, '"expiresAt"'],
    ['expiresAt Infinity', { accessToken: 'canary', expiresAt: Infinity }, '"expiresAt"'],
    ['a subject that is a number', { accessToken: 'canary', subject: 5 }, '"subject"'],
    ['an audience that is a string', { accessToken: 'canary', audience: 'https://a.example.com' }, '"audience"'],
    ['an audience with something that is no origin', { accessToken: 'canary', audience: ['api'] }, '"audience"'],
    ['an audience with a number', { accessToken: 'canary', audience: [5] }, '"audience"'],
    ['an audience with an origin of its own', { accessToken: 'canary', audience: ['data:,x'] }, '"audience"'],
    [
      'a getter that throws',
      {
        get accessToken(): string {
          throw new Error('canary');
        },
      },
      '"accessToken"',
    ],
  ])('%s', (_what, given, names) => {
    const problem = problemOf(given);
    expect(problem).toContain(names);
    expect(problem).not.toMatch(/canary|12345|soon|Evil/);
  });
});
