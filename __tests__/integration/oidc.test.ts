import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import axios, { type AxiosInstance } from 'axios';
import { createTokenSession, type RefreshCallback, type TokenSession, type TokenSet } from '../../src/index.js';
import { startApi, type Api, type ApiCounts, type Echo } from '../support/api.js';
import { startAuthorizationServer, type AuthorizationServer, type AuthorizationServerCounts } from '../support/oidc.js';
import { adapters, afterwards, failureOf, type AdapterName } from './scene.js';

let auth: AuthorizationServer;
let api: Api;

/** Starts both servers for the tests of the block. */
function withServers(accessTokenTtl: number): void {
  beforeAll(async () => {
    auth = await startAuthorizationServer({ accessTokenTtl, delayMs: 50 });
    api = await startApi({ verify: (token) => auth.verify(token) });
  }, 30_000);

  afterAll(async () => {
    await api.close();
    await auth.close();
  });
}

type TokenResponse = Record<'access_token' | 'refresh_token', string>;

const grant = (tokens: TokenSet | undefined): URLSearchParams =>
  new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: auth.clientId,
    refresh_token: tokens?.refreshToken ?? '',
  });

const granted = ({ access_token, refresh_token }: TokenResponse): TokenSet => ({
  accessToken: access_token,
  refreshToken: refresh_token,
});

const refresh: RefreshCallback = async ({ tokens, http }) =>
  granted((await http.post<TokenResponse>(auth.tokenEndpoint, grant(tokens))).data);

/** Goes on when nobody wants its answer any longer. */
const deafRefresh: RefreshCallback = async ({ tokens }) => {
  const response = await fetch(auth.tokenEndpoint, { method: 'POST', body: grant(tokens) });
  return granted((await response.json()) as TokenResponse);
};

interface SignedIn {
  readonly session: TokenSession;
  readonly client: (adapter: AdapterName) => AxiosInstance;
  readonly tokens: TokenSet;
}

let users = 0;

async function signIn(change: Partial<TokenSet> = {}, callback = refresh): Promise<SignedIn> {
  const { accessToken, refreshToken } = await auth.signIn(`user-${++users}`);
  const tokens = { accessToken, refreshToken, ...change };
  const session = createTokenSession({ tokens, refresh: callback });
  afterwards(() => session.dispose());
  const client = (adapter: AdapterName): AxiosInstance => {
    const instance = axios.create({ baseURL: api.url, adapter, timeout: 10_000 });
    session.attach(instance);
    return instance;
  };
  return { session, client, tokens };
}

/** A session restored with an access token that has died meanwhile. */
const restore = (callback = refresh): Promise<SignedIn> => signIn({ expiresAt: Date.now() - 1_000 }, callback);

/** Counts what happens at both servers from now on. */
async function counting(): Promise<() => Promise<AuthorizationServerCounts & ApiCounts>> {
  const before = { ...(await auth.counts()), ...api.counts };
  return async () => {
    const now = { ...(await auth.counts()), ...api.counts };
    const names = Object.keys(now) as (keyof typeof now)[];
    return Object.fromEntries(names.map((name) => [name, now[name] - before[name]])) as unknown as typeof now;
  };
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const pause = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks until it is so; gives up rather than looking for ever. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let looks = 0; !(await isSo()); looks++) {
    if (looks === 4_000) throw new Error('it has not come about');
    await pause(5);
  }
}

