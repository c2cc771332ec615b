/**
 * Between a session and its store: one access after the other, and no fault of the store ever reaches the session.
 * Remembers what the store held last, and so tells what another holder has written from what was there all along.
 */
import { describe, field, secretsOf } from './core/redact.js';
import { readTokens, sameTokens } from './core/tokens.js';
import { within } from './deadline.js';
import { runAlone, type Entry } from './section.js';
import { listen } from './subscription.js';
import type { Clock, StoreAction, TokenErrorCause, TokenSet, TokenStore } from './types.js';

export type StoreFault = (action: StoreAction, error: TokenErrorCause) => void;

/** What another holder has written: its tokens, or none where it has signed out. */
export interface News {
  readonly tokens: TokenSet | undefined;
}

/** With any of these methods a store is shared. */
export const sharing = ['replace', 'exclusive', 'subscribe', 'claim'] as const;

// A refresh does not wait longer for a shared store: one that is slow is as good as one that fails.
const answerMs = 2_000;

export class Persistence {
  /** Other sessions may hold the same token set. */
  readonly isShared: boolean;
  readonly #store: TokenStore;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #failed: StoreFault;
  #queue: Promise<unknown> = Promise.resolve();
  /** What the store held when it was last read or written. */
  #known: TokenSet | undefined;
  /** Written without an answer: the store may hold any of them. */
  #unanswered: (TokenSet | undefined)[] = [];
  /** What the session has yet to take over. */
  #news: News | undefined;
  /** The last access in line, where it is a read that has not begun. */
  #reading: Promise<News | undefined> | undefined;
  #isStopped = false;
  /** Saves that wait for their turn: what the store holds until then is older. */
  #saves = 0;
  /** What is told later: nobody listens yet, or listeners would prolong an exclusive section. */
  readonly #untold: (() => void)[] = [];
  /** Sections under way, and the making of the session, which counts as one. */
  #sections = 1;
  #stopLoading: (() => void) | undefined;
  #unsubscribe: (() => void) | undefined;

