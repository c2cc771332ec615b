/** Every code of the server half, made for real, and what the client makes of it: only a refusal ends its session. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import axios from 'axios';
import { createTokenSession, type TokenSession } from '../../src/index.js';
import {
  AuthError,
  createRefreshProxy,
  memoryRefreshStore,
  toNodeHandler,
  type Handler,
  type RefreshStore,
} from '../../src/server/index.js';
import { useServers } from './support/listen.js';
import { hour, minute, send, stage, type Answer } from './support/stage.js';

const listen = useServers();
const sessions: TokenSession[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.dispose();
});

/** A handler, and a refresh token that makes it answer with the code. */
interface Maker {
  readonly handler: Handler;
  readonly refreshToken: string | undefined;
}

const brokenStore = (change: Partial<RefreshStore>): RefreshStore => ({ ...memoryRefreshStore(), ...change });
const fault = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('terminating connection'), { code: '57P01' }));
const throwing = (error: Error) => (): never => {
  throw error;
};
const onRealTime = { clock: { now: () => Date.now() } };

async function upstream(
  answer: (response: ServerResponse) => void,
  limits: { timeoutMs?: number } = {},
): Promise<Handler> {
  const url = await listen((_request, response) => answer(response));
  return createRefreshProxy({ upstreamUrl: url, ...limits });
}

const makers: Record<string, () => Promise<Maker>> = {
  AUTH_TOKEN_MISSING: async () => ({ handler: (await stage(onRealTime)).endpoint.refresh, refreshToken: undefined }),
  AUTH_TOKEN_INVALID: async () => ({
    handler: (await stage(onRealTime)).endpoint.refresh,
    refreshToken: 'A'.repeat(43),
  }),
  AUTH_TOKEN_EXPIRED: async () => {
    const on = await stage({ idleTtlMs: hour });
    const { refreshToken } = await on.signIn();
    on.clock.advance(hour);
    return { handler: on.endpoint.refresh, refreshToken };
  },
  AUTH_TOKEN_REUSED: async () => {
    const on = await stage({ ...onRealTime, graceMs: 0 });
    const { refreshToken } = await on.signIn();
    await on.refresh(refreshToken);
    return { handler: on.endpoint.refresh, refreshToken };
  },
  AUTH_RATE_LIMITED: async () => {
    const on = await stage({ ...onRealTime, limits: { byIp: false, byFamily: { points: 1, durationMs: minute } } });
    const { refreshToken } = await on.signIn();
    await on.refresh(refreshToken);
    return { handler: on.endpoint.refresh, refreshToken };
  },
  AUTH_TOKEN_REFRESH_FAILED: async () => ({
    handler: await upstream((response) => response.writeHead(500).end()),
    refreshToken: 'third-party-token',
  }),
  AUTH_UPSTREAM_TIMEOUT: async () => ({
    handler: await upstream(() => undefined, { timeoutMs: 100 }),
    refreshToken: 'third-party-token',
  }),
  AUTH_UNAVAILABLE: async () => {
    const on = await stage({ ...onRealTime, store: brokenStore({ find: fault }) });
    return { handler: on.endpoint.refresh, refreshToken: 'A'.repeat(43) };
  },
};

const expected: Record<string, [status: number, kind: string, isEnd: boolean]> = {
  AUTH_TOKEN_MISSING: [400, 'refused', true],
  AUTH_TOKEN_INVALID: [401, 'refused', true],
  AUTH_TOKEN_EXPIRED: [401, 'refused', true],
  AUTH_TOKEN_REUSED: [401, 'refused', true],
  AUTH_RATE_LIMITED: [429, 'throttled', false],
  AUTH_TOKEN_REFRESH_FAILED: [502, 'server', false],
  AUTH_UPSTREAM_TIMEOUT: [504, 'server', false],
  AUTH_UNAVAILABLE: [503, 'server', false],
};

