/** One session over all processes that reach one Redis. */
import { randomUUID } from 'node:crypto';
import type { TokenStore } from '../../types.js';
import { linkOf, type RedisClient } from './clients.js';
import { Connection } from './connection.js';
import { Lease } from './lease.js';
import { resolve, type RedisStoreOptions } from './options.js';
import { Place } from './place.js';
import { every } from './time.js';

// Unlike one that was away, a Redis that refuses, since it is full say, does not tell when it no longer does.
const payMs = 2_000;

/**
 * Keeps the token set in Redis, and lets one process at a time refresh it. Make one per session.
 *
 * The client is yours: connect it (node-redis), give it an `error` listener, close it. Its duplicate that listens for
 * changes is closed by `session.dispose()`. A Redis that is away ends no session: each process goes on with the tokens
 * it has, `store.failed` tells, and what could not be written is written when Redis is back.
 *
 * @throws {TypeError} for something else than a client, and for an unknown option or one that does not fit
 * @example
 * import { Redis } from 'ioredis';
 * import { createTokenSession } from 'axios-token-refresh';
 * import { redisStore } from 'axios-token-refresh/redis';
 *
 * const session = createTokenSession({ refresh, store: redisStore(new Redis(), { key: 'session:42' }) });
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions): Required<TokenStore> {
  const link = linkOf(client);
  const resolved = resolve(options, link.keyPrefix);
  const holder = randomUUID();
  const connection = new Connection(link);
  const place = new Place(connection, resolved, holder);
  const lease = new Lease(connection, resolved, place);
  return {
    load: () => place.load(),
    save: (tokens) => place.write(tokens),
    clear: () => place.write(undefined),
    replace: (expected, next) => place.replace(expected, next),
    exclusive: (work, signal) => lease.run(work, signal),
    claim: (what) => place.claim(what),
    subscribe(changed) {
      const heard = (writer: string): void => {
        if (writer !== holder) changed();
      };
      // What was told before is lost, and what could not be written then may be written now.
      const close = link.listen(resolved.channel, { heard, connected: changed });
      const stopLooking = link.whenReady(changed);
      const stopPaying = every(payMs, () => place.payInTurn());
      return () => {
        stopLooking();
        stopPaying();
        close();
      };
    },
  };
}
