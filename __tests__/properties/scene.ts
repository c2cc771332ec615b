/** Plays a schedule against a session, and holds every step of it against the ledger. */
import axios, { type AxiosInstance } from 'axios';
import { isTokenError } from '../../src/index.js';
import { addInterceptors } from './app.js';
import { Authority, type User } from './authority.js';
import { Ledger } from './ledger.js';
import { withJitter } from './jitter.js';
import type { Outcome } from './outcomes.js';
import { refresh } from './refresh.js';
import type { RequestStep, Schedule, Step } from './schedules.js';
import { Time } from './time.js';
import type { Parts } from './requests.js';
import { Traffic } from './traffic.js';
import { second, settle, watch, world, type Watched, type World } from './world.js';

// From the last of a schedule to the end of every wait: an interceptor, two waits, two answers of the API.
const drainMs = 90 * second;
const last: RequestStep = {
  kind: 'request',
  instance: 'first',
  body: 'json',
  text: 'last',
  apiMs: 10,
  judged: 'answering',
  timeoutMs: undefined,
  abortMs: undefined,
  slowMs: 0,
  together: false,
};

/** Plays all of it, and lets enough time pass for everything to settle. Throws if an invariant was broken. */
export async function play(schedule: Schedule): Promise<void> {
  await withJitter(schedule.jitter, () => new Scene(schedule).play(schedule.steps));
}

class Scene {
  readonly #world: World;
  readonly #instances: Readonly<Record<RequestStep['instance'], AxiosInstance>>;
  readonly #maxWaitMs: number;
  readonly #opaque: boolean;
  readonly #outcomes: Outcome[];
  readonly #time: Time;
  readonly #authority: Authority;
  readonly #ledger: Ledger;
  readonly #traffic: Traffic;
  readonly #methods: Watched<unknown>[] = [];

  constructor({ setup, outcomes }: Schedule) {
    const { ttlSeconds, rotation, opaque, ...options } = setup;
    this.#opaque = opaque;
    this.#maxWaitMs = setup.maxWaitMs;
    this.#outcomes = [...outcomes];
    this.#world = world({
      ...options,
      tokens: null,
      refresh: (context) => refresh(context, this.#parts, this.#outcomes),
      before: (instance) => addInterceptors(instance, () => this.#traffic),
    });
    const { api, clock, instance, session } = this.#world;
    this.#time = new Time(clock);
    this.#authority = new Authority(() => this.#time.real, { ttlSeconds, rotation, opaque });
    const patienceMs = (setup.retry === false ? 15 : 5) * second;
    this.#ledger = new Ledger(this.#time, this.#authority, { lifeMs: ttlSeconds * second, patienceMs });
    this.#traffic = new Traffic(this.#parts);
    const { baseURL, adapter } = instance.defaults;
    const other = axios.create({
      ...(baseURL !== undefined && { baseURL }),
      ...(adapter !== undefined && { adapter }),
    });
    addInterceptors(other, () => this.#traffic);
    session.attach(other);
    this.#instances = { first: instance, second: other };
    api.respond = (config, token) => this.#traffic.answer(config, token);
    session.on('event', (event) => {
      this.#ledger.heard(event);
    });
  }

  get #parts(): Parts {
    return {
      clock: this.#world.clock,
      time: this.#time,
      authority: this.#authority,
      ledger: this.#ledger,
      maxWaitMs: this.#maxWaitMs,
    };
  }

  async play(steps: readonly Step[]): Promise<void> {
    const stopListening = this.#listenForRejections();
    try {
      await this.#signIn('ada', false);
      for (const [index, step] of steps.entries()) {
        await this.#take(step);
        // Requests may come in the same tick; what else may is for the test of orders.
        if (step.kind === 'request' && step.together && steps[index + 1]?.kind === 'request') continue;
        await settle();
        this.#checkRest();
        if (this.#ledger.faults.list.length > 0) break;
      }
      await this.#world.clock.advance(drainMs);
      await this.#checkEnd();
    } finally {
      stopListening();
    }
    if (this.#ledger.faults.list.length > 0) throw new Error(this.#ledger.faults.list.join('\n'));
  }

  async #take(step: Step): Promise<void> {
    const { clock, session } = this.#world;
    switch (step.kind) {
      case 'request':
        this.#traffic.send(this.#instances[step.instance], step);
        return;
      case 'advance':
        return clock.advance(step.ms);
      case 'sleep':
        this.#time.sleep(step.ms);
        return;
      case 'set-clock':
        this.#time.set(step.ms);
        return;
      case 'sign-in':
        return this.#signIn(step.user, step.dead);
      case 'sign-out':
        return this.#signOut();
      case 'revoke':
        this.#authority.revoke(this.#world.sent().at(-1));
        return;
      case 'refresh':
        this.#methods.push(watch(this.#checkToken(session.refresh())));
        return;
      case 'token':
        this.#methods.push(watch(this.#checkToken(session.getAccessToken())));
        return;
    }
  }

  async #signIn(user: User, dead: boolean): Promise<void> {
    const { session } = this.#world;
    if (this.#opaque && this.#ledger.user !== user) await this.#signOut();
    const tokens = this.#authority.signIn(user, dead);
    this.#ledger.signedIn(user, tokens, dead);
    await session.setTokens(tokens);
    await settle();
    const { waiting } = session.getSnapshot();
    this.#ledger.expect(
      waiting === 0 || !this.#ledger.isAlive,
      `G10: ${String(waiting)} wait for a token that is there`,
    );
  }

