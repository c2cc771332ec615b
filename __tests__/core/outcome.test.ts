/** How a failed refresh is put into words. */
import { describe, expect, test } from '@jest/globals';
import { classify } from '../../src/core/failure.js';
import { refreshError, type FailedRefresh } from '../../src/core/outcome.js';
import { TokenError } from '../../src/errors.js';

const failed = (error: unknown, fields: Partial<FailedRefresh> = {}): TokenError =>
  refreshError({
    error,
    failure: classify(error),
    timedOut: false,
    attempts: 3,
    operationId: 'op7',
    refreshTimeoutMs: 15_000,
    secrets: [],
    ...fields,
  });
const answered = (status: number): unknown =>
  Object.assign(new Error('secret-in-the-message'), {
    response: { status, headers: { 'x-request-id': 'req-7' }, data: {} },
  });

describe('refreshError', () => {
  test.each<readonly [what: string, error: TokenError, expected: object]>([
    [
      'a refusal',
      failed(answered(401)),
      { code: 'AUTH_SESSION_EXPIRED', kind: 'refused', status: 401, retryable: false },
    ],
    [
      'a server error',
      failed(answered(503)),
      { code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'server', status: 503, retryable: true },
    ],
    [
      'throttling',
      failed(answered(429)),
      { code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'throttled', status: 429, retryable: true },
    ],
    [
      'a reset connection',
      failed(Object.assign(new Error('x'), { code: 'ECONNRESET' })),
      {
        code: 'AUTH_TOKEN_REFRESH_FAILED',
        kind: 'network',
        retryable: true,
      },
    ],
    [
      'a fault of the callback',
      failed(new Error('x')),
      { code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'callback', retryable: true },
    ],
    ['nothing thrown', failed(undefined), { code: 'AUTH_TOKEN_REFRESH_FAILED', kind: 'callback', retryable: true }],
    [
      'the deadline',
      failed(undefined, { timedOut: true, failure: { ...classify(undefined), kind: 'timeout' } }),
      {
        code: 'AUTH_TOKEN_REFRESH_TIMEOUT',
        kind: 'timeout',
        retryable: true,
      },
    ],
    [
      'an answer that is no use',
      failed(new TokenError('AUTH_REFRESH_RESPONSE_INVALID', 'no token', { kind: 'protocol' })),
      {
        code: 'AUTH_REFRESH_RESPONSE_INVALID',
        kind: 'protocol',
      },
    ],
    [
      "an exchange's own expired token",
      failed(new TokenError('AUTH_TOKEN_EXPIRED', 'old')),
      { code: 'AUTH_TOKEN_EXPIRED' },
    ],
    [
      'a refusal that the user has declared',
      failed(new Error('x'), { failure: { ...classify(new Error('x')), terminal: true } }),
      {
        code: 'AUTH_SESSION_EXPIRED',
        retryable: false,
      },
    ],
  ])('%s', (_what, error, expected) => {
    expect(error).toMatchObject({ ...expected, attempts: 3, operationId: 'op7' });
  });

  test('says how often was tried, and in good English', () => {
    expect(failed(new Error('x')).message).toContain('after 3 attempts');
    expect(failed(new Error('x'), { attempts: 1 }).message).toMatch(/after 1 attempt\b/);
  });

  test('the deadline names its length', () => {
    expect(failed(undefined, { timedOut: true }).message).toContain('15000 ms');
  });

  test('quotes the id of the request and no message of a foreign error', () => {
    const error = failed(answered(401));
    expect(error.requestId).toBe('req-7');
    expect(error.cause).toMatchObject({ name: 'Error', status: 401, requestId: 'req-7' });
    expect(`${error.message} ${String(error.cause)} ${error.stack ?? ''}`).not.toContain('secret-in-the-message');
  });

  test.each<readonly [what: string, data: unknown, end: string]>([
    ['of OAuth', { error: 'invalid_client', error_description: 'secret-in-the-message' }, ' 401, invalid_client).'],
    ['in text', '{"error":"unauthorized_client"}', ' 401, unauthorized_client).'],
    ['in an envelope', { error: { code: 'TOKEN_REUSED' } }, ' 401, TOKEN_REUSED).'],
    ['that is a sentence', { error: 'secret in the message' }, ' 401).'],
    ['that may be a token', { error: 'Zx9aQ7mTtoken' }, ' 401).'],
    ['that is the token', { error: 'lettersonly' }, ' 401, [redacted]).'],
  ])('G24: tells the word of the answer, and no token: one %s', (_what, data, end) => {
    const error = Object.assign(new Error('x'), { response: { status: 401, data } });
    expect(failed(error, { secrets: ['lettersonly'] }).message.endsWith(`: Error${end}`)).toBe(true);
  });

  test('keeps the words of a callback that ends the session itself', () => {
    const own = new TokenError('AUTH_SESSION_EXPIRED', 'Account acme refused the key.', { kind: 'refused' });
    expect(failed(own)).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', message: 'Account acme refused the key.' });
    const ruled = { ...classify(new TokenError('AUTH_TOKEN_EXPIRED', 'old')), terminal: true };
    expect(failed(new TokenError('AUTH_TOKEN_EXPIRED', 'old'), { failure: ruled }).message).toMatch(/sign in again/);
  });

  test('keeps what a TokenError of the callback knows', () => {
    const own = new TokenError('AUTH_TOKEN_EXPIRED', 'The key pair has expired.', { requestId: 'req-8', status: 400 });
    expect(failed(own)).toMatchObject({ message: 'The key pair has expired.', requestId: 'req-8', status: 400 });
    expect(failed(own).cause).toBeUndefined();
  });

  test('G24: a message of the callback’s own TokenError is told without the tokens', () => {
    const own = new TokenError('AUTH_TOKEN_REFRESH_FAILED', 'No luck with r-1 at https://login.example.com/token.');
    expect(failed(own, { secrets: ['a-1', 'r-1'] }).message).toBe(
      'No luck with [redacted] at https://login.example.com/token.',
    );
  });

  test('every message is a sentence', () => {
    for (const error of [
      failed(answered(401)),
      failed(answered(503)),
      failed(undefined),
      failed(undefined, { timedOut: true }),
    ]) {
      expect(error.message).toMatch(/^[A-Z].*[^.]\.$/);
    }
  });
});
