/** A place that several sessions share: one record, one exclusive section, and word of each change. */
import type { TokenSet, TokenStore } from '../../src/index.js';

export interface SharedPlace {
  record: TokenSet | undefined;
  /** Somebody is in the exclusive section. */
  readonly isBusy: boolean;
  /** What was written, in order; `undefined` for an emptying. */
  readonly written: (TokenSet | undefined)[];
  /** A store for one more holder. */
  holder(): Required<TokenStore>;
  /** Calls every holder's listener: somebody outside has written `record`. */
  tell(): void;
}

const same = (a: TokenSet | undefined, b: TokenSet | undefined): boolean =>
  a?.accessToken === b?.accessToken && a?.refreshToken === b?.refreshToken;

export function sharedPlace(record?: TokenSet): SharedPlace {
  const listeners = new Map<object, () => void>();
  const waiting: (() => void)[] = [];
  const claims = new Set<string>();
  let isBusy = false;
  const place: SharedPlace = {
    record,
    written: [],
    get isBusy() {
      return isBusy;
    },
    tell() {
      for (const listener of listeners.values()) listener();
    },
    holder() {
      const self = {};
      const write = (next: TokenSet | undefined): void => {
        place.record = next;
        place.written.push(next);
        claims.clear();
        for (const [other, listener] of listeners) if (other !== self) listener();
      };
      return {
        load: () => Promise.resolve(place.record),
        save: (tokens) => {
          write(tokens);
          return Promise.resolve();
        },
        clear: () => {
          write(undefined);
          return Promise.resolve();
        },
        replace: (expected, next) => {
          const stands = same(place.record, expected);
          if (stands) write(next);
          return Promise.resolve(stands);
        },
        exclusive: async (work, signal) => {
          if (isBusy) {
            await new Promise<void>((resolve, reject) => {
              const give = (): void => resolve();
              waiting.push(give);
              signal.addEventListener('abort', () => {
                waiting.splice(waiting.indexOf(give), 1);
                reject(signal.reason as Error);
              });
            });
          }
          isBusy = true;
          try {
            return await work();
          } finally {
            isBusy = false;
            waiting.shift()?.();
          }
        },
        claim: (what) => {
          const isFirst = !claims.has(what);
          claims.add(what);
          return Promise.resolve(isFirst);
        },
        subscribe: (changed) => {
          listeners.set(self, changed);
          return () => listeners.delete(self);
        },
      };
    },
  };
  return place;
}
