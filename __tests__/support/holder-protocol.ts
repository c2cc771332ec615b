/** What `holders.ts` and its processes agree on. */
import type { SessionStatus, TokenSet } from '../../src/index.js';

export interface Joining {
  readonly redisUrl: string;
  readonly key: string;
  readonly client: 'ioredis' | 'node-redis';
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly apiUrl: string;
  /** How far this process's clock is ahead of the machine's, in milliseconds. */
  readonly aheadMs: number;
  /** How long the refresh callback waits before it asks the server, in milliseconds. */
  readonly hesitateMs: number;
  /** Methods that the store is to lack, to see what they are for. */
  readonly without: readonly ('exclusive' | 'subscribe' | 'replace')[];
  /** Where the session lives: `alone`, in the memory of each process. */
  readonly store: 'redis' | 'alone';
}

export type Order =
  | { readonly action: 'join'; readonly joining: Joining }
  | { readonly action: 'sign-in'; readonly tokens: TokenSet }
  | { readonly action: 'burst'; readonly requests: number }
  | { readonly action: 'sign-out' | 'refresh' | 'report' | 'leave' };

export interface Report {
  readonly status: SessionStatus;
  readonly generation: number;
  /** By the clock of the machine, whatever that of the process. */
  readonly expiresAt: number;
  /** What the session has told, by type; `store.failed` with its action behind it. */
  readonly told: Readonly<Record<string, number>>;
  /** The requests that failed, by code. */
  readonly failed: Readonly<Record<string, number>>;
  readonly answered: number;
  /** Durations of `refresh.succeeded`, in milliseconds. */
  readonly refreshMs: readonly number[];
}

export type FromHolder =
  { readonly id: number; readonly report: Report; readonly error?: string } | 'ready' | 'refreshing';
export type ToHolder = Order & { readonly id: number };
