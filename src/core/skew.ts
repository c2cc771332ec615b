/** How far the server's clock is ahead of ours: pure. */

/**
 * The answer's time, known to the second, against the middle of the exchange; 0 where a slow exchange explains the
 * difference. Milliseconds.
 */
export function skewOf(serverSecondMs: number, sentAt: number, receivedAt: number): number {
  if (sentAt < serverSecondMs + 1_000 && serverSecondMs <= receivedAt) return 0;
  return Math.round(serverSecondMs + 500 - (sentAt + receivedAt) / 2);
}

/** Differences below this are rounding and travel time. */
export const skewNoiseMs = 5_000;

/** The same from a token's `iat`; a slow answer is no wrong clock, so `undefined` where the clocks may agree. */
export function skewOfIssue(issuedAt: number, askedAt: number, receivedAt: number): number | undefined {
  if (issuedAt > receivedAt) return issuedAt - receivedAt;
  // A second is cut to its beginning.
  return issuedAt + 1_000 < askedAt ? issuedAt - askedAt : undefined;
}