  /** @param limitMs longest wait for a store that is not shared */
  constructor(store: TokenStore, clock: Clock, limitMs: number, failed: StoreFault) {
    this.#store = store;
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#failed = failed;
    this.isShared = sharing.some((method) => store[method] !== undefined);
    queueMicrotask(() => this.#leaveSection());
  }

  /** What the store holds: at once if it answers at once, else in time. Never rejects. */
  load(): TokenSet | undefined | Promise<TokenSet | undefined> {
    const read = (stored: unknown): TokenSet | undefined => (this.#known = readStored(stored));
    const fault = (error: unknown): undefined => {
      this.#fault('load', error);
    };
    try {
      const loaded: unknown = this.#store.load();
      if (typeof field(loaded, 'then') !== 'function') return read(loaded);
      const stopped = new Promise<void>((resolve) => (this.#stopLoading = resolve));
      return within(this.#clock, this.#limitMs, Promise.race([loaded, stopped]))
        .then(read)
        .catch(fault);
    } catch (error) {
      fault(error);
      return;
    }
  }

  /** Calls `changed` when another holder has written. */
  follow(changed: () => void): void {
    this.#unsubscribe = listen(this.#store, changed, (error) => this.#fault('subscribe', error));
  }

  /** Waits no longer for what is being loaded, and neither hears of other holders nor asks about them any more. */
  stop(): void {
    this.#isStopped = true;
    this.#stopLoading?.();
    this.#unsubscribe?.();
  }

  /**
   * Writes what `current` returns when its turn comes; nothing means that the store is emptied. Waits for no store for
   * ever, though the accesses of a slow one must not overlap. Never rejects.
   */
  save(current: () => TokenSet | undefined): Promise<void> {
    return within(this.#clock, this.#limitMs, this.#save(current)).catch((error: unknown) =>
      this.#fault(current() ? 'save' : 'clear', error),
    );
  }

  /** What the store held when it was last read or written. */
  get known(): TokenSet | undefined {
    return this.#known;
  }

  /** The same, unless the store holds something else than what is expected then. Whether it stands. Never rejects. */
  replace(
    current: () => TokenSet | undefined,
    expected: () => TokenSet | undefined = () => this.#known,
  ): Promise<boolean> {
    const store = this.#store;
    if (!store.replace) return this.#save(current).then(() => true);
    return this.#inTurn(() => {
      const next = current();
      return this.#write(next, async () => store.replace?.(expected(), next) ?? true);
    });
  }

  /** What another holder has written and the session has not taken over. Never rejects. */
  news(): Promise<News | undefined> {
    // One that has not begun, with no write after it, will find what there is now.
    return (this.#reading ??= this.#inTurn(async () => {
      this.#reading = undefined;
      return this.#isStopped ? undefined : this.#read();
    }));
  }

  /** The session takes over the news. Whether it still is: a sign-in or a sign-out may have come meanwhile. */
  take(news: News): boolean {
    const isNews = this.#news === news;
    if (isNews) this.#news = undefined;
    return isNews;
  }

  /** Keeps what a refresh has brought that outlived its session, unless somebody has written meanwhile. Never rejects. */
  async bequeath(tokens: TokenSet | undefined): Promise<void> {
    if (!(await this.#inTurn(() => this.#read()))) await this.replace(() => tokens);
  }

  /** Whether this holder is to tell of an escalation: the first of them, or all if that cannot be told. Never rejects. */
  mayEscalate(): true | Promise<boolean> {
    const store = this.#store;
    if (!store.claim) return true;
    return this.#answer(new Promise<unknown>((resolve) => resolve(store.claim?.('escalation')))).then(
      (isFirst) => isFirst !== false,
      (error: unknown) => {
        this.#fault('claim', error);
        return true;
      },
    );
  }

  /**
   * Runs `work` while no other holder is at it, as far as the store can see to that within `limitMs`. Where the store
   * fails, not before `assertUrgent` lets it.
   */
  async alone<T>(work: () => Promise<T>, entry: Omit<Entry, 'clock' | 'failed'>): Promise<T> {
    const failed = (error: unknown): void => this.#fault('exclusive', error);
    this.#sections += 1;
    try {
      return await runAlone(this.#store, work, { ...entry, clock: this.#clock, failed });
    } finally {
      this.#leaveSection();
    }
  }

  /** Calls `tell` when no section is under way. */
  outside(tell: () => void): void {
    this.#untold.push(tell);
    this.#tell();
  }

  async #read(): Promise<News | undefined> {
    try {
      const tokens = readStored(await this.#answer(this.#store.load()));
      const isOurs = [this.#known, ...this.#unanswered].some((own) => sameTokens(own, tokens));
      this.#known = tokens;
      if (!isOurs && this.#saves === 0) this.#news = { tokens };
    } catch (error) {
      this.#fault('load', error);
    }
    return this.#news;
  }

  #save(current: () => TokenSet | undefined): Promise<void> {
    this.#news = undefined;
    this.#saves += 1;
    return this.#inTurn(async () => {
      const next = current();
      await this.#write(next, async () => {
        await (next ? this.#store.save(next) : this.#store.clear());
        return true;
      });
      this.#saves -= 1;
    });
  }

  /** Writes `next` by `write`, which tells whether it stands. One that fails or does not answer counts as done. */
  async #write(next: TokenSet | undefined, write: () => Promise<boolean>): Promise<boolean> {
    // A store that refuses all must not be remembered all.
    this.#unanswered = [...this.#unanswered.slice(-9), next];
    try {
      const stands = await this.#answer(write());
      this.#unanswered = [];
      if (stands) {
        this.#known = next;
        this.#news = undefined;
      }
      return stands;
    } catch (error) {
      this.#fault(next ? 'save' : 'clear', error);
      return true;
    }
  }

  #inTurn<T>(access: () => Promise<T>): Promise<T> {
    this.#reading = undefined;
    const done = this.#queue.then(access);
    this.#queue = done;
    return done;
  }

  /** A shared store's answer, or a failure if it takes too long. */
  #answer<T>(given: T | Promise<T>): Promise<T> {
    return this.isShared ? within(this.#clock, answerMs, given) : Promise.resolve(given);
  }

  #fault(action: StoreAction, error: unknown): void {
    const cause = describe(error, secretsOf([this.#known, ...this.#unanswered]));
    this.outside(() => this.#failed(action, cause));
  }

  #leaveSection(): void {
    this.#sections -= 1;
    this.#tell();
  }

  #tell(): void {
    if (this.#sections === 0) for (const tell of this.#untold.splice(0)) tell();
  }
}

function readStored(stored: unknown): TokenSet | undefined {
  if (stored === undefined || stored === null) return undefined;
  const reading = readTokens(stored);
  if ('problem' in reading) throw new RangeError(`The store holds no token set: ${reading.problem}`);
  return reading.tokens;
}
