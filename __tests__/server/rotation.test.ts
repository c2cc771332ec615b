/** Refresh tokens are used once, and a session ends when it must. */
import { describe, expect, test } from '@jest/globals';
import { memoryRefreshStore } from '../../src/server/index.js';
import { day, hour, minute, second, stage, type Stage } from './support/stage.js';

/** Refreshes `times` times and returns every refresh token, oldest first. */
async function rotate(on: Stage, times: number, apart = minute): Promise<string[]> {
  const tokens = [(await on.signIn()).refreshToken];
  for (let time = 0; time < times; time += 1) {
    on.clock.advance(apart);
    const { body, status } = await on.refresh(tokens.at(-1));
    expect(status).toBe(200);
    tokens.push(body.refreshToken ?? '');
  }
  return tokens;
}

describe('a refresh', () => {
  test('gives a new access token with the same user context, and a new refresh token of 256 bits', async () => {
    const on = await stage();
    const { refreshToken, accessToken, sessionId } = await on.signIn({
      context: { plan: 'pro', roles: ['admin'] },
      claims: { scope: 'orders:read' },
    });
    on.clock.advance(minute);
    const { status, body } = await on.refresh(refreshToken);
    expect(status).toBe(200);
    expect(body.expiresIn).toBe(900);
    expect(Buffer.from(body.refreshToken ?? '', 'base64url')).toHaveLength(32);
    expect(body.refreshToken).not.toBe(refreshToken);
    expect(body.accessToken).not.toBe(accessToken);
    expect(await on.endpoint.verifyAccessToken(body.accessToken ?? '')).toMatchObject({
      subject: 'ada',
      sessionId,
      context: { plan: 'pro', roles: ['admin'] },
      claims: { scope: 'orders:read' },
    });
  });

  test('of a token that was never issued, or that is malformed, is refused', async () => {
    const on = await stage();
    await on.signIn();
    for (const token of ['A'.repeat(43), 'short', `${'A'.repeat(42)}=`, 'A'.repeat(44), "' or 1=1 --", 'ä'.repeat(43)])
      expect(await on.refresh(token)).toMatchObject({ status: 401, outcome: 'AUTH_TOKEN_INVALID' });
  });

  test('of what cannot be a token does not reach the store', async () => {
    const broken = (): Promise<never> => Promise.reject(new Error('asked'));
    const on = await stage({ store: { ...memoryRefreshStore(), find: broken, settle: broken } });
    expect((await on.refresh('A'.repeat(43))).outcome).toBe('AUTH_UNAVAILABLE');
    expect((await on.refresh('A'.repeat(44))).outcome).toBe('AUTH_TOKEN_INVALID');
    expect((await on.signOut('A'.repeat(44))).status).toBe(204);
    expect(on.faults).toStrictEqual([new Error('asked')]);
  });

  test('the old token is invalid from then on, and using it ends the session of whoever holds the new one', async () => {
    const on = await stage();
    const [first, second] = await rotate(on, 1);
    on.clock.advance(minute);
    expect(await on.refresh(first)).toMatchObject({ status: 401, outcome: 'AUTH_TOKEN_REUSED' });
    expect(await on.refresh(second)).toMatchObject({ status: 401, outcome: 'AUTH_TOKEN_INVALID' });
    expect(on.events()).toStrictEqual(['issued', 'refreshed', 'reused', 'refused']);
  });

  test('of a token that is many generations old ends the session, too', async () => {
    const on = await stage();
    const tokens = await rotate(on, 5);
    expect((await on.refresh(tokens[0])).outcome).toBe('AUTH_TOKEN_REUSED');
    expect((await on.refresh(tokens.at(-1))).outcome).toBe('AUTH_TOKEN_INVALID');
  });

  test('one session that ends leaves the other sessions of the user alone', async () => {
    const on = await stage();
    const other = await on.signIn();
    const [first] = await rotate(on, 2);
    expect((await on.refresh(first)).outcome).toBe('AUTH_TOKEN_REUSED');
    expect((await on.refresh(other.refreshToken)).status).toBe(200);
  });
});

