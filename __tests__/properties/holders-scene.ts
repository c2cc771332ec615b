/** Plays a random schedule against several holders of one place, and holds every step against the invariants. */
import { isAxiosError } from 'axios';
import { isTokenError, type RefreshContext, type TokenSet, type TokenStore } from '../../src/index.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { sharedPlace, type SharedPlace } from '../support/shared-store.js';
import { Authority, type User } from './authority.js';
import {
  nth,
  pause,
  refused,
  reset,
  second,
  settle,
  times,
  unreachable,
  watch,
  world,
  type Watched,
  type World,
} from './world.js';

export type StoreMethod = 'load' | 'save' | 'clear' | 'replace' | 'exclusive';
/** `before` and `after` what was asked has been done; `never`: it is done, and nobody is told. */
export type FaultKind = 'before' | 'after' | 'never';

export interface Outcome {
  readonly kind: 'ok' | 'unreachable' | 'lost' | 'refused' | 'hang';
  readonly delayMs: number;
}

export type Step =
  | { readonly kind: 'request' | 'refresh' | 'sign-out' | 'deafen' | 'undeafen'; readonly at: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'sign-in'; readonly at: number; readonly user: User; readonly dead: boolean }
  | { readonly kind: 'fault'; readonly at: number; readonly method: StoreMethod; readonly how: FaultKind };

interface Holder {
  readonly name: number;
  readonly world: World;
  /** The next access to each of these methods fails. */
  readonly faults: Map<StoreMethod, FaultKind>;
  /** Whose session it is, as far as it knows. */
  user: User | undefined;
  /** Hears nothing of what others write. */
  deaf: boolean;
  /** An access to the store has failed: it may know less than the others. */
  failed: boolean;
  /** The refresh token that it read last. */
  read: string | undefined;
}

interface Asked {
  readonly holder: Holder;
  readonly context: RefreshContext;
  readonly at: number;
}

interface Sent {
  readonly user: User | undefined;
  readonly outcome: Watched<unknown>;
}

const ttlSeconds = 60;
// From then on an attempt is given up, and its turn over; less what fractions of a millisecond lose.
const attemptMs = 5 * second - 1;
const drainMs = 90 * second;

export class HoldersScene {
  readonly #clock: FakeClock = fakeClock();
  readonly #authority = new Authority(() => this.#clock.now(), { ttlSeconds });
  readonly #place: SharedPlace = sharedPlace();
  readonly #holders: readonly Holder[];
  readonly #outcomes: Outcome[];
  readonly #open = new Set<Asked>();
  readonly #sent = new Map<string, Sent>();
  readonly #others: Watched<unknown>[] = [];
  /** What has reached the place and has not been looked at. */
  readonly #written: { readonly tokens: TokenSet | undefined; readonly by: StoreMethod }[] = [];
  /** Which sign-in each refresh token comes from. */
  readonly #signIns = new Map<string, number>();
  readonly #problems: string[] = [];
  /** Sign-ins and sign-outs, counted. */
  #changes = 0;
  /** The one that reached the place last. */
  #standing = 0;
  /** A turn was not waited for, or the lock made to fail. */
  /** Those that have ended by their deadline, or for good. */
  readonly #failedOperations = new Set<string>();
  #isUnlocked = false;
  #faultless = true;

  constructor(holders: number, outcomes: readonly Outcome[]) {
    this.#outcomes = [...outcomes];
    this.#holders = times(holders, (name) => this.#join(name));
  }

