import { describe, expect, test } from '@jest/globals';
import { memoryStore } from '../../src/index.js';
import {
  hour,
  minute,
  nth,
  refused,
  second,
  settle,
  watch,
  world,
  type World,
  type WorldOptions,
} from '../properties/world.js';

/** A refresh that has run into its deadline of 15 s and may still be answered. */
async function overdue(options: WorldOptions = {}): Promise<World> {
  const w = world({
    refresh: 'open',
    retry: false,
    tokens: ({ issue }) => ({ accessToken: issue(), refreshToken: 'first' }),
    ...options,
  });
  await w.clock.advance(2 * hour);
  const request = watch(w.instance.get('/orders'));
  await w.clock.advance(15 * second);
  expect(request.error).toMatchObject({ code: 'AUTH_TOKEN_REFRESH_TIMEOUT' });
  return w;
}

describe('G13 an answer that comes after the deadline', () => {
  test('is adopted, refresh token included', async () => {
    const w = await overdue();
    expect(nth(w.calls, 0).context.signal.aborted).toBe(false);
    await w.clock.advance(5 * second);
    const fresh = w.issue();
    nth(w.calls, 0).answer({ accessToken: fresh, refreshToken: 'second' });
    await settle();
    expect(w.told('refresh.succeeded')).toMatchObject([{ late: true, durationMs: 20 * second }]);
    expect(w.session.getSnapshot()).toMatchObject({ status: 'active', error: undefined, consecutiveFailures: 0 });
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual([fresh]);
    expect(w.calls).toHaveLength(1);
    void watch(w.session.refresh());
    await settle();
    expect(nth(w.calls, 1).context.tokens?.refreshToken).toBe('second');
  });

  test('is adopted though the next refresh has begun, which is then not needed', async () => {
    const w = await overdue();
    await w.clock.advance(5 * second);
    const request = watch(w.instance.get('/orders'));
    await settle();
    expect(w.calls).toHaveLength(2);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    expect(w.sent()).toStrictEqual([fresh]);
    expect(nth(w.calls, 1).context.signal.aborted).toBe(true);
    nth(w.calls, 1).answer(w.issue());
    await settle();
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual([fresh, fresh]);
  });

  test('is discarded where tokens were set meanwhile', async () => {
    const w = await overdue();
    const set = w.issue();
    await w.session.setTokens(set);
    expect(nth(w.calls, 0).context.signal.aborted).toBe(true);
    nth(w.calls, 0).answer(w.issue());
    await settle();
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual([set]);
    expect(w.told('refresh.succeeded')).toHaveLength(0);
  });

  test('is discarded after a sign-out', async () => {
    const w = await overdue();
    await w.session.signOut();
    nth(w.calls, 0).answer(w.issue());
    await settle();
    expect(w.session.status).toBe('signed-out');
    expect(w.told('refresh.succeeded')).toHaveLength(0);
  });

  test('is discarded once the session has expired', async () => {
    const w = world({ refresh: 'open', retry: false });
    await w.clock.advance(hour - 20 * second);
    void watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).fail(refused());
    await settle();
    void watch(w.session.refresh());
    await w.clock.advance(25 * second);
    expect(w.session.status).toBe('expired');
    nth(w.calls, 1).answer(w.issue());
    await settle();
    expect(w.session.status).toBe('expired');
    expect(w.told('refresh.succeeded')).toHaveLength(0);
  });

  test('is discarded where a later refresh has succeeded', async () => {
    const w = await overdue();
    await w.clock.advance(5 * second);
    const request = watch(w.instance.get('/orders'));
    await settle();
    const fresh = w.issue();
    nth(w.calls, 1).answer(fresh);
    await settle();
    expect(request.state).toBe('resolved');
    nth(w.calls, 0).answer(w.issue());
    await settle();
    await w.instance.get('/orders');
    expect(w.sent()).toStrictEqual([fresh, fresh]);
    expect(w.told('refresh.succeeded')).toHaveLength(1);
  });

  test('is discarded after dispose()', async () => {
    const w = await overdue();
    w.session.dispose();
    nth(w.calls, 0).answer(w.issue());
    await settle();
    expect(w.session.getSnapshot().generation).toBe(1);
  });

  test('is not adopted if it is no use, and changes nothing', async () => {
    const w = await overdue();
    const before = w.session.getSnapshot();
    nth(w.calls, 0).answer('two words');
    await settle();
    expect(w.session.getSnapshot().status).toBe('active');
    expect(w.session.getSnapshot().generation).toBe(before.generation);
    expect(w.told('refresh.failed')).toHaveLength(1);
  });

  test('that is a refusal does not end the session by itself', async () => {
    const w = await overdue();
    nth(w.calls, 0).fail(refused());
    await settle();
    expect(w.session.status).toBe('active');
    expect(w.told('session.expired')).toHaveLength(0);
  });

  test('is waited for where the next refresh is refused: it may be the one that succeeded', async () => {
    const w = await overdue();
    await w.clock.advance(2 * second);
    const request = watch(w.instance.get('/orders'));
    await settle();
    // With rotation: the first call has used up the refresh token.
    nth(w.calls, 1).fail(refused());
    await w.clock.advance(2 * second);
    expect(w.session.status).toBe('active');
    expect(w.told('session.expired')).toHaveLength(0);
    const fresh = w.issue();
    nth(w.calls, 0).answer({ accessToken: fresh, refreshToken: 'second' });
    await settle();
    await w.instance.get('/orders');
    expect(w.sent().at(-1)).toBe(fresh);
    expect(request.state).not.toBe('pending');
  });

  test('while the token lives brings the new one to those who come after', async () => {
    const w = world({ refresh: 'open', retry: false });
    await w.clock.advance(57 * minute);
    await w.instance.get('/orders');
    await w.clock.advance(20 * second);
    expect(w.told('refresh.failed')).toMatchObject([{ servedCurrent: true }]);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    await w.instance.get('/orders');
    expect(w.sent().at(-1)).toBe(fresh);
    expect(w.calls).toHaveLength(1);
  });
});

