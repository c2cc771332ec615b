/** Which token requests go wrong, and how: decided by a seed, so that a run can be repeated. */

export type Fault = '503' | '502' | '429' | 'reset' | 'slow';

/** In the words of the timeline. */
export const descriptions: Readonly<Record<Fault, string>> = {
  '503': '503 and a page of HTML',
  '502': '502 from a gateway',
  '429': '429, Retry-After: 1',
  reset: 'the connection is reset',
  slow: 'the answer takes 0.7 s longer',
};

export const kinds: readonly Fault[] = ['503', '502', '429', 'reset', 'slow'];
/** What a server that is down does: it neither counts requests nor gets round to them. */
const outage: readonly Fault[] = ['503', '502', 'reset'];
const likelihood = 0.7;

export interface Faults {
  /** What becomes of the next token request; `undefined` lets it through. */
  next(): Fault | undefined;
  /** From now on every token request fails. */
  goDown(): void;
  comeBack(): void;
}

/** The n-th token request of a scene meets the same fault whenever the seed is the same. Two in a row fail in an outage only. */
export function makeFaults(seed: number, scene: string): Faults {
  const random = makeRandom(Buffer.from(scene).reduce((mixed, byte) => Math.imul(mixed, 31) + byte, seed));
  let deck: Fault[] = [];
  let isDown = false;
  let failedLast = false;
  /** Each kind comes once before any comes twice. */
  const draw = (from: readonly Fault[]): Fault | undefined => {
    if (!deck.some((fault) => from.includes(fault))) deck = shuffled(kinds, random);
    const drawn = deck.find((fault) => from.includes(fault));
    deck = deck.filter((fault) => fault !== drawn);
    return drawn;
  };
  return {
    next() {
      const fails = isDown || (random() < likelihood && !failedLast);
      failedLast = fails;
      return fails ? draw(isDown ? outage : kinds) : undefined;
    },
    goDown() {
      isDown = true;
    },
    comeBack() {
      isDown = false;
    },
  };
}

/** Numbers from 0 to 1 that a seed decides: a counter through the finaliser of MurmurHash3. */
function makeRandom(seed: number): () => number {
  let counter = seed >>> 0;
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
