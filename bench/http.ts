/** Section `http`: the same requests over loopback HTTP. The server is a child process, so its work is not the client's. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import { ALL, BARE, LIMIT, makeInstance } from './contenders.js';
import { measure, type Plan, type Variant } from './measure.js';
import { costTable } from './table.js';
import { makeToken } from './token.js';

const CONCURRENCY = 16;

export async function http(quick: boolean): Promise<string> {
  const plan: Plan = quick
    ? { rounds: 10, requestsPerRound: 96, concurrency: CONCURRENCY }
    : { rounds: 480, requestsPerRound: 112, concurrency: CONCURRENCY };
  const server = await startServer();
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  try {
    const samples = await measure(await makeVariants(server.port, agent), plan);
    const shape = `${plan.rounds} rounds x ${plan.requestsPerRound} requests, ${CONCURRENCY} at a time`;
    return `GET, loopback HTTP with keep-alive, server in a child process (${shape})\n\n${costTable(samples, BARE, LIMIT)}`;
  } finally {
    agent.destroy();
    await server.stop();
  }
}

async function makeVariants(port: number, agent: Agent): Promise<Variant[]> {
  const token = makeToken(3600);
  const defaults = { baseURL: `http://127.0.0.1:${port}`, httpAgent: agent, proxy: false as const };
  const variants: Variant[] = [];
  for (const name of ALL) {
    const instance = await makeInstance(name, defaults, token);
    variants.push({ name, send: () => instance.get('/items/1') });
  }
  return variants;
}

/** The server, in a process of its own. */
export async function startServer(): Promise<{ port: number; stop: () => Promise<void> }> {
  const server = fork(fileURLToPath(new URL('./server.ts', import.meta.url)));
  const stop = async (): Promise<void> => {
    server.disconnect();
    await once(server, 'exit');
  };
  return { port: await portOf(server), stop };
}

async function portOf(server: ChildProcess): Promise<number> {
  const [message] = (await once(server, 'message')) as unknown[];
  if (typeof message !== 'number') throw new TypeError('The server did not tell its port');
  return message;
}
