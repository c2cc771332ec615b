/** What can be read out of a token, and what cannot. */
import { describe, expect, test } from '@jest/globals';
import { claimsOf, decodeToken, expiresWithin } from '../../src/core/claims.js';
import { isTokenError } from '../../src/errors.js';

const encode = (text: string): string => Buffer.from(text).toString('base64url');
const header = encode('{"alg":"none"}');
/** A JWT whose payload is exactly this text. */
const withPayload = (payload: string): string => `${header}.${encode(payload)}.c2ln`;

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}

const undecodable: readonly (readonly [what: string, token: string])[] = [
  ['an opaque token', 'opaque-3f9c2a'],
  ['an empty string', ''],
  ['three dots and nothing else', '...'],
  ['two parts, the second no base64', 'aaaa.%%%%.bbbb'],
  ['an encrypted JWT', `${encode('{"alg":"RSA-OAEP","enc":"A256GCM"}')}.b3BhcXVl.aXY.Y2lwaGVy.dGFn`],
  ['a directly encrypted JWT, whose second part is empty', `${encode('{"alg":"dir"}')}..aXY.Y2lwaGVy.dGFn`],
  ['a payload of null', withPayload('null')],
  ['a payload that is a number', withPayload('5')],
  ['a payload that is a string', withPayload('"sub"')],
  ['a payload that is an array', withPayload('[1]')],
  ['a payload that is cut off', withPayload('{"exp":17')],
];

const unusableDates: readonly (readonly [what: string, claim: string, payload: string])[] = [
  ['exp as a string', 'exp', '{"exp":"1767225600"}'],
  ['exp as an ISO date', 'exp', '{"exp":"2026-01-01T00:00:00Z"}'],
  ['exp beyond every number', 'exp', '{"exp":1e999}'],
  ['exp null', 'exp', '{"exp":null}'],
  ['exp true', 'exp', '{"exp":true}'],
  ['exp an object', 'exp', '{"exp":{}}'],
  ['iat as a string', 'iat', '{"iat":"now","exp":1767225600}'],
  ['nbf an array', 'nbf', '{"nbf":[1],"exp":1767225600}'],
];

const readable: readonly (readonly [what: string, payload: string, expected: Record<string, unknown>])[] = [
  ['no claims at all', '{}', {}],
  ['exp in seconds', '{"exp":1767225600}', { exp: 1767225600 }],
  ['exp in milliseconds by mistake', '{"exp":1767225600000}', { exp: 1767225600000 }],
  ['exp with a fraction', '{"exp":1767225600.5}', { exp: 1767225600.5 }],
  ['exp zero', '{"exp":0}', { exp: 0 }],
  ['exp negative', '{"exp":-5}', { exp: -5 }],
  ['a name outside ASCII', '{"sub":"Ada Lovelace ✨"}', { sub: 'Ada Lovelace ✨' }],
  ['aud as a list', '{"aud":["a","b"]}', { aud: ['a', 'b'] }],
];

describe('decodeToken', () => {
  test.each(undecodable)('refuses %s as malformed, without quoting it', (_what, token) => {
    const error = thrownBy(() => decodeToken(token));
    expect(isTokenError(error, 'AUTH_TOKEN_MALFORMED')).toBe(true);
    expect((error as Error).cause).toBeUndefined();
    const middle = token.split('.')[1] ?? '';
    if (middle.length > 3) expect(String(error)).not.toContain(middle);
  });

  test.each(unusableDates)('refuses %s and names the claim', (_what, claim, payload) => {
    const error = thrownBy(() => decodeToken(withPayload(payload)));
    expect(error).toMatchObject({ code: 'AUTH_TOKEN_MALFORMED', retryable: false });
    expect(String(error)).toContain(`"${claim}"`);
  });

  test.each(readable)('reads %s', (_what, payload, expected) => {
    expect(decodeToken(withPayload(payload))).toEqual(expected);
  });

  test.each([[undefined], [null], [5], [{}]])('refuses %p, which is no string, as malformed', (given) => {
    expect(
      isTokenError(
        thrownBy(() => decodeToken(given as string)),
        'AUTH_TOKEN_MALFORMED',
      ),
    ).toBe(true);
  });

  test('a payload that names __proto__ changes no object', () => {
    const claims = decodeToken(withPayload('{"__proto__":{"exp":1,"polluted":true}}'));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(claims.exp).toBeUndefined();
  });
});

describe('claimsOf (G5: an unknown expiry is no fault)', () => {
  test.each([...undecodable, ...unusableDates.map(([what, , payload]) => [what, withPayload(payload)] as const)])(
    'finds none in %s',
    (_what, token) => {
      expect(claimsOf(token)).toEqual({});
    },
  );

  test.each(readable)('reads %s', (_what, payload, expected) => {
    expect(claimsOf(withPayload(payload))).toEqual(expected);
  });
});

describe('expiresWithin', () => {
  const exp = 1_767_225_600;
  const token = withPayload(JSON.stringify({ exp }));

  test.each<readonly [what: string, windowMs: number, now: number, expected: boolean]>([
    ['1 ms before the window', 300_000, exp * 1000 - 300_001, false],
    ['at exactly the window', 300_000, exp * 1000 - 300_000, true],
    ['1 ms before expiry, no window', 0, exp * 1000 - 1, false],
    ['at expiry, no window', 0, exp * 1000, true],
    ['long after expiry', 300_000, exp * 1000 + 86_400_000, true],
    ['after expiry by less than a negative window', -60_000, exp * 1000 + 59_999, false],
  ])('%s', (_what, windowMs, now, expected) => {
    expect(expiresWithin(token, windowMs, now)).toBe(expected);
  });

  test('a token without exp never does', () => {
    expect(expiresWithin(withPayload('{}'), Number.MAX_SAFE_INTEGER, exp * 1000)).toBe(false);
  });

  test('an opaque token is malformed', () => {
    expect(
      isTokenError(
        thrownBy(() => expiresWithin('opaque', 0, 0)),
        'AUTH_TOKEN_MALFORMED',
      ),
    ).toBe(true);
  });
});
