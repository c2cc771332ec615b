/** Where a moment is on the timeline. */

export interface Scale {
  readonly now: number;
  readonly from: number;
  readonly until: number;
  x(at: number): number;
}

/** A narrow timeline shows less of the past, so that a token's life stays readable. */
export function scaleOf(now: number, width: number, lifeMs: number): Scale {
  const past = lifeMs * (width < 520 ? 1 : 2);
  const future = lifeMs * 1.1;
  const from = now - past;
  return { now, from, until: now + future, x: (at) => ((at - from) / (past + future)) * width };
}

/** Distance of the marks on the axis: at least 50 px apart. */
export function stepOf({ from, until }: Scale, width: number): number {
  const steps = [5_000, 10_000, 20_000, 30_000, 60_000, 300_000, 600_000];
  return steps.find((step) => (step / (until - from)) * width >= 50) ?? 3_600_000;
}
