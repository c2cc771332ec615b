import { describe, expect, test } from '@jest/globals';
import { isTokenError } from '../../src/index.js';
import {
  minute,
  nth,
  refused,
  second,
  settle,
  states,
  times,
  unreachable,
  watch,
  world,
  type World,
} from '../properties/world.js';

const inWindow = 59 * minute;

describe('G3 a valid token is never withheld', () => {
  test('a refresh that fails lets the waiting requests leave with the current token', async () => {
    const w = world({ refresh: 'open', retry: false });
    await w.clock.advance(inWindow);
    const requests = times(3, () => watch(w.instance.get('/orders')));
    await settle();
    expect(w.api.seen).toHaveLength(0);
    nth(w.calls, 0).fail(unreachable());
    await settle();
    expect(states(requests)).toStrictEqual(['resolved', 'resolved', 'resolved']);
    expect(new Set(w.sent()).size).toBe(1);
    expect(nth(w.told('refresh.failed'), 0)).toMatchObject({ servedCurrent: true, consecutiveFailures: 1 });
    expect(w.told('request.released').map(({ servedCurrent }) => servedCurrent)).toStrictEqual([true, true, true]);
    expect(w.session.status).toBe('active');
  });

  test('after the failure requests leave at once until the next try', async () => {
    const w = world({ retry: false, refresh: () => Promise.reject(unreachable()) });
    await w.clock.advance(inWindow);
    await w.instance.get('/first');
    void watch(w.instance.get('/second'));
    await settle();
    expect(w.api.seen).toHaveLength(2);
    expect(w.told('request.queued')).toHaveLength(1);
    expect(w.calls).toHaveLength(1);
  });

  test('a refresh that hangs holds a request no longer than until the token’s last moments', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(60 * minute - 5 * second);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(5 * second - 1);
    expect(request.state).toBe('resolved');
    expect(nth(w.told('request.released'), 0)).toMatchObject({ outcome: 'sent', servedCurrent: true });
    expect(nth(w.told('request.released'), 0).durationMs).toBeLessThan(5 * second);
  });

  test('a refresh that hangs to its deadline lets everybody leave with the current token', async () => {
    const w = world({ refresh: 'open', refreshTimeoutMs: 15 * second });
    await w.clock.advance(inWindow);
    const requests = times(5, () => watch(w.instance.get('/orders')));
    await w.clock.advance(15 * second);
    expect(new Set(states(requests))).toEqual(new Set(['resolved']));
    expect(nth(w.told('refresh.failed'), 0)).toMatchObject({
      servedCurrent: true,
      error: { code: 'AUTH_TOKEN_REFRESH_TIMEOUT' },
    });
  });

  test('a request with a timeout of its own leaves in time, with the rest of its time', async () => {
    const timeouts: (number | undefined)[] = [];
    const w = world({ refresh: 'open' });
    w.api.respond = ({ timeout }) => {
      timeouts.push(timeout);
      return {};
    };
    await w.clock.advance(inWindow);
    const since = w.clock.now();
    const request = watch(w.instance.get('/orders', { timeout: 2 * second }));
    await w.clock.advance(2 * second - 1);
    expect(request.state).toBe('resolved');
    const [released] = w.told('request.released');
    expect(released).toMatchObject({ servedCurrent: true, outcome: 'sent' });
    expect(nth(timeouts, 0)).toBe(2 * second - ((released?.at ?? 0) - since));
  });

  test('a request asks once: what it got in the window is not asked for again before the wire', async () => {
    const w = world({ refresh: 'open', retry: false });
    await w.clock.advance(inWindow);
    const request = watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 0).fail(unreachable());
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.told('request.queued')).toHaveLength(1);
    expect(w.calls).toHaveLength(1);
  });

  test('getAccessToken() gives the current token, too', async () => {
    const w = world({ refresh: 'open', retry: false });
    await w.clock.advance(inWindow);
    const token = watch(w.session.getAccessToken());
    await settle();
    expect(token.state).toBe('pending');
    nth(w.calls, 0).fail(unreachable());
    await settle();
    expect(token.state).toBe('resolved');
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual([token.value]);
  });

  test('where too many wait already, a request leaves with the current token', async () => {
    const w = world({ refresh: 'open', maxWaiting: 2 });
    await w.clock.advance(inWindow);
    const requests = times(3, () => watch(w.instance.get('/orders')));
    await settle();
    expect(states(requests)).toStrictEqual(['pending', 'pending', 'resolved']);
  });

  test('a token that the API refused once is still sent by others while its refresh fails', async () => {
    const w = world({ retry: false, refresh: () => Promise.reject(unreachable()) });
    let first = true;
    w.api.respond = () => {
      const status = first ? 401 : 200;
      first = false;
      return { status };
    };
    const failed = watch(w.instance.get('/picky'));
    await settle();
    expect(failed.state).toBe('rejected');
    expect(failed.error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_TOKEN_REFRESH_FAILED' } });
    await w.clock.advance(5 * minute);
    const other = watch(w.instance.get('/other'));
    await w.clock.advance(minute);
    expect(other.state).toBe('resolved');
  });
});

