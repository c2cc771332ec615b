/** An API that refuses the first token, an Axios instance and a session on it, and a refresh that brings the next. */
import axios, { type AxiosInstance, type CreateAxiosDefaults } from 'axios';
import { afterEach } from '@jest/globals';
import {
  installTokenRefresh,
  type RefreshContext,
  type TokenSession,
  type TokenSessionOptions,
} from '../../src/index.js';
import { startServer, type ScriptedServer, type Script } from '../support/server.js';

export const adapters = ['http', 'fetch'] as const;
export type AdapterName = (typeof adapters)[number];

const ends: (() => unknown)[] = [];

/** Ends something after the test, last come, first served. */
export function afterwards(end: () => unknown): void {
  ends.push(end);
}

afterEach(async () => {
  for (let end = ends.pop(); end; end = ends.pop()) await end();
});

export async function server(script?: Script): Promise<ScriptedServer> {
  const started = await startServer(script);
  afterwards(() => started.close());
  return started;
}

/** Answers 200 to `good` and 401 to any other token, with what came in as the body. */
export const accepting =
  (good: string): Script =>
  ({ token, method, url }) =>
    token === good ? { body: { ok: true, method, url } } : { status: 401, body: { error: 'invalid_token' } };

/** Answers one after the other; the last one stays. */
export const inTurn =
  (...answers: Awaited<ReturnType<Script>>[]): Script =>
  (_, index) =>
    answers[Math.min(index, answers.length - 1)] ?? {};

export const refusal = { status: 401, body: { error: 'invalid_token' } } as const;

export interface Scene {
  readonly api: ScriptedServer;
  readonly instance: AxiosInstance;
  readonly session: TokenSession;
  /** Calls of the refresh callback. */
  readonly refreshes: RefreshContext[];
}

export interface SceneOptions {
  readonly adapter: AdapterName;
  readonly script?: Script;
  readonly axios?: CreateAxiosDefaults;
  readonly session?: Partial<TokenSessionOptions>;
  /** Done to the instance before and after the plugin is installed. */
  readonly before?: (instance: AxiosInstance) => void;
  readonly after?: (instance: AxiosInstance) => void;
}

/**
 * Signed in with the token `first`. Each refresh brings the next one: `token-2`, `token-3` and so on, of unknown
 * expiry. Unless told otherwise the API accepts `token-2`.
 */
export async function scene(options: SceneOptions): Promise<Scene> {
  const api = await server(options.script ?? accepting('token-2'));
  const instance = axios.create({ baseURL: api.url, adapter: options.adapter, timeout: 4_000, ...options.axios });
  options.before?.(instance);
  const refreshes: RefreshContext[] = [];
  const session = installTokenRefresh(instance, {
    tokens: 'first',
    refresh: (context) => `token-${refreshes.push(context) + 1}`,
    ...options.session,
  });
  afterwards(() => session.dispose());
  options.after?.(instance);
  return { api, instance, session, refreshes };
}

/** A promise that a test settles. */
export interface Gate<T> {
  readonly promise: Promise<T>;
  readonly open: (value: T) => void;
  readonly fail: (error: unknown) => void;
}

export function gate<T>(): Gate<T> {
  let open: (value: T) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

/** Resolves when the session next tells of `type`. */
export function heard(
  session: TokenSession,
  type: 'request.queued' | 'refresh.started' | 'refresh.failed',
): Promise<unknown> {
  return new Promise((resolve) => session.once(type, resolve));
}

/** What a promise rejects with; an error of its own if it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

/** Reads a streamed body to its end. */
export async function textOf(body: unknown): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
