/** Who issues the tokens of the demo: a provider that others wrote, and the server half of this package. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RefreshCallback, TokenSet } from 'axios-token-refresh';
import {
  createRefreshEndpoint,
  generateSigningKey,
  memoryRefreshStore,
  toNodeHandler,
  type AuditEvent,
} from 'axios-token-refresh/server';
import type { AuthorizationServer, AuthorizationServerCounts } from '../../__tests__/support/oidc.js';
import { refreshAt, refreshAtOurs } from './refresh.js';

export interface Authority {
  readonly name: string;
  /** What the application passes to the plugin. */
  readonly refresh: RefreshCallback;
  signIn(subject: string): Promise<TokenSet>;
  verify(accessToken: string): Promise<unknown>;
  counts(): Promise<AuthorizationServerCounts>;
  close(): Promise<void>;
}

export interface AuthorityOptions {
  /** Seconds. */
  readonly accessTokenTtl: number;
  /** How long a refresh takes at least, in milliseconds. */
  readonly delayMs: number;
}

export function provider(server: AuthorizationServer): Authority {
  return {
    name: 'oidc-provider',
    refresh: refreshAt(server),
    signIn: (subject) => server.signIn(subject),
    verify: (accessToken) => server.verify(accessToken),
    counts: () => server.counts(),
    close: () => server.close(),
  };
}

export async function ours({ accessTokenTtl, delayMs }: AuthorityOptions): Promise<Authority> {
  const seen: AuditEvent[] = [];
  const count = (...events: AuditEvent[]): number => seen.filter((event) => events.includes(event)).length;
  const endpoint = createRefreshEndpoint({
    store: memoryRefreshStore(),
    accessTokens: {
      issuer: 'https://auth.example.com',
      audience: 'https://api.example.com',
      keys: [await generateSigningKey()],
      ttlMs: accessTokenTtl * 1000,
    },
    audit: ({ event }) => seen.push(event),
  });
  const server = createServer(
    toNodeHandler(async (request, connection) => {
      await sleep(delayMs);
      return endpoint.refresh(request, connection);
    }),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    name: 'axios-token-refresh/server',
    refresh: refreshAtOurs(`http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/refresh-token`),
    signIn: async (subject) => (await endpoint.startSession({ subject })).body,
    verify: (accessToken) => endpoint.verifyAccessToken(accessToken),
    counts: () =>
      Promise.resolve({
        refreshes: count('refreshed', 'grace', 'refused', 'reused'),
        refused: count('refused', 'reused'),
        reuses: count('reused'),
      }),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
