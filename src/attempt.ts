/** One attempt at new tokens. Where others hold the same session: read, refresh, write, one holder at a time. */
import type { AxiosInstance } from 'axios';
import { startTimer } from './clock.js';
import { accept, nextRefreshToken } from './core/acceptance.js';
import { isDue, storable, type Held } from './core/freshness.js';
import type { Instant } from './core/lifetime.js';
import { noTurn } from './core/refusals.js';
import type { State } from './core/state.js';
import { sameTokens } from './core/tokens.js';
import type { ResolvedOptions } from './options.js';
import type { Persistence } from './persistence.js';
import type { Attempt, Operation } from './refresher.js';
import type { TokenSet } from './types.js';

/** What an attempt needs of the session. */
export interface Refreshed {
  readonly options: ResolvedOptions;
  readonly persistence: Persistence;
  readonly state: State<Operation>;
  now(): Instant;
  /** Does what another holder has done, and ends the operation with it. */
  follow(): Promise<void>;
  /** An answer that was no use has brought the next refresh token. */
  rotated(refreshToken: string): void;
}

/** Who asks for new tokens, and how. */
export interface Asker {
  readonly session: Refreshed;
  readonly operation: Pick<Operation, 'id' | 'trigger'>;
  client(signal: AbortSignal): AxiosInstance;
  isRefusal(error: unknown): boolean;
}

interface Turn {
  /** What was asked with. */
  readonly asked: TokenSet | undefined;
  /** `undefined` where there is news to follow instead. */
  readonly answer: Promise<Held | undefined>;
}

// Another holder's answer may be on its way to the store when ours is refused.
const secondLooksMs = [0, 50, 200];

export function refreshOnce(attempt: Attempt, asker: Asker): Promise<Held> {
  return asker.session.persistence.isShared ? refreshShared(attempt, asker) : refreshAlone(attempt, asker);
}

async function refreshShared(attempt: Attempt, asker: Asker): Promise<Held> {
  const { persistence, options } = asker.session;
  const turn = await persistence.alone(() => takeTurn(attempt, asker), {
    limitMs: lockWaitMs(options),
    signal: attempt.signal,
    assertUrgent: () => assertUrgent(asker),
  });
  try {
    const held = await turn.answer;
    if (held) return held;
  } catch (error) {
    if (asker.session.state.disposed) throw error;
    // Where somebody else was quicker, that is what the server refused.
    if (!asker.isRefusal(error) || !(await isNewsSoon(attempt, asker, turn.asked))) throw error;
  }
  await asker.session.follow();
  throw new Error('Another holder has changed the session.');
}

/** A little longer than an attempt may take, so that nobody breaks into one; at most half of the operation. */
function lockWaitMs({ retry, refreshTimeoutMs }: ResolvedOptions): number {
  return Math.min(retry ? retry.attemptTimeoutMs + 1_000 : Infinity, refreshTimeoutMs / 2);
}

/** All holders would refresh at once without their turns: what nobody waits for, waits for the store. */
function assertUrgent({ session, operation }: Asker): void {
  const held = session.state.credential?.held;
  if (held && operation.trigger !== 'manual' && !isDue(held, session.now())) throw noTurn();
}

/** Ends with the attempt; its answer is kept whenever it comes. */
async function takeTurn(attempt: Attempt, asker: Asker): Promise<Turn> {
  const { persistence } = asker.session;
  const isNews = (await persistence.news()) !== undefined;
  const asked = tokensOf(asker);
  if (isNews) return { asked, answer: Promise.resolve(undefined) };
  // What is read while the refresh is under way must not make its answer welcome.
  const { known } = persistence;
  const answer = refreshAndKeep(attempt, asker, known);
  await Promise.race([answer.catch(() => undefined), attempt.over]);
  return { asked, answer };
}

async function refreshAndKeep(attempt: Attempt, asker: Asker, known: TokenSet | undefined): Promise<Held | undefined> {
  const { persistence } = asker.session;
  const held = await refreshAlone(attempt, asker);
  const stands = await persistence.replace(
    () => storable(held),
    () => known,
  );
  return stands || !(await persistence.news()) ? held : undefined;
}

async function refreshAlone(attempt: Attempt, asker: Asker): Promise<Held> {
  const askedAt = attempt.begin();
  const returned = await ask(attempt, asker);
  // After a sign-out or a sign-in this answer counts no more. React Native's signals have no throwIfAborted().
  if (attempt.signal.aborted) throw new Error('The refresh is no longer wanted.');
  return read(asker, returned, askedAt);
}

/** Whether another holder has written something else than what the server has just refused. */
async function isNewsSoon(attempt: Attempt, asker: Asker, asked: TokenSet | undefined): Promise<boolean> {
  for (const delayMs of secondLooksMs) {
    if (delayMs > 0) await pause(asker, delayMs);
    if (attempt.signal.aborted) return false;
    const news = await asker.session.persistence.news();
    if (news && !sameTokens(news.tokens, asked)) return true;
  }
  return false;
}

/** Calls the user's callback. */
function ask({ number, signal }: Attempt, asker: Asker): unknown {
  const { id: operationId, trigger } = asker.operation;
  const context = {
    tokens: tokensOf(asker),
    trigger,
    attempt: number,
    operationId,
    signal,
    http: asker.client(signal),
  };
  return asker.session.options.refresh(Object.freeze(context));
}

/** Reads what it returned. Throws if it is no use; but with rotation its refresh token is the only one that is left. */
function read({ session }: Asker, returned: unknown, askedAt: Instant): Held {
  const { state, options } = session;
  const { credential, skewMs } = state;
  const current = credential?.held;
  try {
    return accept({ returned, askedAt, now: session.now(), current, skewMs }, options);
  } catch (error) {
    const next = nextRefreshToken(returned, current);
    if (next !== undefined) session.rotated(next);
    throw error;
  }
}

function tokensOf({ session }: Asker): TokenSet | undefined {
  return session.state.credential?.held.tokens;
}

function pause({ session }: Asker, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    startTimer(session.options.clock, resolve, delayMs);
  });
}
