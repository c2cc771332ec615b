/** What the session must hold and do, worked out beside it from what it was handed and what it was told. */
import type { TokenEvent } from '../../src/index.js';
import { Attempts, type Attempt } from './attempts.js';
import type { Authority, IssuedTokens, User } from './authority.js';
import { Faults } from './faults.js';
import { noiseMs, type Instant, type Time } from './time.js';
import { second } from './world.js';

const forcedEveryMs = 30 * second;
const lookMs = 31 * second;

/** Tokens that the session has been handed. */
interface Hand {
  readonly tokens: IssuedTokens;
  /** The access token is at least as old as this. */
  readonly since: Instant;
  /** The same by the servers' clocks. */
  readonly sinceReal: number;
  readonly lifeMs: number;
  /** The session can tell its life exactly: nobody has set the clock while it came. */
  readonly certain: boolean;
  /** The API has refused it. */
  refused: boolean;
}

export class Ledger {
  readonly faults: Faults;
  readonly attempts: Attempts;
  /** Who has signed in and not out, even if the server has ended the session since. */
  user: User | undefined;
  signOuts = 0;
  readonly #time: Time;
  readonly #authority: Authority;
  /** How long tokens live. */
  readonly #lifeMs: number;
  readonly #hands = new Map<string, Hand>();
  #hand: Hand | undefined;
  /** The refresh token to ask with. */
  #newest: string | undefined;
  /** Came with a dead token in the very millisecond in which listening ended: the session may have it or not. */
  #perhaps: string | undefined;
  /** Rises whenever the session's tokens change hands. */
  #epoch = 0;
  /** The server has refused the session since the sign-in. */
  #refused = false;
  /** The server has refused it, and its token lives on. */
  #ending = false;
  #forcedAt: Instant | undefined;

  constructor(time: Time, authority: Authority, times: { readonly lifeMs: number; readonly patienceMs: number }) {
    this.#time = time;
    this.#authority = authority;
    this.#lifeMs = times.lifeMs;
    this.faults = new Faults(time);
    this.attempts = new Attempts(time, this.faults, times.patienceMs);
  }

  expect(holds: boolean, fault: string): void {
    this.faults.expect(holds, fault);
  }

  /** Who may be asked for: nobody, once the server has ended the session. */
  get signedInUser(): User | undefined {
    return this.#hand && this.user;
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

  /** The session was ending, and its token has been dead for longer than the session takes to look again. */
  get isOverdue(): boolean {
    const hand = this.#hand;
    return this.#ending && hand !== undefined && this.#time.since(hand.since) > hand.lifeMs + lookMs;
  }

  // --- what the app does, and the API ---

  signedIn(user: User, tokens: IssuedTokens, dead: boolean): void {
    this.user = user;
    this.#refused = false;
    this.#forcedAt = undefined;
    // With a clock that somebody has set, a dead JWT cannot be told from a new one.
    const certain = this.#time.settings === 0 || tokens.expiresIn !== undefined;
    const since = this.#time.instant();
    const lifeMs = dead && certain ? -second : this.#lifeMs;
    this.#take({ tokens, since, sinceReal: this.#time.real, lifeMs, certain, refused: false });
  }

  signedOut(): void {
    this.user = undefined;
    this.signOuts += 1;
    this.#forcedAt = undefined;
    this.#take(undefined);
  }

  refusedByApi(accessToken: string): void {
    const hand = this.#hands.get(accessToken);
    if (hand) hand.refused = true;
  }

  // --- what the refresh callback sees ---

  asked(call: Pick<Attempt, 'operationId' | 'kind' | 'attempt' | 'signal'>, refreshToken: string | undefined): Attempt {
    if (refreshToken !== undefined && refreshToken === this.#perhaps) this.#keep(refreshToken);
    this.expect(refreshToken === this.#newest, 'a refresh token was sent that is not the newest');
    return this.attempts.add({ ...call, epoch: this.#epoch });
  }

  /** G13. The callback returns new tokens: they must be kept, unless they come too late; of dead ones (G12) the refresh token. */
  returns(attempt: Attempt, tokens: IssuedTokens): void {
    attempt.returned = tokens;
    const { since, settings } = attempt;
    const alive = this.#time.since(since) < this.#lifeMs - noiseMs;
    const tellable = settings === this.#time.settings;
    if (!this.attempts.isWanted(attempt, this.#epoch, -1)) {
      if (this.attempts.isWanted(attempt, this.#epoch, 1)) this.#perhaps = tokens.refreshToken;
      return;
    }
    this.#keep(tokens.refreshToken);
    if (!alive || !tellable) return;
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
        const { trigger } = event;
        const spaced = !this.#forcedAt || this.#time.since(this.#forcedAt) >= forcedEveryMs - noiseMs;
        this.expect(trigger !== 'unauthorized' || spaced, 'G9: two forced refreshes within 30 s');
        return;
      }
      case 'refresh.retried':
        this.expect(event.delayMs <= 5 * second, 'G16: Retry-After is not clamped');
        return;
      case 'refresh.succeeded':
        this.#adopted(event);
        return;
      case 'refresh.failed':
        this.#failed(event);
        return;
      case 'session.ending':
        this.expect(this.#refused, 'the session is ending though the server has not refused it');
        this.#ending = true;
        return;
      case 'session.expired':
        this.expect(this.#refused, 'the user was signed out though the server has not refused the session');
        this.expect(!this.isAlive, 'G3: the session expired while the token lives');
        this.#take(undefined);
        return;
      default:
        return;
    }
  }

  #adopted({ operationId, attempt, trigger }: TokenEvent<'refresh.succeeded'>): void {
    const made = this.attempts.find(operationId, attempt);
    if (!made) {
      this.expect(false, 'a refresh succeeded that was never made');
      return;
    }
    const { returned: tokens, since, sinceReal, kind } = made;
    this.expect(this.attempts.isWanted(made, this.#epoch, 1), 'G11: the answer to an overtaken refresh was adopted');
    this.expect(tokens !== undefined || kind === 'same', `G12: the answer ${kind} was adopted`);
    if (trigger === 'unauthorized') this.#forcedAt = this.#time.instant();
    const certain = made.settings === this.#time.settings;
    if (tokens) this.#take({ tokens, since, sinceReal, lifeMs: this.#lifeMs, certain, refused: false });
    else {
      this.#epoch += 1;
      this.#ending = false;
    }
  }

  #failed({ operationId, error }: TokenEvent<'refresh.failed'>): void {
    const unanswered = this.attempts.isUnanswered(operationId, this.#epoch);
    const kinds = this.attempts.failed(operationId, error.code === 'AUTH_TOKEN_REFRESH_TIMEOUT');
    this.expect(kinds.includes(String(error.kind)), `G17: ${kinds.join(' or ')} was told as ${String(error.kind)}`);
    const believed = error.code === 'AUTH_SESSION_EXPIRED';
    this.expect(!believed || !unanswered, 'G17: a refusal was believed while another attempt was unanswered');
  }

  #take(hand: Hand | undefined): void {
    this.#hand = hand;
    this.#ending = false;
    this.#epoch += 1;
    this.#newest = undefined;
    this.#perhaps = undefined;
    if (!hand) return;
    this.#hands.set(hand.tokens.accessToken, hand);
    this.#keep(hand.tokens.refreshToken);
  }

  #keep(refreshToken: string): void {
    this.#newest = refreshToken;
    this.#perhaps = undefined;
    this.#authority.received(refreshToken);
  }
}
