/** An app whose own tests replace Axios by a mock: what they import of this package is none of their concern. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';

afterEach(() => {
  jest.resetModules();
});

describe('imported where Axios is a mock', () => {
  test.each<[string, (() => object) | undefined]>([
    ['an automatic one', undefined],
    ['one with the methods that the app calls', () => ({ get: jest.fn() })],
    ['one whose instances are plain objects', () => ({ create: () => ({ get: jest.fn() }) })],
  ])('%s: the import does not fail', async (_, factory) => {
    if (factory) jest.doMock('axios', factory);
    else jest.doMock('axios');
    const { createTokenSession, decodeToken, isTokenError } = await import('../../src/index.js');
    const session = createTokenSession({ refresh: () => 'token', tokens: 'opaque' });
    expect(await session.getAccessToken()).toBe('opaque');
    session.dispose();
    const reason: unknown = await Promise.resolve('none')
      .then(decodeToken)
      .catch((error: unknown) => error);
    expect(isTokenError(reason, 'AUTH_TOKEN_MALFORMED')).toBe(true);
  });
});
