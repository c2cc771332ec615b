/** The other tabs of this demo: how many there are, and when they refresh. The session itself is shared by its store. */

export type Told = 'started' | 'succeeded' | 'failed' | 'dropped';

export interface Tabs {
  /** Tells the others of a refresh here. */
  tell(what: Told): void;
  /** Open tabs, this one included. */
  count(): Promise<number>;
}

const name = 'axios-token-refresh-demo';

/** @param heard is told of refreshes in other tabs */
export function joinTabs(heard: (what: Told) => void): Tabs {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<Told>) => heard(data);
  // A lock that is held for good counts this tab, and is gone with it however it ends.
  void navigator.locks.request(`${name}:${crypto.randomUUID()}`, () => new Promise(() => undefined));
  return {
    tell: (what) => channel.postMessage(what),
    async count() {
      const { held = [] } = await navigator.locks.query();
      return held.filter((lock) => lock.name?.startsWith(name)).length;
    },
  };
}
