/** The two clients, each by the methods that it is used by. */

interface Emitter {
  on(event: string, listener: (...values: string[]) => void): unknown;
  off(event: string, listener: (...values: string[]) => void): unknown;
}

/** A client of the package `ioredis`, version 5 or later. */
export interface IoRedisClient extends Emitter {
  readonly status: string;
  call(command: string, ...values: string[]): Promise<unknown>;
  duplicate(): IoRedisClient;
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
  /** A command would be sent now. */
  readonly isReady: boolean;
  /** Calls `listener` each time that the connection is there. Returns what ends that. */
  whenReady(listener: () => void): () => void;
  send(values: readonly string[]): Promise<unknown>;
  /** Listens to a channel, on a connection of its own. Returns what closes it. */
  listen(channel: string, listener: Listener): () => void;
}

const methodsOfBoth = ['on', 'off', 'duplicate', 'subscribe'];

function has(client: unknown, methods: readonly string[]): boolean {
  if (typeof client !== 'object' || client === null) return false;
  return methods.every((name) => typeof (client as Record<string, unknown>)[name] === 'function');
}

/** Tells the clients apart by their methods. Throws a `TypeError` for anything else. */
export function linkOf(client: RedisClient): Link {
  if (has(client, [...methodsOfBoth, 'call', 'disconnect'])) return ofIoRedis(client as IoRedisClient);
  if (has(client, [...methodsOfBoth, 'sendCommand', 'connect', 'destroy']))
    return ofNodeRedis(client as NodeRedisClient);
  throw new TypeError('redisStore expects a client of ioredis 5 or node-redis 5, or later.');
}

const ignore = (): void => undefined;

function whenReady(client: Emitter, listener: () => void): () => void {
  client.on('ready', listener);
  return () => void client.off('ready', listener);
}

function ofIoRedis(client: IoRedisClient): Link {
  return {
    get isReady() {
      // A lazy one connects with the first command.
      return client.status === 'ready' || client.status === 'wait';
    },
    whenReady: (listener) => whenReady(client, listener),
    send: ([command = '', ...values]) => client.call(command, ...values),
    listen(channel, { heard, connected }) {
      const subscriber = client.duplicate();
      // Commands tell of a connection that fails; without a listener it would be written to the console.
      subscriber.on('error', ignore);
      subscriber.on('message', (_channel: string, message: string) => heard(message));
      const subscribe = (): void => void subscriber.subscribe(channel).then(connected, ignore);
      subscriber.on('ready', subscribe);
      if (subscriber.status === 'wait') subscribe();
      return () => {
        subscriber.off('ready', subscribe);
        subscriber.disconnect();
      };
    },
  };
}

function ofNodeRedis(client: NodeRedisClient): Link {
  return {
    get isReady() {
      return client.isReady;
    },
    whenReady: (listener) => whenReady(client, listener),
    send: (values) => client.sendCommand([...values]),
    listen(channel, { heard, connected }) {
      const subscriber = client.duplicate();
      // Commands tell of a connection that fails; without a listener the error would be thrown.
      subscriber.on('error', ignore);
      let isSubscribed = false;
      const subscribe = async (): Promise<void> => {
        // It subscribes again by itself.
        if (!isSubscribed) await subscriber.subscribe(channel, heard);
        isSubscribed = true;
        connected();
      };
      subscriber.on('ready', () => void subscribe().catch(ignore));
      subscriber.connect().catch(ignore);
      return () => {
        if (subscriber.isOpen) subscriber.destroy();
      };
    },
  };
}