describe('G17 the client, with its defaults, over HTTP', () => {
  test.each(Object.keys(makers))('%s', async (code) => {
    const { handler, refreshToken } = (await makers[code]?.()) ?? { handler: undefined, refreshToken: undefined };
    if (!handler) throw new Error('no maker');
    const url = await listen(toNodeHandler(handler));
    const bodies: Answer['body'][] = [];
    const session = createTokenSession({
      tokens: { accessToken: 'dead', refreshToken, expiresAt: Date.now() - 1_000 },
      retry: false,
      refresh: async ({ tokens, http }) => {
        const answer = await http
          .post<{ accessToken: string }>(url, { refreshToken: tokens?.refreshToken })
          .catch((error: unknown) => {
            if (axios.isAxiosError(error)) bodies.push(error.response?.data as Answer['body']);
            throw error;
          });
        return answer.data;
      },
    });
    sessions.push(session);
    const [status, kind, isEnd] = expected[code] ?? [];
    const error: unknown = await session.getAccessToken().catch((thrown: unknown) => thrown);
    expect(bodies[0]?.error).toMatchObject({ code, message: expect.any(String), requestId: expect.any(String) });
    expect(error).toMatchObject({
      status,
      kind,
      code: isEnd ? 'AUTH_SESSION_EXPIRED' : 'AUTH_TOKEN_REFRESH_FAILED',
      retryable: !isEnd,
      requestId: bodies[0]?.error?.requestId,
    });
    expect(session.status).toBe(isEnd ? 'expired' : 'active');
  });

  test('every code of the contract has been looked at', () => {
    expect(Object.keys(makers)).toEqual(Object.keys(expected));
    for (const [code, [status]] of Object.entries(expected))
      expect(new AuthError(code as AuthError['code']).status).toBe(status);
  });
});

