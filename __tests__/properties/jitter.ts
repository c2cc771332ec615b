/** Lets `act` run with the same jitter for the same seed, so that a failure can be replayed. */
export async function withJitter<T>(seed: number, act: () => Promise<T>): Promise<T> {
  const { random } = Math;
  let state = seed;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  try {
    return await act();
  } finally {
    Math.random = random;
  }
}
