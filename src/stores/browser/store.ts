/** A store for the tabs of an origin: a record, turns, and word of changes. */
import type { TokenStore } from '../../types.js';
import { Channel } from './channel.js';
import { DatabasePlace } from './database.js';
import { Keeper } from './keeper.js';
import { Turns } from './lock.js';
import { MemoryKeeper } from './memory.js';
import { resolveOptions, type BrowserStoreOptions } from './options.js';
import { StoragePlace } from './storage.js';
import { watchPage } from './wake.js';

/**
 * A store that makes one session of all tabs of an origin: they refresh one at a time, adopt each other's tokens, and
 * sign in and out together. Give each session a store of its own.
 *
 * What is missing or forbidden (private windows, old web views, a server) is done without, and told once by
 * `store.failed`, with one of the codes of {@link BrowserStoreFault}.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @example
 * const session = installTokenRefresh(api, { refresh, store: browserStore({ key: 'shop' }) });
 */
export function browserStore(options: BrowserStoreOptions = {}): TokenStore {
  const { key, persist } = resolveOptions(options);
  return persist === 'session' ? tabStore(key) : originStore(key, persist);
}

function tabStore(key: string): TokenStore {
  const keeper = new Keeper(new StoragePlace('sessionStorage', key), () => undefined);
  return { load: () => keeper.load(), save: (tokens) => keeper.write(tokens), clear: () => keeper.write(undefined) };
}

function originStore(key: string, persist: 'indexeddb' | 'memory' | 'local'): TokenStore {
  const name = `axios-token-refresh:${key}`;
  const place = persist === 'local' ? new StoragePlace('localStorage', key) : new DatabasePlace(key);
  const stored = new Keeper(place, (version) => channel.post(version));
  const keeper = persist === 'memory' ? new MemoryKeeper(stored) : stored;
  const turns = new Turns(name);
  const subscribers = new Set<() => void>();
  const tell = (): void => {
    for (const changed of [...subscribers]) changed();
  };
  const channel = new Channel(name, tell);
  const sleep = (): void => {
    channel.close();
    place.release();
  };
  const watch = {
    back: () => {
      channel.open();
      tell();
    },
    away: sleep,
  };
  let stopWatching: (() => void) | undefined;
  let isOver = false;
  /** What a refresh brings that was under way at the end is still written; nothing is left open by it. */
  const closing = async <T>(access: Promise<T>): Promise<T> => {
    try {
      return await access;
    } finally {
      if (isOver) sleep();
    }
  };
  return {
    load: () => closing(keeper.load()),
    save: (tokens) => closing(keeper.write(tokens)),
    clear: () => closing(keeper.write(undefined)),
    replace: (expected, next) => closing(keeper.replace(expected, next)),
    claim: (what) => stored.claim(what),
    exclusive: (work, signal) => turns.take(work, signal),
    subscribe(changed) {
      // One function may be given twice.
      const subscriber = (): void => changed();
      subscribers.add(subscriber);
      isOver = false;
      channel.open();
      stopWatching ??= watchPage(watch);
      return () => {
        if (!subscribers.delete(subscriber) || subscribers.size > 0) return;
        stopWatching?.();
        stopWatching = undefined;
        isOver = true;
        sleep();
      };
    },
  };
}
