/** What the session must hold and do, worked out beside it from what it was handed and what it was told. */
import type { TokenEvent } from '../../src/index.js';
import type { Authority, IssuedTokens, User } from './authority.js';
import { rules, type OutcomeKind } from './outcomes.js';
import type { Instant, Time } from './time.js';
import { second } from './world.js';

/** What fractions of a millisecond lose. */
export const noiseMs = 0.01;
const listenMs = 15 * second;
const forcedEveryMs = 30 * second;

/** Tokens that the session has been handed. */
interface Hand {
  readonly tokens: IssuedTokens;
  /** The access token is at least as old as this. */
  readonly since: Instant;
  readonly lifeMs: number;
  /** The session can tell its life exactly: nobody has set the clock while it came. */
  readonly certain: boolean;
  /** The API has refused it. */
  refused: boolean;
}

/** One call of the refresh callback. */
export interface Attempt {
  readonly operationId: string;
  readonly kind: OutcomeKind;
  readonly attempt: number;
  readonly since: Instant;
  readonly signal: AbortSignal;
  /** What the session had been through when it was made. */
  readonly epoch: number;
  readonly settings: number;
  returned: IssuedTokens | undefined;
  endedAt: number | undefined;
  uncertain: boolean;
}

export class Ledger {
  /** What has been found wrong. */
  readonly faults: string[] = [];
  /** Who has signed in and not out, even if the server has ended the session since. */
  user: User | undefined;
  readonly attempts: Attempt[] = [];
  readonly #time: Time;
  readonly #authority: Authority;
  /** How long tokens live. */
  readonly #lifeMs: number;
  /** How long an attempt is waited for before it counts as given up. */
  readonly #patienceMs: number;
  /** When operations failed, on the monotonic clock. */
  readonly #failedAt = new Map<string, number>();
  readonly #hands = new Map<string, Hand>();
  #hand: Hand | undefined;
  /** Rises whenever the session's tokens change hands. */
  #epoch = 0;
  /** The server has refused the session since the sign-in. */
  #refused = false;
  #forcedAt: Instant | undefined;

  constructor(time: Time, authority: Authority, times: { readonly lifeMs: number; readonly patienceMs: number }) {
    this.#lifeMs = times.lifeMs;
    this.#patienceMs = times.patienceMs;
    this.#time = time;
    this.#authority = authority;
  }

  expect(holds: boolean, fault: string): void {
    if (!holds) this.faults.push(`${fault} (after ${String(Math.round(this.#time.monotonic) / second)} s)`);
  }

  get isSignedIn(): boolean {
    return this.#hand !== undefined;
  }

  get accessToken(): string | undefined {
    return this.#hand?.tokens.accessToken;
  }

  /** The session must know that its token lives, and nothing speaks against sending it. */
  get isAlive(): boolean {
    const hand = this.#hand;
    return hand !== undefined && hand.certain && !hand.refused && this.#time.since(hand.since) < hand.lifeMs - noiseMs;
  }

  /** G4. Whether the machine can know that a token is dead. */
  isKnownDead(accessToken: string): boolean {
    const hand = this.#hands.get(accessToken);
    return hand === undefined || this.#time.since(hand.since) > hand.lifeMs + noiseMs;
  }

  // --- what the app does ---

