/** An example as its script starts it: a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ExampleServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Needs the built package, and the repository as the working directory. */
export async function startExample(main = 'examples/react/server/main.ts'): Promise<ExampleServer> {
  const server = spawn(process.execPath, ['--import', 'tsx', main], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await addressOf(server);
  return {
    url,
    async close() {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}

async function addressOf(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error('the example cannot be heard');
  for await (const line of createInterface(server.stdout)) {
    const address = /http:\/\/\S+/.exec(line)?.[0];
    if (address !== undefined) return address;
  }
  throw new Error('the example ended before it told its address');
}