describe('G13 an answer to an attempt that was given up on', () => {
  async function repeated(): Promise<World> {
    const w = world({ refresh: 'open', tokens: ({ issue }) => issue(-1) });
    void watch(w.instance.get('/orders'));
    await w.clock.advance(5 * second);
    expect(w.calls.map(({ context }) => context.attempt)).toStrictEqual([1, 2]);
    return w;
  }

  test('is adopted, and the repeat is called off', async () => {
    const w = await repeated();
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(w.sent()).toStrictEqual([fresh]);
    expect(nth(w.calls, 1).context.signal.aborted).toBe(true);
    expect(w.told('refresh.succeeded')).toMatchObject([{ attempt: 1, late: false }]);
  });

  test('is waited for where the repeat is refused: it may be the one that succeeded', async () => {
    const w = await repeated();
    nth(w.calls, 1).fail(refused());
    await w.clock.advance(second);
    expect(w.session.status).toBe('active');
    expect(w.told('refresh.failed')).toHaveLength(0);
    const fresh = w.issue();
    nth(w.calls, 0).answer(fresh);
    await settle();
    expect(w.sent()).toStrictEqual([fresh]);
    expect(w.told('session.expired')).toHaveLength(0);
  });

  test('that never comes leaves a refused repeat a timeout, not the end of the session', async () => {
    const w = await repeated();
    nth(w.calls, 1).fail(refused());
    await w.clock.advance(10 * second);
    expect(w.session.status).toBe('active');
    expect(w.told('refresh.failed')).toMatchObject([{ error: { code: 'AUTH_TOKEN_REFRESH_TIMEOUT' } }]);
  });
});

describe('G13 an answer whose access token has died on its way', () => {
  test('still brings the next refresh token, and the next refresh asks with that', async () => {
    const store = memoryStore();
    const w = world({
      tokens: { accessToken: 'first', refreshToken: 'refresh-1', expiresIn: 600 },
      refresh: 'open',
      store,
      retry: false,
    });
    const forced = watch(w.session.refresh());
    await settle();
    w.clock.jump(hour);
    nth(w.calls, 0).answer({ accessToken: 'second', refreshToken: 'refresh-2', expiresIn: 600 });
    await w.clock.advance(second);
    expect(forced.error).toMatchObject({ code: 'AUTH_REFRESH_RESPONSE_INVALID' });
    expect(await store.load()).toMatchObject({ accessToken: 'first', refreshToken: 'refresh-2' });
    void watch(w.session.refresh());
    await settle();
    expect(nth(w.calls, 1).context.tokens).toMatchObject({ accessToken: 'first', refreshToken: 'refresh-2' });
  });

  test('brings it to the repeat that comes at once', async () => {
    const w = world({ tokens: { accessToken: 'first', refreshToken: 'refresh-1', expiresIn: 600 }, refresh: 'open' });
    const forced = watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).answer({ accessToken: 'dead', refreshToken: 'refresh-2', expiresIn: 0 });
    await w.clock.advance(second);
    expect(nth(w.calls, 1).context.tokens?.refreshToken).toBe('refresh-2');
    nth(w.calls, 1).answer({ accessToken: 'second', refreshToken: 'refresh-3', expiresIn: 600 });
    await settle();
    expect(forced.value).toBe('second');
  });

  test('brings nothing after a sign-out, and nothing of another user', async () => {
    const w = world({ tokens: ({ issue }) => ({ accessToken: issue(), refreshToken: 'of-ada' }), refresh: 'open' });
    void watch(w.session.refresh());
    await settle();
    nth(w.calls, 0).answer({ accessToken: w.issue(-5, { sub: 'bob' }), refreshToken: 'of-bob' });
    await w.clock.advance(second);
    expect(nth(w.calls, 1).context.tokens?.refreshToken).toBe('of-ada');
    await w.session.signOut();
    nth(w.calls, 1).answer({ accessToken: w.issue(-5), refreshToken: 'too-late' });
    await settle();
    void watch(w.session.refresh());
    await settle();
    expect(nth(w.calls, 2).context.tokens).toBeUndefined();
  });
});
