/** A PostgreSQL of our own on a free port, or that of `DATABASE_URL`. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);

export interface Postgres {
  readonly url: string;
  /** Makes an empty database and returns its URL. */
  database(): Promise<string>;
  close(): Promise<void>;
}

export interface OwnPostgres extends Postgres {
  /** Stops it as an operator would, breaking open connections, and starts it again. */
  restart(): Promise<void>;
}

const given = process.env['DATABASE_URL'];

/** Debian keeps the server's programs out of the path. */
function programs(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const folders = [
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'pg_ctl')));
}

const folder = programs();

/** Whether there is one: our own can be restarted, that of `DATABASE_URL` cannot. */
export const hasPostgres = ({ own = false } = {}): boolean => folder !== undefined || (given !== undefined && !own);

async function freshDatabase(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const name = `refresh_${Date.now()}_${Math.floor(Math.random() * 1e6)}`;
  await client.query(`create database ${name}`);
  await client.end();
  const fresh = new URL(url);
  fresh.pathname = `/${name}`;
  return fresh.href;
}

export async function startPostgres(): Promise<Postgres> {
  if (given === undefined) return startOwnPostgres();
  return { url: given, database: () => freshDatabase(given), close: async () => undefined };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @param durable waits for the disk at each commit, as in production; tests need no more than a crash of a process */
export async function startOwnPostgres({ durable = false } = {}): Promise<OwnPostgres> {
  if (folder === undefined) throw new Error('There is no PostgreSQL on this machine.');
  const data = await mkdtemp(join(tmpdir(), 'axios-token-refresh-pg-'));
  // It refuses to run as root.
  const asRoot = process.getuid?.() === 0;
  const id = (kind: string): number => Number(execFileSync('id', [kind, 'postgres']).toString());
  const user = asRoot ? { uid: id('-u'), gid: id('-g') } : {};
  if (asRoot) await chown(data, id('-u'), id('-g'));
  const program = (name: string, ...all: string[]): Promise<unknown> =>
    run(join(folder, name), all, { ...user, cwd: data, env: { ...process.env, LC_ALL: 'C' } });
  await program('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8');
  const port = await freePort();
  const settings = `-p ${port} -h 127.0.0.1 -k '' -c fsync=${durable ? 'on' : 'off'} -c max_connections=100`;
  const start = (): Promise<unknown> =>
    program('pg_ctl', 'start', '-w', '-s', '-D', data, '-o', settings, '-l', join(data, 'server.log'));
  const stop = (mode: string): Promise<unknown> => program('pg_ctl', 'stop', '-w', '-s', '-D', data, '-m', mode);
  await start();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    url,
    database: () => freshDatabase(url),
    async restart() {
      await stop('fast');
      await start();
    },
    async close() {
      await stop('immediate');
      await rm(data, { recursive: true, force: true });
    },
  };
}
