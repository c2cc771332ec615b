import { describe, expect, test } from '@jest/globals';
import { jwt } from '../support/jwt.js';
import { day, nth, watch, world, settle } from '../properties/world.js';

const tokensWithoutEnd: [string, string][] = [
  ['an opaque token', 'opaque-token'],
  ['a JWT without exp', jwt({ sub: 'ada', iat: 1_767_225_600 })],
  ['a JWT whose exp is no number', jwt({ sub: 'ada', exp: 'tomorrow' })],
  ['three parts that are no JWT', 'not.a.jwt'],
];

describe('G5 a token of unknown expiry is valid until a 401', () => {
  test.each(tokensWithoutEnd)('%s is sent for years without a refresh', async (_name, token) => {
    const w = world({ tokens: token });
    expect(w.session.getSnapshot()).toMatchObject({ status: 'active', expiresAt: undefined, refreshAt: undefined });
    for (let year = 0; year < 20; year++) {
      await w.instance.get('/orders');
      await w.clock.advance(365 * day);
    }
    expect(w.calls).toHaveLength(0);
    expect(new Set(w.sent())).toEqual(new Set([token]));
    expect(w.told('request.queued')).toHaveLength(0);
  });

  test.each(tokensWithoutEnd)('%s is refreshed by a 401, and the request replayed', async (_name, token) => {
    const w = world({ tokens: token, refresh: () => 'next-opaque-token' });
    w.api.valid.add('next-opaque-token');
    const { status } = await w.instance.get('/orders');
    expect(status).toBe(200);
    expect(nth(w.calls, 0).context.trigger).toBe('unauthorized');
    expect(w.sent()).toStrictEqual([token, 'next-opaque-token']);
    await w.clock.advance(365 * day);
    await w.instance.get('/orders');
    expect(w.calls).toHaveLength(1);
  });

  test('an opaque token with a lifetime beside it is refreshed in time', async () => {
    const w = world({ tokens: { accessToken: 'opaque-token', expiresIn: 100 }, refresh: 'open' });
    await w.clock.advance(79_999);
    await w.instance.get('/orders');
    expect(w.told('request.queued')).toHaveLength(0);
    await w.clock.advance(1);
    void watch(w.instance.get('/orders'));
    await settle();
    expect(w.told('request.queued')).toHaveLength(1);
  });

  test('a refresh may go from a known to an unknown expiry', async () => {
    const w = world({ refresh: () => 'opaque-token' });
    await w.session.refresh();
    expect(w.session.getSnapshot().expiresAt).toBeUndefined();
    await w.clock.advance(365 * day);
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual(['opaque-token']);
    expect(w.calls).toHaveLength(1);
  });

  test('the schedule leaves a token of unknown expiry alone', async () => {
    const w = world({ tokens: 'opaque-token', schedule: true });
    await w.clock.advance(30 * day);
    expect(w.calls).toHaveLength(0);
    expect(w.clock.pending).toBe(0);
  });
});