describe('grace', () => {
  test('a token sent twice within ten seconds gets the same successor: a lost answer signs nobody out', async () => {
    const on = await stage();
    const { refreshToken } = await on.signIn();
    const one = await on.refresh(refreshToken);
    on.clock.advance(9_999);
    const two = await on.refresh(refreshToken);
    expect(two.body.refreshToken).toBe(one.body.refreshToken);
    expect(await on.endpoint.verifyAccessToken(two.body.accessToken ?? '')).toMatchObject({ subject: 'ada' });
    expect((await on.refresh(one.body.refreshToken)).status).toBe(200);
    expect(on.events()).toStrictEqual(['issued', 'refreshed', 'grace', 'refreshed']);
  });

  test('begins with the first use and does not slide', async () => {
    const on = await stage();
    const { refreshToken } = await on.signIn();
    await on.refresh(refreshToken);
    for (let time = 0; time < 2; time += 1) {
      on.clock.advance(4 * second);
      expect((await on.refresh(refreshToken)).status).toBe(200);
    }
    on.clock.advance(2 * second);
    expect((await on.refresh(refreshToken)).outcome).toBe('AUTH_TOKEN_REUSED');
  });

  test('is for the parent of the newest token alone: once the successor has been used, the parent is old', async () => {
    const on = await stage();
    const [first, , third] = await rotate(on, 2, second);
    expect((await on.refresh(first)).outcome).toBe('AUTH_TOKEN_REUSED');
    expect((await on.refresh(third)).outcome).toBe('AUTH_TOKEN_INVALID');
  });

  test('of 0 takes every second use for a theft', async () => {
    const on = await stage({ graceMs: 0 });
    const { refreshToken } = await on.signIn();
    await on.refresh(refreshToken);
    expect((await on.refresh(refreshToken)).outcome).toBe('AUTH_TOKEN_REUSED');
  });

  test('of more than a minute is refused', async () => {
    await expect(stage({ graceMs: 60_001 })).rejects.toThrow(
      'Option "graceMs" must be milliseconds, a whole number from 0 to 60000.',
    );
  });

  test('does not revive a session that was signed out', async () => {
    const on = await stage();
    const { refreshToken } = await on.signIn();
    const { body } = await on.refresh(refreshToken);
    await on.signOut(body.refreshToken);
    expect((await on.refresh(refreshToken)).outcome).toBe('AUTH_TOKEN_INVALID');
  });
});

