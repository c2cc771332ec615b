/** The two clients, each by the methods that it is used by. */
import { hasMethods } from '../../core/checks.js';
import { field } from '../../core/redact.js';

interface Emitter {
  on(event: string, listener: (...values: string[]) => void): unknown;
  off(event: string, listener: (...values: string[]) => void): unknown;
  getMaxListeners(): number;
  setMaxListeners(most: number): unknown;
}

/** A client of the package `ioredis`, version 5 or later. */
export interface IoRedisClient extends Emitter {
  readonly status: string;
  call(command: string, ...values: string[]): Promise<unknown>;
  duplicate(): IoRedisClient;
  connect(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  disconnect(): void;
}

/** A client of the package `redis` (node-redis), version 5 or later. */
export interface NodeRedisClient extends Emitter {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  sendCommand(values: string[]): Promise<unknown>;
  duplicate(): NodeRedisClient;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  destroy(): void;
}

export type RedisClient = IoRedisClient | NodeRedisClient;

/** What is made of a message, and of a connection that has come up or come back. */
export interface Listener {
  readonly heard: (message: string) => void;
  readonly connected: () => void;
}

/** A client, whichever it is. */
export interface Link {
  /** What the client puts in front of each key. */
  readonly keyPrefix: string;
  /** A command would be sent now. */
  readonly isReady: boolean;
  /** Calls `listener` each time that the connection is there. Returns what ends that. */
  whenReady(listener: () => void): () => void;
  send(values: readonly string[]): Promise<unknown>;
  /** Listens to a channel, on a connection of its own. Returns what closes it. */
  listen(channel: string, listener: Listener): () => void;
}

const methodsOfBoth = ['on', 'off', 'getMaxListeners', 'setMaxListeners', 'duplicate', 'connect', 'subscribe'];

/** Tells the clients apart by their methods. Throws a `TypeError` for anything else. */
export function linkOf(client: RedisClient): Link {
  if (hasMethods(client, [...methodsOfBoth, 'call', 'disconnect'])) return ofIoRedis(client as IoRedisClient);
  // A cluster, a sentinel and a pool, which take commands in another form, cannot `select` a database.
  if (hasMethods(client, [...methodsOfBoth, 'sendCommand', 'destroy', 'select']))
    return ofNodeRedis(client as NodeRedisClient);
  throw new TypeError(
    'redisStore expects a client of ioredis 5 or later, or of node-redis 5 or later by createClient().',
  );
}

const ignore = (): void => undefined;

function whenReady(client: Emitter, listener: () => void): () => void {
  allowListeners(client, 1);
  client.on('ready', listener);
  return () => {
    client.off('ready', listener);
    allowListeners(client, -1);
  };
}

/** Many sessions may share a client: Node.js would take their listeners for a leak. 0 is no limit. */
function allowListeners(client: Emitter, more: number): void {
  const most = client.getMaxListeners();
  if (most > 0) client.setMaxListeners(most + more);
}

/** A lazy one connects with its first command, and refuses that one where it may not wait in a queue. */
function wake(client: IoRedisClient): void {
  if (client.status === 'wait') client.connect().catch(ignore);
}

function ofIoRedis(client: IoRedisClient): Link {
  const keyPrefix = field(field(client, 'options'), 'keyPrefix');
  return {
    keyPrefix: typeof keyPrefix === 'string' ? keyPrefix : '',
    get isReady() {
      return client.status === 'ready';
    },
    whenReady(listener) {
      const stop = whenReady(client, listener);
      wake(client);
      return stop;
    },
    send: ([command = '', ...values]) => client.call(command, ...values),
    listen(channel, { heard, connected }) {
      const subscriber = client.duplicate();
      // Commands tell of a connection that fails; without a listener it would be written to the console.
      subscriber.on('error', ignore);
      subscriber.on('message', (_channel: string, message: string) => heard(message));
      subscriber.on('ready', () => void subscriber.subscribe(channel).then(connected, ignore));
      wake(subscriber);
      return () => subscriber.disconnect();
    },
  };
}

function ofNodeRedis(client: NodeRedisClient): Link {
  return {
    keyPrefix: '',
    get isReady() {
      return client.isReady;
    },
    whenReady: (listener) => whenReady(client, listener),
    send: (values) => client.sendCommand([...values]),
    listen(channel, { heard, connected }) {
      const subscriber = client.duplicate();
      let isConnecting = true;
      let isClosed = false;
      // Destroyed while it connects, it would keep the connection that comes up.
      const closeInTime = (): void => {
        if (isClosed && !isConnecting && subscriber.isOpen) subscriber.destroy();
      };
      const settled = (): void => {
        isConnecting = false;
        closeInTime();
      };
      subscriber.on('connect', settled);
      // Commands tell of a connection that fails; without a listener the error would be thrown.
      subscriber.on('error', settled);
      subscriber.on('reconnecting', () => {
        isConnecting = true;
      });
      // It subscribes again by itself; asked once more it has the same listener.
      subscriber.on('ready', () => void subscriber.subscribe(channel, heard).then(connected, ignore));
      subscriber.connect().catch(ignore);
      return () => {
        isClosed = true;
        closeInTime();
      };
    },
  };
}
