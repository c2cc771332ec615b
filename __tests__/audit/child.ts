/** A process that keeps an audit: `child.ts <directory> <mode>`. */
import { fileAudit } from '../../src/audit/index.js';
import { createTokenSession } from '../../src/index.js';

const [directory = '', mode = ''] = process.argv.slice(2);
let code: unknown;
let buffered = 0;
const audit = fileAudit({
  directory,
  onFault: (fault) => {
    ({ code } = fault.error as NodeJS.ErrnoException);
    ({ buffered } = fault);
  },
});
const now = Date.now();
const session = createTokenSession({
  refresh: ({ operationId }) => `token-${operationId}`,
  retry: false,
  // Where time stands still all lines are equally long, and none of them ends at the limit.
  ...(mode === 'torn' && { clock: { now: () => now, monotonic: () => 0, setTimeout, clearTimeout } }),
});
audit(session);

async function refresh(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await session.refresh();
}

/** A refresh makes two records at first, one later. */
const records = 1 + 20;

const modes: Record<string, () => Promise<void>> = {
  /** Each record in a turn of its own, so that processes write between each other's lines. */
  async many() {
    for (let done = 0; done < 200; done++) {
      await refresh(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
  async torn() {
    await refresh(20);
    audit.flush();
    console.log(JSON.stringify({ code, buffered, made: records }));
    process.exit();
  },
  async end() {
    await refresh(3);
  },
  async exit() {
    await refresh(3);
    process.exit(3);
  },
  async throw() {
    await refresh(3);
    setImmediate(() => {
      throw new Error('The app has a bug.');
    });
  },
  /** The app ends itself when it is told to. */
  async handled() {
    process.once('SIGTERM', () => {
      void refresh(1).then(() => process.exit(0));
    });
    await refresh(3);
    setInterval(() => undefined, 1_000);
    console.log('ready');
  },
  /** Nobody listens for the signal. */
  async unhandled() {
    await refresh(3);
    setInterval(() => undefined, 1_000);
    setImmediate(() => console.log('ready'));
  },
};
await modes[mode]?.();
