/** A real Redis: that of `REDIS_URL`, or one started on a free port of this machine, which keeps nothing on disk. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';

export interface RedisServer {
  readonly url: string;
  /** Ends the process. What it held is lost. */
  stop(): Promise<void>;
  /** Lets it take commands and answer none, until `thaw()`. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, unless it runs. */
  start(): Promise<void>;
}

const { REDIS_URL } = process.env;
const ignore = (): void => undefined;
const nothing = async (): Promise<void> => {};

/**
 * The Redis of `REDIS_URL` if `canBeShared`, or one of our own. Its `stop` leaves one that is not ours alone. A cluster
 * has this node alone, with all slots.
 */
export async function startRedis({ canBeShared = false, isCluster = false } = {}): Promise<RedisServer> {
  if (REDIS_URL && canBeShared) return { url: REDIS_URL, start: nothing, stop: nothing, freeze: ignore, thaw: ignore };
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const isRunning = (): boolean => child?.exitCode === null && child.signalCode === null;
  const server: RedisServer = {
    url,
    async start() {
      if (isRunning()) return;
      const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
      if (isCluster) options.push('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1');
      const directory = await mkdtemp(join(tmpdir(), 'redis-'));
      child = spawn('redis-server', [...options, '--dir', directory], { stdio: 'ignore' });
      child.once('exit', () => void rm(directory, { recursive: true, force: true }));
      await answers(url);
      if (isCluster) await takeSlots(url);
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async stop() {
      if (!child || !isRunning()) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
  await server.start();
  return server;
}

async function answers(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    for (let looks = 0; ; looks += 1) {
      try {
        await client.connect();
        await client.ping();
        return;
      } catch (error) {
        if (looks === 2_000) throw error;
        await pause(10);
      }
    }
  } finally {
    client.disconnect();
  }
}

async function takeSlots(url: string): Promise<void> {
  const client = new Redis(url);
  await client.call('cluster', 'addslotsrange', '0', '16383');
  while (!(await client.cluster('INFO')).includes('cluster_state:ok')) await pause(10);
  client.disconnect();
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