  signedIn(user: User, tokens: IssuedTokens, dead: boolean): void {
    this.user = user;
    this.#refused = false;
    this.#forcedAt = undefined;
    // Whoever set the clock cannot tell a dead token from a new one.
    const certain = this.#time.settings === 0;
    this.#take({
      tokens,
      since: this.#time.instant(),
      lifeMs: dead && certain ? -second : this.#lifeMs,
      certain,
      refused: false,
    });
  }

  signedOut(): void {
    this.user = undefined;
    this.#forcedAt = undefined;
    this.#take(undefined);
  }

  refusedByApi(accessToken: string): void {
    const hand = this.#hands.get(accessToken);
    if (hand) hand.refused = true;
  }

  // --- what the refresh callback sees ---

  asked(
    attempt: Pick<Attempt, 'operationId' | 'kind' | 'attempt' | 'signal'>,
    refreshToken: string | undefined,
  ): Attempt {
    const now = this.#time.monotonic;
    this.expect(refreshToken === this.#hand?.tokens.refreshToken, 'an old refresh token was sent, not the newest');
    for (const other of this.attempts) {
      const givenUp =
        now - other.since.monotonic >= this.#patienceMs - noiseMs || this.#failedAt.has(other.operationId);
      const over = other.endedAt !== undefined || other.signal.aborted;
      this.expect(over || givenUp, 'G7: two refresh calls at once');
    }
    this.#checkRepeat(attempt.operationId);
    const made: Attempt = {
      ...attempt,
      since: this.#time.instant(),
      epoch: this.#epoch,
      settings: this.#time.settings,
      returned: undefined,
      endedAt: undefined,
      uncertain: rules[attempt.kind].mayHaveReached === true,
    };
    this.attempts.push(made);
    return made;
  }

  /** The callback returns new tokens: from now on they must be kept, unless they come too late or dead. */
  returns(attempt: Attempt, tokens: IssuedTokens): void {
    attempt.returned = tokens;
    const alive = this.#time.since(attempt.since) < this.#lifeMs - noiseMs;
    const certain = attempt.settings === this.#time.settings;
    if (!this.#isWanted(attempt, -1) || !alive || !certain) return;
    const before = this.#epoch;
    setImmediate(() => this.expect(this.#epoch !== before, 'G13: an answer with new tokens was dropped'));
  }

  refuses(attempt: Attempt): void {
    attempt.uncertain = false;
    if (attempt.epoch === this.#epoch) this.#refused = true;
  }

  // --- what the session tells ---

  heard(event: TokenEvent): void {
    switch (event.type) {
      case 'refresh.started': {
        const { trigger } = event as TokenEvent<'refresh.started'>;
        const spaced = !this.#forcedAt || this.#time.since(this.#forcedAt) >= forcedEveryMs - noiseMs;
        this.expect(trigger !== 'unauthorized' || spaced, 'G9: two forced refreshes within 30 s');
        return;
      }
      case 'refresh.retried':
        this.expect((event as TokenEvent<'refresh.retried'>).delayMs <= 5 * second, 'G16: Retry-After is not clamped');
        return;
      case 'refresh.succeeded':
        this.#adopted(event as TokenEvent<'refresh.succeeded'>);
        return;
      case 'refresh.failed':
        this.#failed(event as TokenEvent<'refresh.failed'>);
        return;
      case 'session.ending':
        this.expect(this.#refused, 'the session is ending though the server has not refused it');
        return;
      case 'session.expired':
        this.expect(this.#refused, 'the user was signed out though the server has not refused the session');
        this.#take(undefined);
        return;
      default:
        return;
    }
  }

  #adopted({ operationId, attempt, trigger }: TokenEvent<'refresh.succeeded'>): void {
    const made = this.attempts.find((other) => other.operationId === operationId && other.attempt === attempt);
    if (!made) {
      this.expect(false, 'a refresh succeeded that was never made');
      return;
    }
    this.expect(this.#isWanted(made, 1), 'G11: the answer to an overtaken refresh was adopted');
    const { returned: tokens, since, settings } = made;
    this.expect(tokens !== undefined || made.kind === 'same', `G12: the answer ${made.kind} was adopted`);
    if (trigger === 'unauthorized') this.#forcedAt = this.#time.instant();
    const certain = settings === this.#time.settings;
    if (tokens) this.#take({ tokens, since, lifeMs: this.#lifeMs, certain, refused: false });
    else this.#epoch += 1;
  }

  #failed({ operationId, error }: TokenEvent<'refresh.failed'>): void {
    this.#failedAt.set(operationId, this.#time.monotonic);
    const own = this.attempts.filter((other) => other.operationId === operationId);
    const told = own.flatMap(({ kind }) => rules[kind].failures);
    const { kind } = error;
    this.expect(
      kind === 'timeout' || told.some((expected) => expected === kind),
      `a failure is told as ${String(kind)}`,
    );
    if (error.code !== 'AUTH_SESSION_EXPIRED') return;
    const unanswered = this.attempts.some((other) => other.endedAt === undefined && this.#isWanted(other, -1));
    this.expect(!unanswered, 'a refusal was believed while another attempt was unanswered');
  }

  /** Nothing has replaced the tokens meanwhile, and the operation has not been given up. */
  #isWanted({ operationId, epoch }: Attempt, slackMs: number): boolean {
    const failedAt = this.#failedAt.get(operationId) ?? Infinity;
    return epoch === this.#epoch && !(this.#time.monotonic - failedAt > listenMs + slackMs);
  }

  /** G16. What may have reached the server is sent again once, and at once. */
  #checkRepeat(operationId: string): void {
    const own = this.attempts.filter((other) => other.operationId === operationId);
    const last = own.at(-1);
    if (!last) return;
    const uncertain = own.filter((other) => other.uncertain || other.endedAt === undefined);
    this.expect(uncertain.length <= 1, 'G16: a refresh that may have reached the server was repeated twice');
    if (!uncertain.includes(last)) return;
    const failedAt = Math.min(last.endedAt ?? Infinity, last.since.monotonic + this.#patienceMs);
    this.expect(
      this.#time.monotonic - failedAt <= noiseMs,
      'G16: a refresh that may have reached the server was repeated late',
    );
  }

  #take(hand: Hand | undefined): void {
    this.#hand = hand;
    this.#epoch += 1;
    if (!hand) return;
    this.#hands.set(hand.tokens.accessToken, hand);
    this.#authority.received(hand.tokens.refreshToken);
  }
}
