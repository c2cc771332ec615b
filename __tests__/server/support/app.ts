/** Starts applications as processes of their own, and talks to them. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SigningKey } from '../../../src/server/index.js';

export interface AppInput {
  /** A URL of PostgreSQL, or the path of a SQLite file. */
  readonly place: string;
  readonly key: SigningKey;
  /** 0 for any that is free. */
  readonly port: number;
  readonly accessTokenTtlMs: number;
  readonly graceMs: number;
}

export type AppRequest =
  { readonly action: 'race'; readonly token: string; readonly count: number } | { readonly action: 'die-after-commit' };

export interface RaceOutcome {
  readonly refreshToken: string | undefined;
  readonly code: string | undefined;
}

export interface App {
  readonly url: string;
  readonly port: number;
  /** Refreshes one token `count` times at once. */
  race(token: string, count: number): Promise<RaceOutcome[]>;
  /** The next refresh ends the process between commit and answer. Resolves to what waits for that end. */
  dieAfterCommit(): Promise<{ readonly dead: Promise<unknown> }>;
  close(): Promise<void>;
}

export async function startApp(input: Pick<AppInput, 'place' | 'key'> & Partial<AppInput>): Promise<App> {
  const path = fileURLToPath(new URL('./app-process.ts', import.meta.url));
  const whole: AppInput = { port: 0, accessTokenTtlMs: 900_000, graceMs: 10_000, ...input };
  const child = fork(path, [JSON.stringify(whole)], { execArgv: ['--import', 'tsx'] });
  const { port } = (await answer(child)) as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async race(token, count) {
      const outcomes = answer(child);
      child.send({ action: 'race', token, count } satisfies AppRequest);
      return ((await outcomes) as { outcomes: RaceOutcome[] }).outcomes;
    },
    async dieAfterCommit() {
      const armed = answer(child);
      child.send({ action: 'die-after-commit' } satisfies AppRequest);
      await armed;
      return { dead: once(child, 'exit') };
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

async function answer(child: ChildProcess): Promise<unknown> {
  const done = new AbortController();
  const ended = once(child, 'exit', { signal: done.signal }).then(() => {
    throw new Error('The application ended before it answered.');
  });
  try {
    const message = once(child, 'message', { signal: done.signal });
    const [told] = (await Promise.race([message, ended])) as [unknown];
    return told;
  } finally {
    ended.catch(() => undefined);
    done.abort();
  }
}