describe('a fault of the store never looks like a refusal', () => {
  test.each<keyof RefreshStore>(['find', 'settle', 'create'])('%s fails', async (method) => {
    const store = memoryRefreshStore();
    const on = await stage({ store });
    const { refreshToken } = await on.signIn();
    const broken = await stage({ store: { ...store, [method]: fault }, clock: on.clock });
    if (method === 'create') {
      await expect(broken.signIn()).rejects.toMatchObject({ code: 'AUTH_UNAVAILABLE', status: 503 });
    } else {
      const answer = await broken.refresh(refreshToken);
      expect(answer).toMatchObject({ status: 503, outcome: 'AUTH_UNAVAILABLE' });
      expect(answer.headers.get('retry-after')).toBe('1');
      if (method === 'settle') expect((await broken.signOut(refreshToken)).outcome).toBe('AUTH_UNAVAILABLE');
    }
    expect(broken.faults.length).toBeGreaterThan(0);
    on.clock.advance(minute);
    expect((await on.refresh(refreshToken)).status).toBe(200);
  });

  test.each<keyof RefreshStore>(['find', 'settle', 'create', 'revoke', 'auditTrail'])(
    'not even one that has the looks of a refusal, as of a store that asks another endpoint: %s',
    async (method) => {
      const refusal = new AuthError('AUTH_TOKEN_INVALID');
      for (const thrown of [() => Promise.reject(refusal), throwing(refusal)]) {
        const store = memoryRefreshStore();
        const { refreshToken } = await (await stage({ store })).signIn();
        const on = await stage({ store: { ...store, [method]: thrown } });
        const calls: Partial<Record<keyof RefreshStore, () => Promise<unknown>>> = {
          create: () => on.signIn(),
          revoke: () => on.endpoint.revokeSessions({ subject: 'ada' }),
          auditTrail: () => on.endpoint.auditTrail({}),
        };
        const outcome = await (calls[method] ?? (() => on.refresh(refreshToken)))().catch((error: unknown) => error);
        expect(outcome).not.toMatchObject({ code: 'AUTH_TOKEN_INVALID' });
        if (method === 'find' || method === 'settle')
          expect(outcome).toMatchObject({ status: 503, outcome: 'AUTH_UNAVAILABLE' });
        if (on.faults.length > 0) expect(on.faults).toMatchObject([{ name: 'Error', cause: refusal }]);
        else expect(outcome).toMatchObject({ name: 'Error', cause: refusal });
      }
    },
  );

  test('one that hangs is answered for', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const on = await stage({ store: brokenStore({ find: never }), storeTimeoutMs: 50 });
    expect(await on.refresh('A'.repeat(43))).toMatchObject({ status: 503, outcome: 'AUTH_UNAVAILABLE' });
    expect(on.faults).toMatchObject([{ message: 'The store did not answer within 50 ms.' }]);
  });

  test('what it did after its answer was given up is still told: a reuse must not go unnoticed', async () => {
    const store = memoryRefreshStore();
    let isSlow = false;
    let finish: (() => void) | undefined;
    const slow: RefreshStore = {
      ...store,
      settle: async (...all) => {
        if (isSlow) await new Promise<void>((resolve) => (finish = resolve));
        return store.settle(...all);
      },
    };
    const on = await stage({ store: slow, storeTimeoutMs: 50 });
    const { refreshToken } = await on.signIn();
    await on.refresh(refreshToken);
    on.clock.advance(minute);
    isSlow = true;
    expect((await on.refresh(refreshToken)).outcome).toBe('AUTH_UNAVAILABLE');
    finish?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(on.events()).toContain('reused');
    expect(on.suspicions).toMatchObject([{ kind: 'reuse' }]);
  });

  test('one that has failed is not waited for once more, to record that', async () => {
    let finish: (() => void) | undefined;
    const record = (): Promise<void> => new Promise((resolve) => (finish = resolve));
    const on = await stage({ store: brokenStore({ find: fault, record }) });
    expect((await on.refresh('A'.repeat(43))).outcome).toBe('AUTH_UNAVAILABLE');
    expect(on.events()).toStrictEqual([]);
    finish?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(on.events()).toStrictEqual(['failed']);
  });

  test('one whose commit is not known to have happened is asked again, and the user stays signed in', async () => {
    const store = memoryRefreshStore();
    let isBroken = true;
    const halfway: RefreshStore = {
      ...store,
      settle: async (...all) => {
        const verdict = await store.settle(...all);
        if (isBroken) throw new Error('connection lost after the commit');
        return verdict;
      },
    };
    const on = await stage({ store: halfway });
    const { refreshToken } = await on.signIn();
    expect((await on.refresh(refreshToken)).outcome).toBe('AUTH_UNAVAILABLE');
    isBroken = false;
    on.clock.advance(5_000);
    const again = await on.refresh(refreshToken);
    expect(again.status).toBe(200);
    expect((await on.refresh(again.body.refreshToken)).status).toBe(200);
  });

  test('G17 one that reads from a replica that lags signs nobody out: a token is unknown where it would be written only', async () => {
    const store = memoryRefreshStore();
    const behind: RefreshStore = { ...store, find: () => Promise.resolve(undefined) };
    const on = await stage({ store: behind });
    const { refreshToken } = await on.signIn();
    expect((await on.refresh(refreshToken)).status).toBe(200);
    expect((await on.refresh('A'.repeat(43))).outcome).toBe('AUTH_TOKEN_INVALID');
    const replica = await stage({ store: { ...behind, settle: throwing(new Error('read-only transaction')) } });
    expect((await replica.refresh(refreshToken)).outcome).toBe('AUTH_UNAVAILABLE');
  });

  test('nothing of it is told to the caller', async () => {
    const on = await stage({ store: brokenStore({ find: () => Promise.reject(new Error('password=hunter2')) }) });
    const answer = await send(on.endpoint.refresh, { refreshToken: 'A'.repeat(43) });
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    expect(on.faults).toHaveLength(1);
  });
});
