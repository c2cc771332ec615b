/** The session of the page: the access token in memory alone, the refresh token in a cookie that no script can read. */
import axios, { type AxiosInstance } from 'axios';
import { decodeToken, installTokenRefresh, type TokenSession, type TokenSet } from 'axios-token-refresh';
import { browserStore } from 'axios-token-refresh/browser';
import { jsonRefresh } from 'axios-token-refresh/grants';
import type { AdjustableClock } from './clock.js';
import type { Wire } from './wire.js';

export type User = 'alice' | 'bob';

export interface Account {
  readonly api: AxiosInstance;
  readonly session: TokenSession;
  /** Who is, or was last, signed in. */
  readonly user: string | undefined;
  /** Brings back the session of the cookie, if there is one. What comes of it is in the session's snapshot. */
  restore(): void;
  signIn(user: User): Promise<void>;
  /** Only the server can take the cookie back: if it cannot be reached, this rejects and nobody is signed out. */
  signOut(): Promise<void>;
}

/** Of this session: the package's defaults, written down for the timeline. */
export const refreshWindow = { maxMs: 120_000, ttlFraction: 0.2 };

const { refresh: refreshByCookie } = jsonRefresh({ url: '/auth/refresh', cookie: true });

export function createAccount(baseURL: string, wire: Wire, clock: AdjustableClock): Account {
  const api = axios.create({ baseURL, adapter: wire.adapter });
  let user: string | undefined;

  const session = installTokenRefresh(api, {
    async refresh(context) {
      const tokens = await refreshByCookie(context);
      user = decodeToken(typeof tokens === 'string' ? tokens : tokens.accessToken).sub;
      return tokens;
    },
    store: browserStore({ key: 'demo', persist: 'memory' }),
    refreshWindow,
    clock,
  });

  const restore = (): void => {
    session.refresh().catch(() => undefined);
  };
  // Another tab has signed in: what is shared says who, and no token.
  session.on('tokens.changed', ({ expiresAt = Infinity }) => {
    if (expiresAt <= clock.now()) restore();
  });

  return {
    api,
    session,
    get user() {
      return user;
    },
    restore() {
      void session.ready.then(restore);
    },
    async signIn(name) {
      const { data } = await api.post<TokenSet>(`/auth/sign-in/${name}`, undefined, {
        tokenRefresh: false,
        withCredentials: true,
      });
      user = name;
      await session.setTokens(data);
    },
    async signOut() {
      await api.post('/auth/sign-out', undefined, { tokenRefresh: false, withCredentials: true });
      await session.signOut();
    },
  };
}
