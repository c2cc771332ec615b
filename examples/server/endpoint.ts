/** What the three servers have in common: an endpoint over a SQLite file. */
import {
  createRefreshEndpoint,
  generateSigningKey,
  sqliteRefreshStore,
  type RefreshEndpoint,
} from 'axios-token-refresh/server';

export async function createEndpoint(path: string): Promise<RefreshEndpoint> {
  return createRefreshEndpoint({
    store: await sqliteRefreshStore(path),
    // Yours come from where you keep secrets: a key made here is gone with the process, and its tokens with it.
    accessTokens: {
      issuer: 'https://auth.example.com',
      audience: 'https://api.example.com',
      keys: [await generateSigningKey()],
    },
    audit: (record) => process.stdout.write(`${JSON.stringify(record)}\n`),
  });
}

/** Stands for your own sign-in: asks no password. */
export function subjectOf(body: unknown): string {
  const { subject } = (body ?? {}) as { subject?: unknown };
  return typeof subject === 'string' ? subject : '';
}