describe('with a real authorization server', () => {
  withServers(60);

  describe.each(adapters)('over %s', (adapter) => {
    test('a signed-in user is served', async () => {
      const counted = await counting();
      const { client } = await signIn();
      const { data } = await client(adapter).post<Echo>('/orders', { id: 1 });
      expect(data).toMatchObject({ method: 'POST', url: '/orders', body: '{"id":1}' });
      expect(await counted()).toMatchObject({ requests: 1, accepted: 1 });
    });

    test('G7 a hundred requests with a dead token make one refresh, and none is sent with it', async () => {
      const { client, session } = await restore();
      const counted = await counting();
      const instance = client(adapter);
      const answers = await Promise.all(times(100, (id) => instance.post<Echo>('/orders', { id })));
      expect(new Set(answers.map(({ data }) => data.body)).size).toBe(100);
      expect(await counted()).toMatchObject({ refreshes: 1, refused: 0, reuses: 0, requests: 100, accepted: 100 });
      expect(session.status).toBe('active');
    });

    test('G15 a revoked token is replaced, and the request replayed', async () => {
      const { client, tokens } = await signIn();
      const counted = await counting();
      api.revoke(tokens.accessToken);
      const { data } = await client(adapter).post<Echo>('/orders', { id: 7 });
      expect(data).toMatchObject({ method: 'POST', body: '{"id":7}' });
      expect(await counted()).toMatchObject({ refreshes: 1, reuses: 0, requests: 2, revoked: 1, accepted: 1 });
    });

    test('G8 a hundred requests with a revoked token make one refresh', async () => {
      const { client, tokens } = await signIn();
      const counted = await counting();
      api.revoke(tokens.accessToken);
      const instance = client(adapter);
      await Promise.all(times(100, (id) => instance.post('/orders', { id })));
      expect(await counted()).toMatchObject({ refreshes: 1, refused: 0, reuses: 0, accepted: 100 });
    });

    test('G11 a sign-out while requests wait rejects them, and nothing is sent', async () => {
      const { client, session } = await restore(deafRefresh);
      const counted = await counting();
      const instance = client(adapter);
      const waiting = times(20, () => failureOf(instance.get('/orders')));
      await until(() => session.getSnapshot().waiting === 20);
      await session.signOut();
      for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
      expect(session.status).toBe('signed-out');
      // The server answers for all that, and the answer changes nothing.
      await until(async () => (await counted()).refreshes === 1);
      await pause(20);
      expect(session.getSnapshot()).toMatchObject({ status: 'signed-out', isRefreshing: false, waiting: 0 });
      expect(await counted()).toMatchObject({ requests: 0, refreshes: 1 });
      // Whoever signs in next is served as themselves.
      const { accessToken, refreshToken } = await auth.signIn('grace');
      await session.setTokens({ accessToken, refreshToken });
      const { data } = await instance.get<Echo>('/orders');
      expect(data.headers).toMatchObject({ authorization: `Bearer ${accessToken}` });
    });

    test('G17 a refusal ends the session; a new sign-in begins the next', async () => {
      const { client, session } = await restore();
      await auth.revokeSubject(`user-${users}`);
      const ends: unknown[] = [];
      session.on('session.expired', ({ error }) => ends.push(error.code));
      const counted = await counting();
      const instance = client(adapter);
      const errors = await Promise.all(times(20, () => failureOf(instance.get('/orders'))));
      for (const error of errors) {
        expect(error).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', kind: 'refused', status: 400, attempts: 1 });
      }
      expect(ends).toStrictEqual(['AUTH_SESSION_EXPIRED']);
      expect(session.status).toBe('expired');
      expect(await counted()).toMatchObject({ requests: 0, refreshes: 1, refused: 1, reuses: 0 });
      const { accessToken, refreshToken } = await auth.signIn('ada');
      await session.setTokens({ accessToken, refreshToken });
      await expect(instance.get('/orders')).resolves.toMatchObject({ status: 200 });
    });
  });
});

describe('with a real authorization server, over time', () => {
  const ttlSeconds = 3;
  withServers(ttlSeconds);

  test('two sessions with the same refresh token are found out: what the others must not cause', async () => {
    const one = await restore();
    const other = createTokenSession({ tokens: one.tokens, refresh });
    afterwards(() => other.dispose());
    const counted = await counting();
    await one.session.refresh();
    expect(await failureOf(other.refresh())).toMatchObject({ code: 'AUTH_SESSION_EXPIRED' });
    expect(await counted()).toMatchObject({ refreshes: 2, refused: 1, reuses: 1 });
  });

  test('G7 a hundred requests at the moment of expiry make one refresh', async () => {
    const { client, session } = await signIn();
    const [http, fetch] = [client('http'), client('fetch')];
    const { expiresAt = 0 } = session.getSnapshot();
    const counted = await counting();
    await pause(expiresAt - Date.now() + 1);
    const answers = await Promise.all(times(100, (id) => (id % 2 === 0 ? http : fetch).post<Echo>('/orders', { id })));
    expect(new Set(answers.map(({ data }) => data.body)).size).toBe(100);
    expect(await counted()).toMatchObject({ refreshes: 1, refused: 0, reuses: 0, expired: 0, accepted: 100 });
  });

  test('traffic over several lifetimes: every request is served, no refresh token is used twice', async () => {
    const { client, session } = await signIn();
    const [http, fetch] = [client('http'), client('fetch')];
    const counted = await counting();
    const used = new Set<string>();
    const until = Date.now() + 1.8 * ttlSeconds * 1_000;
    while (Date.now() < until) {
      const answers = await Promise.all([http.get<Echo>('/orders'), fetch.get<Echo>('/orders'), pause(25)]);
      for (const { data } of answers.slice(0, 2) as { data: Echo }[]) used.add(String(data.headers['authorization']));
    }
    const { refreshes, refused, reuses } = await counted();
    expect([refused, reuses]).toStrictEqual([0, 0]);
    expect(refreshes).toBeGreaterThanOrEqual(2);
    expect(used.size).toBeGreaterThanOrEqual(refreshes);
    expect(session.getSnapshot()).toMatchObject({ status: 'active', consecutiveFailures: 0 });
  }, 15_000);
});
