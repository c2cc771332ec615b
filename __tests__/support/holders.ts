/** Processes that share one session. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromHolder, Order, Report, ToHolder } from './holder-protocol.js';

export interface HolderProcess {
  order(order: Order): Promise<Report>;
  /** Resolves with the next call of its refresh callback. */
  refreshing(): Promise<void>;
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Disposes of its session, closes its client, and waits for it to end by itself. Its exit status. */
  leave(): Promise<number | null>;
}

export async function startHolder(): Promise<HolderProcess> {
  const path = fileURLToPath(new URL('./holder-process.ts', import.meta.url));
  const child = fork(path, [], { execArgv: ['--import', 'tsx'] });
  const open = new Map<number, { resolve: (report: Report) => void; reject: (error: Error) => void }>();
  const waiting: (() => void)[] = [];
  let lastId = 0;
  const ready = new Promise<void>((resolve, reject) => {
    child.once('exit', () => {
      const ended = new Error('The process has ended.');
      for (const { reject } of open.values()) reject(ended);
      reject(ended);
    });
    child.on('message', (message: FromHolder) => {
      if (message === 'ready') resolve();
      else if (message === 'refreshing') for (const tell of waiting.splice(0)) tell();
      else {
        const { id, report, error } = message;
        if (error === undefined) open.get(id)?.resolve(report);
        else open.get(id)?.reject(new Error(error));
        open.delete(id);
      }
    });
  });
  await ready;
  const order = (given: Order): Promise<Report> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      open.set(id, { resolve, reject });
      child.send({ ...given, id } satisfies ToHolder);
    });
  return {
    order,
    refreshing: () => new Promise((resolve) => waiting.push(resolve)),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    async leave() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, 'exit') as Promise<[number | null]>;
      await order({ action: 'leave' });
      child.disconnect();
      return (await exited)[0];
    },
  };
}

/** The same for every one of them, at once. */
export function all(holders: readonly HolderProcess[], order: Order): Promise<Report[]> {
  return Promise.all(holders.map((holder) => holder.order(order)));
}