describe('G3 a refusal while the token lives', () => {
  async function ending(options: Parameters<typeof world>[0] = {}): Promise<World> {
    const w = world({ refresh: () => Promise.reject(refused()), ...options });
    await w.clock.advance(inWindow);
    await w.instance.get('/orders');
    return w;
  }

  test('session.ending comes now and tells when the end is; requests go on', async () => {
    const w = await ending();
    expect(w.told('refresh.failed')[0]).toMatchObject({ servedCurrent: true });
    expect(w.told('session.ending')).toHaveLength(1);
    expect(w.told('session.ending')[0]).toMatchObject({
      endsAt: w.clock.now() + minute,
      error: { code: 'AUTH_SESSION_EXPIRED' },
    });
    expect(w.session.status).toBe('active');
    await w.clock.advance(minute - 1);
    await Promise.all(times(3, () => w.instance.get('/orders')));
    expect(w.api.seen).toHaveLength(4);
    expect(w.calls).toHaveLength(1);
    expect(w.told('session.expired')).toHaveLength(0);
  });

  test('session.expired comes when the token dies, with nobody asking', async () => {
    const w = await ending();
    await w.clock.advance(minute - 1);
    expect(w.session.status).toBe('active');
    await w.clock.advance(1);
    expect(w.session.status).toBe('expired');
    expect(w.told('session.expired')).toHaveLength(1);
    expect(w.told('session.expired')[0]).toMatchObject({ error: { code: 'AUTH_SESSION_EXPIRED' } });
    await w.clock.advance(60 * minute);
    expect(w.told('session.expired')).toHaveLength(1);
    expect(w.calls).toHaveLength(1);
  });

  test('afterwards a request goes without a token, and its 401 tells why', async () => {
    const w = await ending();
    await w.clock.advance(minute);
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(w.sent().at(-1)).toBeUndefined();
    expect(request.error).toMatchObject({ response: { status: 401 } });
    const { cause } = request.error as Error;
    expect(isTokenError(cause, 'AUTH_SESSION_EXPIRED')).toBe(true);
    expect(w.calls).toHaveLength(1);
  });

  test('a new sign-in in between calls the end off', async () => {
    const w = await ending();
    await w.session.setTokens(w.issue());
    await w.clock.advance(2 * minute);
    expect(w.session.status).toBe('active');
    expect(w.told('session.expired')).toHaveLength(0);
  });

  test('a refresh() that succeeds in between calls the end off', async () => {
    let calls = 0;
    const w = await ending({
      refresh: (_context, { issue }) => {
        calls += 1;
        if (calls === 1) throw refused();
        return issue();
      },
    });
    await w.session.refresh();
    await w.clock.advance(2 * minute);
    expect(w.session.status).toBe('active');
    expect(w.session.getSnapshot().error).toBeUndefined();
    expect(w.told('session.expired')).toHaveLength(0);
  });

  test('a refresh() under way when the token dies decides', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(inWindow);
    const request = watch(w.instance.get('/orders'));
    await settle();
    nth(w.calls, 0).fail(refused());
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.told('session.ending')).toHaveLength(1);
    await w.clock.advance(minute - second);
    const manual = watch(w.session.refresh());
    await w.clock.advance(2 * second);
    const late = watch(w.instance.get('/orders'));
    await settle();
    const fresh = w.issue();
    nth(w.calls, 1).answer(fresh);
    await settle();
    expect(states([manual, late])).toStrictEqual(['resolved', 'resolved']);
    expect(w.sent().at(-1)).toBe(fresh);
    expect(w.session.status).toBe('active');
    expect(w.told('session.expired')).toHaveLength(0);
  });

  test('a refresh() under way when the token dies, and refused, ends the session', async () => {
    const w = world({ refresh: 'open' });
    await w.clock.advance(inWindow);
    void watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).fail(refused());
    await w.clock.advance(minute - second);
    const manual = watch(w.session.refresh());
    await w.clock.advance(2 * second);
    nth(w.calls, 1).fail(refused());
    await settle();
    expect(manual.error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    expect(w.session.status).toBe('expired');
    expect(w.told('session.expired')).toHaveLength(1);
  });

  test('a refresh() under way when the token dies, and failing otherwise, ends the session as well', async () => {
    const w = world({ refresh: 'open', retry: false });
    await w.clock.advance(inWindow);
    void watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).fail(refused());
    await w.clock.advance(minute - second);
    const manual = watch(w.session.refresh());
    await w.clock.advance(2 * second);
    nth(w.calls, 1).fail(unreachable());
    await settle();
    expect(manual.state).toBe('rejected');
    expect(w.session.status).toBe('expired');
    expect(w.told('session.expired')).toHaveLength(1);
  });

  test('a refused refresh ahead of the window keeps everybody going for the minutes that are left', async () => {
    const w = world({ refresh: () => Promise.reject(refused()) });
    await w.clock.advance(56 * minute);
    await w.instance.get('/orders');
    await settle();
    expect(w.told('session.ending')).toHaveLength(1);
    for (let passed = 0; passed < 4; passed++) {
      const request = watch(w.instance.get('/orders'));
      await settle();
      expect(request.state).toBe('resolved');
      await w.clock.advance(minute);
    }
    expect(w.session.status).toBe('expired');
    expect(w.told('request.queued')).toHaveLength(0);
  });

  test('an opaque token lives on until the API refuses it', async () => {
    const w = world({ tokens: 'opaque-token', refresh: () => Promise.reject(refused()) });
    await expect(w.session.refresh()).rejects.toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    expect(w.told('session.ending')[0]).toMatchObject({ endsAt: undefined });
    await w.clock.advance(60 * minute);
    await w.instance.get('/orders');
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.error).toMatchObject({ cause: { code: 'AUTH_SESSION_EXPIRED' } });
    expect(w.session.status).toBe('expired');
    expect(w.told('session.expired')).toHaveLength(1);
  });

  test('a token refused by the API and by the refresh ends the session at once', async () => {
    const w = world({ refresh: () => Promise.reject(refused()) });
    w.api.respond = () => ({ status: 401 });
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(request.error).toMatchObject({ response: { status: 401 }, cause: { code: 'AUTH_SESSION_EXPIRED' } });
    expect(w.session.status).toBe('expired');
    expect(w.told('session.ending')).toHaveLength(0);
    expect(w.told('session.expired')).toHaveLength(1);
  });
});
