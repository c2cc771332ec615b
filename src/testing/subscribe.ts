/** `subscribe`: word of what others write. */
import type { TokenStore } from '../types.js';
import { comesAbout, expect, nth, pause, tokensOf, vigilMs, type Rule } from './rule.js';

const late = 'A sign-out would reach the other holders only with their next refresh.';

interface Listener {
  readonly times: number;
  readonly stop: () => void;
}

function listen(store: TokenStore): Listener {
  if (!store.subscribe) throw new TypeError('The store has no method "subscribe".');
  let times = 0;
  const stop = store.subscribe(() => {
    times += 1;
  });
  expect(
    typeof stop === 'function',
    'subscribe() to return what ends it',
    'A session that is over would still be told.',
  );
  return {
    get times() {
      return times;
    },
    stop,
  };
}

/** Whether `writer` is heard: it writes again and again, since a subscription may take a moment to be in place. */
async function isHeard(writer: TokenStore, listeners: readonly Listener[], limitMs: number): Promise<boolean> {
  // Word of what was written before does not count.
  await pause(vigilMs);
  const before = listeners.map(({ times }) => times);
  const heard = (): boolean => listeners.every(({ times }, index) => times > nth(before, index));
  const end = Date.now() + limitMs;
  for (let n = 0; !heard() && Date.now() < end; n += 1) {
    await writer.save(tokensOf(`heard-${n}`));
    await pause(20);
  }
  await pause(vigilMs);
  return heard();
}

const actions: readonly [name: string, act: (writer: TokenStore) => unknown][] = [
  ['save', (writer) => writer.save(tokensOf('new'))],
  ['clear', (writer) => writer.clear()],
  ['replace', async (writer) => writer.replace?.((await writer.load()) ?? undefined, tokensOf('new'))],
];

export const subscribeRules: readonly Rule[] = [
  ...actions.map(([action, act]): Rule => ({
    name: `another holder’s ${action} is heard`,
    method: 'subscribe',
    holders: 2,
    async check(stores, patienceMs) {
      const [writer, reader] = [nth(stores, 0), nth(stores, 1)];
      if (action === 'replace' && !writer.replace) return;
      const listener = listen(reader);
      try {
        expect(await isHeard(writer, [listener], patienceMs), `subscribe() to tell of another’s writing in time`, late);
        const before = listener.times;
        await act(writer);
        const heard = await comesAbout(() => listener.times > before, patienceMs);
        expect(heard, `subscribe() to tell of another’s ${action}() in time`, late);
      } finally {
        listener.stop();
      }
    },
  })),
  {
    name: 'who has unsubscribed hears no more, and the others still do',
    method: 'subscribe',
    holders: 3,
    async check(stores, patienceMs) {
      const [writer, stays, leaves] = [nth(stores, 0), listen(nth(stores, 1)), listen(nth(stores, 2))];
      try {
        expect(
          await isHeard(writer, [stays, leaves], patienceMs),
          `subscribe() to tell every other holder in time`,
          late,
        );
        leaves.stop();
        const before = leaves.times;
        expect(await isHeard(writer, [stays], patienceMs), 'the other holders still to be told', late);
        expect(leaves.times === before, 'no word after the end of a subscription', 'Its session has been disposed of.');
      } finally {
        stays.stop();
        leaves.stop();
      }
    },
  },
];
