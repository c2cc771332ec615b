/** A token endpoint in a process of its own, and how to speak to it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const storages = ['memory', 'SQLite', 'PostgreSQL'] as const;
export type Storage = (typeof storages)[number];
export type Kind = 'axios-token-refresh' | 'oidc-provider';

/** Where a contender keeps its tokens: nothing, the path of a file, or a URL. */
export interface ContenderInput {
  readonly storage: Storage;
  readonly place: string;
  /** Sessions that it begins before it is measured. */
  readonly sessions: number;
}

/** What its process tells when it is ready. */
export interface Ready {
  readonly url: string;
  /** One refresh token for each session. */
  readonly tokens: readonly string[];
}

export interface Contender {
  readonly name: string;
  /** Exchanges a refresh token over HTTP for the next. */
  readonly refresh: (refreshToken: string) => Promise<string>;
  /** The newest refresh token of each session. */
  readonly tokens: string[];
  close(): Promise<void>;
}

const protocols: Record<Kind, { readonly file: string; readonly request: (token: string) => RequestInit }> = {
  'axios-token-refresh': {
    file: './ours-process.ts',
    request: (refreshToken) => ({
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ refreshToken }),
    }),
  },
  'oidc-provider': {
    file: './oidc-process.ts',
    request: (token) => ({
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'bench', refresh_token: token }),
    }),
  },
};

export async function startContender(kind: Kind, input: ContenderInput): Promise<Contender> {
  const { file, request } = protocols[kind];
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = fork(path, [JSON.stringify(input)], { execArgv: ['--import', 'tsx'], silent: false });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${kind} ended before it was asked to`)));
  ended.catch(() => undefined);
  const [{ url, tokens }] = (await Promise.race([once(child, 'message'), ended])) as [Ready];
  return {
    name: `${kind}, ${input.storage}`,
    tokens: [...tokens],
    async refresh(refreshToken) {
      const response = await fetch(url, { method: 'POST', ...request(refreshToken) });
      const body = (await response.json()) as { refreshToken?: string; refresh_token?: string };
      const next = body.refreshToken ?? body.refresh_token;
      if (next === undefined) throw new Error(`${kind}, ${input.storage}: ${response.status} ${JSON.stringify(body)}`);
      return next;
    },
    async close() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