  async #signOut(): Promise<void> {
    const { session } = this.#world;
    this.#ledger.signedOut();
    await session.signOut();
    const { waiting } = session.getSnapshot();
    this.#ledger.expect(waiting === 0, `G11: ${String(waiting)} still wait after the sign-out`);
  }

  async #checkToken(asked: Promise<string>): Promise<void> {
    const ledger = this.#ledger;
    const user = ledger.signedInUser;
    try {
      const token = await asked;
      ledger.expect(!ledger.isKnownDead(token), 'G4: a method gave an expired token');
      ledger.expect(
        user === undefined || this.#authority.userOf(token) === user,
        'G11: a method gave another user’s token',
      );
    } catch (error) {
      ledger.expect(isTokenError(error), `a method of the session failed with ${String(error)}`);
    }
  }

  #checkRest(): void {
    this.#ledger.attempts.checkDeadlines();
    const { signedInUser, user } = this.#ledger;
    const { clock, session } = this.#world;
    const { status, waiting, isRefreshing } = session.getSnapshot();
    const expected = signedInUser ? ['active'] : user === undefined ? ['signed-out', 'expired'] : ['expired'];
    this.#ledger.expect(expected.includes(status), `the session is ${status} instead of ${expected.join(' or ')}`);
    this.#ledger.expect(waiting === 0 || isRefreshing, `G10: ${String(waiting)} wait, and nothing is under way`);
    this.#ledger.expect(waiting > 0 || clock.holding === 0, 'G20: a timer holds the process, and nobody waits');
  }

  async #checkEnd(): Promise<void> {
    const { clock, session, told } = this.#world;
    const ledger = this.#ledger;
    this.#traffic.checkEnd();
    this.#checkRest();
    ledger.expect(!ledger.isOverdue, 'G3: the token of an ending session has died, and the session has not expired');
    for (const { state } of this.#methods)
      ledger.expect(state !== 'pending', 'G10: a method of the session never settled');
    const { waiting } = session.getSnapshot();
    ledger.expect(waiting === 0, `G10: ${String(waiting)} still wait`);
    ledger.expect(clock.holding === 0, 'G20: a timer holds the process');
    ledger.expect(
      told('request.queued').length === told('request.released').length,
      'queued and released do not match',
    );
    ledger.expect(told('listener.failed').length === 0, 'a listener failed');
    ledger.expect(this.#authority.reuses === 0, 'the server saw a refresh token again whose successor had come');
    ledger.expect(ledger.attempts.count < 400, `G6: ${String(ledger.attempts.count)} refresh calls: a loop`);
    // Whatever came before: after a sign-in everything works.
    this.#outcomes.length = 0;
    await this.#signIn('bob', true);
    this.#traffic.send(this.#instances.first, last);
    await clock.advance(second);
    ledger.expect(this.#traffic.last?.state === 'resolved', 'a request after a new sign-in did not succeed');
    session.dispose();
    // Until the last of the servers' answers has come.
    await clock.advance(drainMs);
    ledger.expect(clock.pending === 0, `G20: ${String(clock.pending)} timers are left behind`);
  }

  /** Where nobody else counts unhandled rejections (Jest does). Returns what stops it. */
  #listenForRejections(): () => void {
    const hear = (reason: unknown): void => this.#ledger.expect(false, `G20: unhandled rejection: ${String(reason)}`);
    process.on('unhandledRejection', hear);
    return () => process.off('unhandledRejection', hear);
  }
}
