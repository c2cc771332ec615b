/** The rules by themselves: what is judged of a token, and what is done with secrets. */
import { describe, expect, test } from '@jest/globals';
import type { Presented, StoredToken, TokenFamily } from '../../src/server/index.js';
import { judge } from '../../src/server/rotation.js';
import { hashOf, hasTokenShape, newToken, open, sameHash, seal } from '../../src/server/secrets.js';

const [graceMs, idleTtlMs, end] = [10, 50, 1_000];

function presented(token: Partial<StoredToken>, family: Partial<TokenFamily> = {}): Presented {
  return {
    family: {
      id: 'f',
      subject: 'ada',
      context: {},
      claims: {},
      createdAt: 0,
      expiresAt: end,
      generation: 4,
      revokedAt: undefined,
      revokeReason: undefined,
      ...family,
    },
    token: {
      familyId: 'f',
      generation: 4,
      hash: 'h',
      issuedAt: 0,
      expiresAt: end,
      usedAt: undefined,
      sealedSuccessor: undefined,
      ...token,
    },
  };
}

const parent = { generation: 3, usedAt: 100, sealedSuccessor: 'sealed' };

describe('judge', () => {
  test.each<[name: string, given: Presented | undefined, now: number, outcome: string]>([
    ['an unknown token', undefined, 0, 'AUTH_TOKEN_INVALID'],
    ['a new one', presented({}), 0, 'rotate'],
    ['at the last moment of its session', presented({}), end - 1, 'rotate'],
    ['at the end of its session', presented({}), end, 'AUTH_TOKEN_EXPIRED'],
    ['used, at the end of its session', presented({ ...parent, usedAt: end - 1 }), end, 'AUTH_TOKEN_EXPIRED'],
    ['at its own end', presented({ expiresAt: 60 }), 60, 'AUTH_TOKEN_EXPIRED'],
    ['just before', presented({ expiresAt: 60 }), 59, 'rotate'],
    ['of an ended session', presented({}, { revokedAt: 1 }), 2, 'AUTH_TOKEN_INVALID'],
    ['used, of an ended session', presented(parent, { revokedAt: 1 }), 101, 'AUTH_TOKEN_INVALID'],
    ['used just now', presented(parent), 100, 'replay'],
    ['used, by a server whose clock is ahead', presented(parent), 90, 'replay'],
    ['at the last moment of grace', presented(parent), 109, 'replay'],
    ['at the end of grace', presented(parent), 110, 'reuse'],
    ['used, though its child has been used', presented({ ...parent, generation: 2 }), 101, 'reuse'],
    ['used, with nothing sealed', presented({ ...parent, sealedSuccessor: undefined }), 101, 'reuse'],
    ['used, and past its own end', presented({ ...parent, expiresAt: 105 }), 200, 'reuse'],
  ])('%s', (_, given, now, outcome) => {
    const judgement = judge(given, now, { graceMs });
    expect(judgement.outcome === 'refuse' ? judgement.code : judgement.outcome).toBe(outcome);
  });

  test('no child outlives its session, nor the idle limit', () => {
    expect(judge(presented({}), 900, { graceMs, idleTtlMs })).toMatchObject({ childExpiresAt: 950 });
    expect(judge(presented({}), 990, { graceMs, idleTtlMs })).toMatchObject({ childExpiresAt: end });
    expect(judge(presented({}), 0, { graceMs })).toMatchObject({ childExpiresAt: end });
  });
});

describe('secrets', () => {
  test('a token is 256 random bits, and no two are the same', () => {
    const tokens = new Set(Array.from({ length: 1_000 }, newToken));
    expect(tokens.size).toBe(1_000);
    for (const token of tokens) expect(hasTokenShape(token)).toBe(true);
    expect(hashOf('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });

  test('what is sealed opens with its token in its place, and with nothing else', () => {
    const [token, other] = [newToken(), newToken()];
    const sealed = seal('the successor', token, 'family/3');
    expect(sealed).not.toContain('successor');
    expect(seal('the successor', token, 'family/3')).not.toBe(sealed);
    expect(open(sealed, token, 'family/3')).toBe('the successor');
    expect(() => open(sealed, other, 'family/3')).toThrow();
    expect(() => open(sealed, hashOf(token), 'family/3')).toThrow();
    expect(() => open(sealed, token, 'family/4')).toThrow();
    const bytes = Buffer.from(sealed, 'base64url');
    for (const index of [0, 12, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(() => open(changed.toString('base64url'), token, 'family/3')).toThrow();
    }
    expect(() => open('', token, 'family/3')).toThrow();
    expect(() => open(bytes.subarray(0, 20).toString('base64url'), token, 'family/3')).toThrow();
  });

  test('hashes are the same to the last character, or not', () => {
    expect(sameHash('abc', 'abc')).toBe(true);
    for (const other of ['abd', 'ABC', 'ab', 'abcd', '']) expect(sameHash('abc', other)).toBe(false);
  });
});
