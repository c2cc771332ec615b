/** The refresh callback of the app: asks the server, and tells the ledger what came of it. */
import type { RefreshContext } from '../../src/index.js';
import type { IssuedTokens } from './authority.js';
import { actOf, isRefusal, type Outcome } from './outcomes.js';
import type { Parts } from './requests.js';
import { pause } from './world.js';

/** @param outcomes what becomes of this call and those to come; after the last, calls succeed */
export async function refresh(
  context: RefreshContext,
  { clock, authority, ledger }: Parts,
  outcomes: Outcome[],
): Promise<unknown> {
  const { operationId, attempt: number, signal, tokens } = context;
  const outcome = outcomes.shift() ?? { kind: 'ok', delayMs: 20, retryAfter: '0' };
  const { kind, delayMs } = outcome;
  const attempt = ledger.asked({ operationId, kind, attempt: number, signal }, tokens?.refreshToken);
  // The server acts when it is asked; what it says takes its time.
  const answer = actOf(outcome, authority, tokens, () => ledger.signedInUser !== undefined && !authority.opaque);
  await pause(clock, delayMs);
  if (kind === 'hang') return answer();
  attempt.endedAt = clock.monotonic();
  try {
    const returned = answer();
    if (kind === 'ok') ledger.returns(attempt, returned as IssuedTokens);
    return returned;
  } catch (error) {
    if (isRefusal(error)) ledger.refuses(attempt);
    throw error;
  }
}