describe('a session', () => {
  test('ends seven days after the sign-in, however often it is refreshed', async () => {
    const on = await stage();
    let { refreshToken } = await on.signIn();
    for (let days = 0; days < 6; days += 1) {
      on.clock.advance(day);
      refreshToken = (await on.refresh(refreshToken)).body.refreshToken ?? '';
    }
    on.clock.advance(day - second);
    const last = await on.refresh(refreshToken);
    // The last access token does not outlive it.
    expect(last.body.expiresIn).toBe(1);
    on.clock.advance(second);
    expect((await on.refresh(last.body.refreshToken)).outcome).toBe('AUTH_TOKEN_EXPIRED');
  });

  test('ends early where it is idle for longer than allowed', async () => {
    const on = await stage({ idleTtlMs: 2 * hour });
    const tokens = await rotate(on, 3, 2 * hour - 1);
    on.clock.advance(2 * hour);
    expect(await on.refresh(tokens.at(-1))).toMatchObject({ status: 401, outcome: 'AUTH_TOKEN_EXPIRED' });
  });

  test('an old token tells of a theft even when it is too old to be used', async () => {
    const on = await stage({ idleTtlMs: hour });
    const tokens = await rotate(on, 3, hour - 1);
    expect((await on.refresh(tokens[0])).outcome).toBe('AUTH_TOKEN_REUSED');
    expect((await on.refresh(tokens.at(-1))).outcome).toBe('AUTH_TOKEN_INVALID');
  });

  test('is ended by a sign-out with any of its tokens; a second sign-out and an unknown token change nothing', async () => {
    const on = await stage();
    const tokens = await rotate(on, 2);
    expect((await on.signOut(tokens[0])).status).toBe(204);
    expect((await on.refresh(tokens.at(-1))).outcome).toBe('AUTH_TOKEN_INVALID');
    expect((await on.signOut(tokens[0])).status).toBe(204);
    expect((await on.signOut('A'.repeat(43))).status).toBe(204);
    expect((await on.signOut('nonsense')).status).toBe(204);
    expect(on.events().filter((event) => event === 'signed-out')).toHaveLength(1);
  });

  test('can be ended by the application: one of them, or all of a user', async () => {
    const on = await stage();
    const [one, two, three] = [await on.signIn(), await on.signIn(), await on.signIn({ subject: 'grace' })];
    expect(await on.endpoint.revokeSessions({ sessionId: one.sessionId })).toBe(1);
    expect((await on.refresh(one.refreshToken)).outcome).toBe('AUTH_TOKEN_INVALID');
    expect((await on.refresh(two.refreshToken)).status).toBe(200);
    expect(await on.endpoint.revokeSessions({ subject: 'ada' })).toBe(1);
    expect(await on.endpoint.revokeSessions({ subject: 'ada' })).toBe(0);
    expect((await on.refresh(three.refreshToken)).status).toBe(200);
    expect(on.events().filter((event) => event === 'revoked')).toHaveLength(2);
  });

  test('keeps its context as it was at the sign-in, whatever becomes of the object', async () => {
    const on = await stage();
    const context = { roles: ['user'], at: new Date(0), nothing: undefined };
    const { refreshToken } = await on.signIn({ context });
    context.roles.push('admin');
    const { body } = await on.refresh(refreshToken);
    const verified = await on.endpoint.verifyAccessToken(body.accessToken ?? '');
    expect(verified.context).toEqual({ roles: ['user'], at: '1970-01-01T00:00:00.000Z' });
  });

  test.each([
    {},
    { subject: '' },
    { subject: undefined },
    { sessionId: 's', subject: 'ada' },
    { sessionId: 5 },
    { subject: 'ada', sessionID: 's' },
  ])('is not ended by mistake: revokeSessions(%j)', async (whose) => {
    const on = await stage();
    const { refreshToken } = await on.signIn();
    await expect(on.endpoint.revokeSessions(whose as never)).rejects.toThrow(TypeError);
    expect((await on.refresh(refreshToken)).status).toBe(200);
  });

  test.each<[session: object, message: string]>([
    [{ subject: '' }, 'Option "subject" of startSession must be a string of 1 to 255 characters'],
    [{ subject: 'half \ud800' }, 'Option "subject" of startSession must be a string of 1 to 255 characters'],
    [{ subject: 'a\0b' }, 'without control characters'],
    [{ context: 'admin' }, 'Option "context" of startSession must be a JSON object'],
    [{ subject: undefined }, 'Option "subject" of startSession is missing'],
    [{ scope: 'admin' }, 'Unknown option "scope" of startSession'],
    [{ caller: { userAgent: 5 } }, 'Option "caller.userAgent" of startSession must be a string'],
    [{ caller: { address: '192.0.2.1' } }, 'Unknown option "caller.address" of startSession'],
    [{ claims: { sub: 'grace' } }, 'the claim "sub" is set by the endpoint itself'],
    [{ claims: { exp: 9e9 } }, 'the claim "exp" is set by the endpoint itself'],
    [{ context: { note: 'x'.repeat(4_100) } }, 'more than 4096 bytes'],
    [{ context: { note: '€'.repeat(1_500) } }, 'more than 4096 bytes'],
  ])('is not started with %j', async (session, message) => {
    const on = await stage();
    await expect(on.signIn(session)).rejects.toThrow(message);
    expect(on.events()).toStrictEqual([]);
  });
});