  async play(steps: readonly Step[]): Promise<void> {
    await Promise.all(this.#holders.map(({ world: { session } }) => session.ready));
    await this.#signIn(nth(this.#holders, 0), 'ada', false);
    for (const step of steps) {
      await this.#take(step);
      await settle();
      this.#checkPlace();
      if (this.#problems.length > 0) break;
    }
    await this.#drain();
    this.#checkEnd();
    for (const { world } of this.#holders) world.session.dispose();
    if (this.#problems.length > 0) throw new Error(this.#problems.join('\n'));
  }

  #join(name: number): Holder {
    const faults: Holder['faults'] = new Map();
    let formatted = '';
    const holder: Holder = {
      name,
      faults,
      user: undefined,
      deaf: false,
      failed: false,
      read: undefined,
      world: world({
        clock: this.#clock,
        tokens: null,
        refreshAhead: false,
        refresh: (context) => this.#refresh(holder, context),
        store: this.#storeOf(() => holder),
        formatHeader: (token) => `Bearer ${(formatted = token)}`,
      }),
    };
    const { session } = holder.world;
    session.on('refresh.failed', ({ operationId }) => this.#failedOperations.add(operationId));
    session.on('tokens.changed', () => (holder.user = this.#authority.userOf(formatted)));
    session.on('session.cleared', () => (holder.user = undefined));
    session.on('session.expired', () => (holder.user = undefined));
    holder.world.api.respond = async (config, token) => {
      this.#checkSending(String(config.url), token);
      await pause(this.#clock, 20);
      return { status: this.#authority.accepts(token) ? 200 : 401 };
    };
    return holder;
  }

  #storeOf(holder: () => Holder): TokenStore {
    const own = this.#place.holder();
    const through = async <T>(method: StoreMethod, act: () => T | Promise<T>): Promise<T> => {
      const fault = holder().faults.get(method);
      holder().faults.delete(method);
      if (fault === undefined) return act();
      holder().failed = true;
      if (method === 'exclusive') this.#isUnlocked = true;
      if (fault === 'before') throw new Error('The store is out of order.');
      const done = await act();
      if (fault === 'never') return new Promise(() => undefined);
      throw new Error(`The store is out of order after ${typeof done}.`);
    };
    return {
      load: () =>
        through('load', async () => {
          const tokens = await own.load();
          holder().read = tokens?.refreshToken;
          return tokens;
        }),
      save: (tokens) =>
        through('save', async () => {
          await own.save(tokens);
          this.#written.push({ tokens, by: 'save' });
        }),
      clear: () =>
        through('clear', async () => {
          await own.clear();
          this.#written.push({ tokens: undefined, by: 'clear' });
        }),
      replace: (expected, next) =>
        through('replace', async () => {
          const stands = await own.replace(expected, next);
          // Who could not store its sign-in cannot know of a sign-out that came after it.
          if (stands && !holder().failed) this.#written.push({ tokens: next, by: 'replace' });
          return stands;
        }),
      exclusive: (work, signal) => {
        let runs = 0;
        const counted = (): ReturnType<typeof work> => {
          runs += 1;
          return work();
        };
        signal.addEventListener('abort', () => {
          if (runs === 0) this.#isUnlocked = true;
        });
        return through('exclusive', () => own.exclusive(counted, signal));
      },
      subscribe: (changed) =>
        own.subscribe(() => {
          if (!holder().deaf) changed();
        }),
    };
  }

  async #take(step: Step): Promise<void> {
    if (step.kind === 'advance') return this.#clock.advance(step.ms);
    const holder = nth(this.#holders, step.at % this.#holders.length);
    const { session } = holder.world;
    switch (step.kind) {
      case 'request':
        this.#request(holder);
        return;
      case 'refresh':
        this.#others.push(watch(session.refresh()));
        return;
      case 'sign-in':
        return this.#signIn(holder, step.user, step.dead);
      case 'sign-out':
        this.#others.push(watch(session.signOut()));
        return;
      case 'deafen':
      case 'undeafen':
        holder.deaf = step.kind === 'deafen';
        this.#faultless = false;
        return;
      case 'fault':
        holder.faults.set(step.method, step.how);
        this.#faultless = false;
    }
  }

  async #signIn({ world: { session } }: Holder, user: User, dead: boolean): Promise<void> {
    const tokens = this.#authority.signIn(user, dead);
    this.#signIns.set(tokens.refreshToken, ++this.#changes);
    this.#others.push(watch(session.setTokens(tokens)));
    await settle();
  }

  #request({ name, user, world: { instance } }: Holder): void {
    const url = `${String(name)}-${String(this.#sent.size)}`;
    let settleWith: (answer: Promise<unknown>) => void = () => undefined;
    const outcome = watch(new Promise((resolve) => (settleWith = resolve)));
    this.#sent.set(url, { user, outcome });
    const answer = instance.get(url);
    answer.catch((error: unknown) => {
      const isFine = isTokenError(error) || (isAxiosError(error) && error.response?.status === 401);
      this.#expect(isFine, `${url} failed with ${String(error)}`);
    });
    settleWith(answer);
  }

  async #refresh(holder: Holder, context: RefreshContext): Promise<unknown> {
    const { tokens } = context;
    const asked: Asked = { holder, context, at: this.#clock.monotonic() };
    this.#checkAsking(asked);
    this.#open.add(asked);
    const { kind, delayMs } = this.#outcomes.shift() ?? { kind: 'ok', delayMs: 20 };
    try {
      return await this.#answer(kind, delayMs, tokens);
    } finally {
      this.#open.delete(asked);
    }
  }

  async #answer(kind: Outcome['kind'], delayMs: number, tokens: TokenSet | undefined): Promise<unknown> {
    if (kind === 'hang') return new Promise(() => undefined);
    const result = ((): unknown => {
      try {
        return kind === 'ok' || kind === 'lost' ? this.#rotate(tokens) : undefined;
      } catch (error) {
        return error;
      }
    })();
    await pause(this.#clock, delayMs);
    if (kind === 'lost') throw reset();
    if (kind === 'unreachable') throw unreachable();
    if (kind === 'refused') throw refused();
    if (result instanceof Error) throw result;
    return result;
  }

  #rotate(tokens: TokenSet | undefined): TokenSet {
    const next = this.#authority.rotate(tokens?.refreshToken);
    const signIn = this.#signIns.get(tokens?.refreshToken ?? '');
    if (signIn !== undefined) this.#signIns.set(next.refreshToken, signIn);
    return next;
  }

  // --- invariants ---

  #expect(holds: boolean, problem: string): void {
    if (!holds) this.#problems.push(`${problem} (at ${String(this.#clock.now())})`);
  }

  #checkAsking({ holder, context }: Asked): void {
    const { refreshToken } = context.tokens ?? {};
    for (const other of this.#open) {
      const { signal, operationId } = other.context;
      const isOverdue = this.#clock.monotonic() - other.at >= attemptMs;
      const isGivenUp = signal.aborted || isOverdue || this.#failedOperations.has(operationId);
      const isSame = other.context.tokens?.refreshToken === refreshToken && refreshToken !== undefined;
      this.#expect(
        !isSame || isGivenUp || this.#isUnlocked || other.holder === holder,
        `holders ${String(other.holder.name)} and ${String(holder.name)} refresh ${String(refreshToken)} at once`,
      );
    }
    const held = this.#place.record?.refreshToken;
    this.#expect(
      // A sign-in takes no turn: it may be stored between the reading and the asking.
      holder.failed || this.#isUnlocked || refreshToken === held || refreshToken === holder.read,
      `holder ${String(holder.name)} refreshes ${String(refreshToken)} though ${String(held)} is stored`,
    );
  }

