/** The calls of the refresh callback, and what must hold for each of them beside the others. */
import type { IssuedTokens } from './authority.js';
import type { Faults } from './faults.js';
import { rules, type OutcomeKind } from './outcomes.js';
import { noiseMs, type Instant, type Time } from './time.js';
import { second } from './world.js';

/** An operation's deadline, and how long it is listened to after that. */
const listenMs = 15 * second;

/** One call of the refresh callback. */
export interface Attempt {
  readonly operationId: string;
  readonly kind: OutcomeKind;
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** What the session had been through when it was made: its tokens, and settings of the clock. */
  readonly epoch: number;
  readonly settings: number;
  readonly since: Instant;
  /** The same by the servers' clocks. */
  readonly sinceReal: number;
  returned: IssuedTokens | undefined;
  endedAt: number | undefined;
  /** For all that the client can tell, it may have reached the server. */
  uncertain: boolean;
}

export class Attempts {
  readonly #all: Attempt[] = [];
  readonly #time: Time;
  readonly #faults: Faults;
  /** How long an attempt is waited for before it counts as given up. */
  readonly #patienceMs: number;
  /** When operations failed, on the monotonic clock. */
  readonly #failedAt = new Map<string, number>();

  constructor(time: Time, faults: Faults, patienceMs: number) {
    this.#time = time;
    this.#faults = faults;
    this.#patienceMs = patienceMs;
  }

  get count(): number {
    return this.#all.length;
  }

  /** Those that nobody has called off. */
  get running(): readonly Attempt[] {
    return this.#all.filter(({ signal, endedAt }) => !signal.aborted && endedAt === undefined);
  }

  find(operationId: string, number: number): Attempt | undefined {
    return this.#of(operationId).find(({ attempt }) => attempt === number);
  }

  add(call: Pick<Attempt, 'operationId' | 'kind' | 'attempt' | 'signal' | 'epoch'>): Attempt {
    this.#checkAlone();
    this.#checkRepeat(call.operationId);
    const made: Attempt = {
      ...call,
      settings: this.#time.settings,
      since: this.#time.instant(),
      sinceReal: this.#time.real,
      returned: undefined,
      endedAt: undefined,
      uncertain: rules[call.kind].mayHaveReached === true,
    };
    this.#all.push(made);
    return made;
  }

  /** An operation has failed, perhaps by its deadline. What may be said of why. */
  failed(operationId: string, timedOut: boolean): readonly string[] {
    const own = this.#of(operationId);
    const patient = timedOut && own.length === 1 && this.#patienceMs < listenMs;
    this.#faults.expect(!patient, 'G16: an attempt that was not answered in its time was not repeated');
    this.#failedAt.set(operationId, this.#time.monotonic);
    return ['timeout', ...own.flatMap(({ kind }) => rules[kind].failures)];
  }

  /** An attempt of the operation that failed before this one, or of this one, may still bring tokens. */
  isUnanswered(operationId: string, epoch: number): boolean {
    const recent = [...this.#failedAt.keys()];
    return this.#all.some(
      (other) =>
        (recent.includes(other.operationId) || other.operationId === operationId) &&
        other.endedAt === undefined &&
        this.isWanted(other, epoch, -1),
    );
  }

  /** Nothing has replaced the tokens meanwhile, and the operation has not been given up. */
  isWanted({ operationId, epoch }: Attempt, current: number, slackMs: number): boolean {
    const failedAt = this.#failedAt.get(operationId) ?? Infinity;
    return epoch === current && !(this.#time.monotonic - failedAt > listenMs + slackMs);
  }

  /** No operation may go on beyond its deadline, whatever its callback does. */
  checkDeadlines(): void {
    for (const { operationId, since } of this.running) {
      const over = this.#failedAt.has(operationId) || this.#time.monotonic - since.monotonic <= listenMs + noiseMs;
      this.#faults.expect(over, 'G16: an operation went on beyond its deadline');
    }
  }

  #of(operationId: string): Attempt[] {
    return this.#all.filter((other) => other.operationId === operationId);
  }

  #checkAlone(): void {
    for (const { since, operationId, endedAt, signal } of this.#all) {
      const givenUp = this.#time.monotonic - since.monotonic >= this.#patienceMs - noiseMs;
      const over = endedAt !== undefined || signal.aborted || this.#failedAt.has(operationId);
      this.#faults.expect(over || givenUp, 'G7: two refresh calls at once');
    }
  }

  /** G16. What may have reached the server is sent again once, and at once. */
  #checkRepeat(operationId: string): void {
    const own = this.#of(operationId);
    const last = own.at(-1);
    if (!last) return;
    const uncertain = own.filter((other) => other.uncertain || other.endedAt === undefined);
    this.#faults.expect(uncertain.length <= 1, 'G16: a refresh that may have reached the server was repeated twice');
    if (!uncertain.includes(last)) return;
    const failedAt = Math.min(last.endedAt ?? Infinity, last.since.monotonic + this.#patienceMs);
    const lateMs = this.#time.monotonic - failedAt;
    this.#faults.expect(lateMs <= noiseMs, 'G16: a refresh that may have reached the server was repeated late');
  }
}
