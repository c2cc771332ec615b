import { describe, expect, test } from '@jest/globals';
import { hour, nth, pause, refused, second, settle, states, watch, world, type World } from '../properties/world.js';

/** An API that takes as many milliseconds as the URL says, and accepts only what is current when the answer leaves. */
function slowApi(w: World, current: () => string): void {
  w.api.respond = async ({ url }, token) => {
    await pause(w.clock, Number(url));
    return { status: token === current() ? 200 : 401 };
  };
}

describe('G8 a 401 for a token that is no longer current', () => {
  test('replays at once with the current one, without a second refresh', async () => {
    const w = world();
    const old = await w.session.getAccessToken();
    let current = old;
    slowApi(w, () => current);
    const late = watch(w.instance.get('1000'));
    current = await w.session.refresh();
    await w.clock.advance(second);
    expect(w.sent()).toStrictEqual([old, current]);
    expect(w.told('request.queued').filter(({ trigger }) => trigger === 'unauthorized')).toHaveLength(0);
    await w.clock.advance(second);
    expect(late.state).toBe('resolved');
    expect(w.calls).toHaveLength(1);
    expect(w.told('request.replayed')).toHaveLength(1);
  });

  test('any number of late 401s make no further refresh', async () => {
    const w = world();
    let current = await w.session.getAccessToken();
    slowApi(w, () => current);
    const late = Array.from({ length: 20 }, (_, index) => watch(w.instance.get(String(100 + index * 50))));
    current = await w.session.refresh();
    await w.clock.advance(5 * second);
    expect(new Set(states(late))).toEqual(new Set(['resolved']));
    expect(w.calls).toHaveLength(1);
  });

  test('new tokens from a sign-in of the same user serve as well as a refresh', async () => {
    const w = world({ refresh: 'open' });
    const old = await w.session.getAccessToken();
    let current = old;
    slowApi(w, () => current);
    const late = watch(w.instance.get('1000'));
    current = w.issue();
    await w.session.setTokens(current);
    await w.clock.advance(2 * second);
    expect(late.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([old, current]);
    expect(w.calls).toHaveLength(0);
  });

  test('a request sent without a token is replayed with the one that came meanwhile', async () => {
    const w = world({ tokens: null, refresh: 'open' });
    const current = w.issue();
    slowApi(w, () => current);
    const early = watch(w.instance.get('1000'));
    await settle();
    await w.session.setTokens(current);
    await w.clock.advance(2 * second);
    expect(early.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([undefined, current]);
    expect(w.calls).toHaveLength(0);
  });

  test('a 401 during the refresh joins it', async () => {
    const w = world({ refresh: 'open' });
    let current = await w.session.getAccessToken();
    slowApi(w, () => current);
    const late = watch(w.instance.get('1000'));
    const manual = watch(w.session.refresh());
    await w.clock.advance(second);
    expect(w.calls).toHaveLength(1);
    current = w.issue();
    nth(w.calls, 0).answer(current);
    await settle();
    await w.clock.advance(second);
    expect(states([late, manual])).toStrictEqual(['resolved', 'resolved']);
    expect(w.calls).toHaveLength(1);
  });

  test('where the current token has died meanwhile the request waits for the next', async () => {
    const w = world({ ttlSeconds: 10, refresh: 'open', retry: false });
    const old = await w.session.getAccessToken();
    let current = 'neither of the first two';
    slowApi(w, () => current);
    const late = watch(w.instance.get('20000'));
    const manual = watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).answer();
    await w.clock.advance(20 * second);
    expect(manual.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([old]);
    expect(w.calls).toHaveLength(2);
    const third = w.issue();
    current = third;
    nth(w.calls, 1).answer(third);
    await w.clock.advance(20 * second);
    expect(late.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([old, third]);
  });

  test('after the session has ended a late 401 is the caller’s, with the reason', async () => {
    const w = world({ refresh: () => Promise.reject(refused()) });
    slowApi(w, () => 'nothing');
    await w.clock.advance(hour - second);
    const late = watch(w.instance.get('5000'));
    await w.clock.advance(6 * second);
    expect(w.session.status).toBe('expired');
    expect(late.error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_SESSION_EXPIRED' } });
    expect(w.calls).toHaveLength(1);
  });
});