  /** What a refresh writes must not come from before the sign-in or sign-out that reached the place last. */
  #checkPlace(): void {
    for (const { tokens, by } of this.#written.splice(0)) {
      const signIn = this.#signIns.get(tokens?.refreshToken ?? '') ?? 0;
      if (by === 'clear') this.#standing = ++this.#changes;
      else if (by === 'save') this.#standing = signIn;
      else if (tokens) {
        this.#expect(signIn >= this.#standing, `a refresh of ${String(signIn)} undoes ${String(this.#standing)}`);
      }
    }
  }

  #checkSending(url: string, token: string | undefined): void {
    const { user } = this.#sent.get(url) ?? {};
    if (token === undefined) return;
    this.#expect(!this.#authority.hasExpired(token), `${url} was sent with an expired token`);
    const as = this.#authority.userOf(token);
    this.#expect(user === undefined || as === user, `${url} of ${String(user)} was sent as ${String(as)}`);
  }

  async #drain(): Promise<void> {
    for (const holder of this.#holders) {
      holder.deaf = false;
      holder.faults.clear();
    }
    this.#outcomes.length = 0;
    await this.#clock.advance(drainMs);
    this.#checkPlace();
  }

  #checkEnd(): void {
    for (const [url, { outcome }] of this.#sent) this.#expect(outcome.state !== 'pending', `${url} never settled`);
    for (const { state } of this.#others) this.#expect(state !== 'pending', 'a method of a session never settled');
    this.#expect(!this.#place.isBusy || this.#isUnlocked, 'a turn has not ended');
    this.#expect(this.#clock.holding === 0, 'a timer holds the process');
    if (!this.#faultless) return;
    const isHeld = this.#place.record !== undefined;
    for (const { name, world } of this.#holders) {
      this.#expect((world.session.status === 'active') === isHeld, `holder ${String(name)} is ${world.session.status}`);
    }
  }
}
