/** Plays a random schedule against a session, and holds every step against the invariants. */
import { isAxiosError, isCancel } from 'axios';
import { isTokenError, type RefreshContext, type TokenSet } from '../../src/index.js';
import { jwt } from '../support/jwt.js';
import { Authority, type User } from './authority.js';
import {
  answered,
  nth,
  pause,
  reset,
  second,
  settle,
  unreachable,
  watch,
  world,
  type Watched,
  type World,
  type WorldOptions,
} from './world.js';

/** What becomes of one call of the refresh callback. `lost`: the server acts, and its answer never comes. */
export interface Outcome {
  readonly kind:
    | 'ok'
    | 'unreachable'
    | 'reset'
    | 'lost'
    | 'unavailable'
    | 'refused'
    | 'hang'
    | 'nonsense'
    | 'same'
    | 'dead'
    | 'other-user';
  readonly delayMs: number;
}

export interface RequestStep {
  readonly kind: 'request';
  /** How long the API takes. */
  readonly apiMs: number;
  readonly text: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly abortMs: number | undefined;
  /** How long the app's own interceptor takes, between ours and the wire. */
  readonly slowMs: number;
}

export type Step =
  | RequestStep
  | { readonly kind: 'advance' | 'sleep'; readonly ms: number }
  | { readonly kind: 'sign-in'; readonly user: User; readonly dead: boolean }
  | { readonly kind: 'sign-out' | 'revoke' | 'refresh' | 'token' };

interface Sent {
  readonly request: RequestStep;
  /** Who was signed in when the request was made. */
  readonly user: User | undefined;
  readonly outcome: Watched<unknown>;
  /** Body and content type of each time that it reached the API. */
  readonly bodies: string[];
  /** Held by the app's interceptor or by the API: not ours to settle. */
  elsewhere: number;
  abortedAt: number | undefined;
}

// From the last of a schedule to the end of every wait: an interceptor, two waits, two answers of the API.
const drainMs = 90 * second;

export interface SceneOptions extends Pick<
  WorldOptions,
  'whenMissing' | 'retry' | 'schedule' | 'refreshAhead' | 'maxWaiting' | 'maxWaitMs'
> {
  readonly ttlSeconds: number;
}

export class Scene {
  readonly world: World;
  readonly authority: Authority;
  readonly #outcomes: Outcome[];
  /** From when on a call counts as given up; less what fractions of a millisecond lose. */
  readonly #patienceMs: number;
  readonly #sent: Sent[] = [];
  readonly #others: Watched<unknown>[] = [];
  readonly #open = new Map<RefreshContext, number>();
  /** What has been found wrong. */
  readonly #faults: string[] = [];
  #user: User | undefined;

  constructor(options: SceneOptions, outcomes: readonly Outcome[]) {
    this.#outcomes = [...outcomes];
    this.#patienceMs = (options.retry === false ? 15 : 5) * second - 0.01;
    this.world = world({
      ...options,
      tokens: null,
      refresh: (context) => this.#refresh(context),
      before: (instance, clock) => {
        instance.interceptors.request.use(
          async (config) => {
            const sent = this.#byUrl(config.url);
            sent.elsewhere += 1;
            await pause(clock, sent.request.slowMs);
            sent.elsewhere -= 1;
            return config;
          },
          undefined,
          { runWhen: ({ url }) => this.#byUrl(url).request.slowMs > 0 },
        );
      },
    });
    const { api, clock } = this.world;
    this.authority = new Authority(() => clock.now(), options.ttlSeconds);
    api.respond = async (config, token) => {
      const sent = this.#byUrl(config.url);
      this.#checkSending(sent, token, `${String(config.headers.get('Content-Type'))} ${String(config.data)}`);
      sent.elsewhere += 1;
      await pause(clock, sent.request.apiMs);
      sent.elsewhere -= 1;
      return { status: this.authority.accepts(token) ? 200 : 401 };
    };
  }

  /** Plays all of it, and lets enough time pass for everything to settle. Throws if an invariant was broken. */
  async play(steps: readonly Step[]): Promise<void> {
    await this.#signIn('ada', false);
    for (const step of steps) {
      await this.#take(step);
      await settle();
      if (this.#faults.length > 0) break;
    }
    await this.world.clock.advance(drainMs);
    await this.#checkEnd();
    this.world.session.dispose();
    if (this.#faults.length > 0) throw new Error(this.#faults.join('\n'));
  }

  async #take(step: Step): Promise<void> {
    const { clock, session } = this.world;
    switch (step.kind) {
      case 'request':
        this.#request(step);
        return;
      case 'advance':
        return clock.advance(step.ms);
      case 'sleep':
        clock.jump(step.ms);
        return;
      case 'sign-in':
        return this.#signIn(step.user, step.dead);
      case 'sign-out':
        this.#user = undefined;
        await session.signOut();
        return;
      case 'revoke':
        this.authority.revoke(this.world.sent().at(-1));
        return;
      case 'refresh':
        this.#others.push(watch(session.refresh()));
        return;
      case 'token':
        this.#others.push(watch(this.#token()));
        return;
    }
  }

  async #signIn(user: User, dead: boolean): Promise<void> {
    this.#user = user;
    await this.world.session.setTokens(this.authority.signIn(user, dead));
  }

  async #token(): Promise<void> {
    const user = this.#asker();
    const token = await this.world.session.getAccessToken();
    this.#expect(!this.authority.hasExpired(token), 'getAccessToken() gave an expired token');
    this.#expect(user === undefined || this.authority.userOf(token) === user, 'getAccessToken() gave another user’s');
  }

  #byUrl(url: string | undefined): Sent {
    return nth(this.#sent, Number(url));
  }

  #asker(): User | undefined {
    return this.world.session.status === 'active' ? this.#user : undefined;
  }

  #request(request: RequestStep): void {
    const { clock, instance } = this.world;
    const controller = new AbortController();
    const url = String(this.#sent.length);
    // The request may reach the API before the call below returns.
    let settleWith: (answer: Promise<unknown>) => void = () => undefined;
    const promise = new Promise((resolve) => {
      settleWith = resolve;
    });
    const sent: Sent = {
      request,
      user: this.#asker(),
      outcome: watch(promise),
      bodies: [],
      elsewhere: 0,
      abortedAt: undefined,
    };
    this.#sent.push(sent);
    const { text, timeoutMs, abortMs } = request;
    const answer = instance.request({
      url,
      signal: controller.signal,
      ...(text !== undefined && { method: 'post', data: { text } }),
      ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    });
    answer.catch((error: unknown) => this.#checkRejection(sent, error));
    settleWith(answer);
    if (abortMs === undefined) return;
    clock.setTimeout(() => {
      if (sent.outcome.state !== 'pending') return;
      sent.abortedAt = clock.now();
      controller.abort();
      if (sent.elsewhere > 0) return;
      // It waits for us: a tick must do.
      setImmediate(() =>
        this.#expect(sent.outcome.state === 'rejected' || sent.elsewhere > 0, `${url}: an abort did not settle it`),
      );
    }, abortMs);
  }

  async #refresh(context: RefreshContext): Promise<unknown> {
    const { clock } = this.world;
    const now = clock.monotonic();
    for (const [{ signal, operationId }, since] of this.#open) {
      const timedOut = now - since >= this.#patienceMs || this.#hasFailed(operationId);
      this.#expect(signal.aborted || timedOut, 'two refresh calls at once');
    }
    this.#open.set(context, now);
    const { kind, delayMs } = this.#outcomes.shift() ?? { kind: 'ok', delayMs: 20 };
    try {
      return await this.#answer(kind, delayMs, context.tokens);
    } finally {
      this.#open.delete(context);
    }
  }

  #hasFailed(operationId: string): boolean {
    return this.world.told('refresh.failed').some((event) => event.operationId === operationId);
  }

  async #answer(kind: Outcome['kind'], delayMs: number, tokens: TokenSet | undefined): Promise<unknown> {
    const { clock } = this.world;
    if (kind === 'hang') return new Promise(() => undefined);
    // The server acts when it is asked; what it says takes its time.
    const act = (): unknown => {
      try {
        return kind === 'ok' || kind === 'lost' ? this.authority.rotate(tokens?.refreshToken) : undefined;
      } catch (error) {
        return error;
      }
    };
    const result = act();
    await pause(clock, delayMs);
    switch (kind) {
      case 'ok':
        if (result instanceof Error) throw result;
        return result;
      case 'unreachable':
        throw unreachable();
      case 'reset':
      case 'lost':
        throw reset();
      case 'unavailable':
        throw answered(503);
      case 'refused':
        return this.authority.refuse();
      case 'nonsense':
        return 42;
      case 'same':
        return tokens?.accessToken ?? '';
      case 'dead':
        return jwt({ sub: this.#user ?? 'ada', exp: clock.now() / 1_000 - 1 });
      case 'other-user':
        // With nobody signed in it would be a sign-in.
        if (this.world.session.status !== 'active') throw unreachable();
        return jwt({ sub: 'eve', exp: clock.now() / 1_000 + 600 });
    }
  }

  // --- invariants ---

  #expect(holds: boolean, fault: string): void {
    if (!holds) this.#faults.push(`${fault} (at ${String(this.world.clock.now())})`);
  }

  #checkSending(sent: Sent, token: string | undefined, body: string): void {
    const name = `request ${String(this.#sent.indexOf(sent))}`;
    sent.bodies.push(body);
    this.#expect(sent.bodies.length <= 2, `${name} was replayed more than once`);
    this.#expect(sent.abortedAt === undefined, `${name} was sent after its abort`);
    const [first] = sent.bodies;
    this.#expect(body === first, `${name} was replayed as ${body} after ${String(first)}`);
    const { text } = sent.request;
    this.#expect(
      text === undefined || body === `application/json ${JSON.stringify({ text })}`,
      `${name} was sent as ${body}`,
    );
    if (token === undefined) return;
    this.#expect(!this.authority.hasExpired(token), `${name} was sent with an expired token`);
    const user = this.authority.userOf(token);
    this.#expect(
      sent.user === undefined || user === sent.user,
      `${name} of ${String(sent.user)} was sent as ${String(user)}`,
    );
  }

  #checkRejection(sent: Sent, error: unknown): void {
    const { clock, session } = this.world;
    const name = `request ${String(this.#sent.indexOf(sent))}`;
    if (isCancel(error)) {
      this.#expect(sent.abortedAt !== undefined, `${name} was cancelled by nobody`);
      return;
    }
    if (isAxiosError(error)) {
      this.#expect(error.response?.status === 401, `${name} failed with ${error.message}`);
      return;
    }
    this.#expect(isTokenError(error), `${name} failed with ${String(error)}`);
    if (!isTokenError(error) || error.code === 'AUTH_SESSION_CLEARED') return;
    const { status, expiresAt = Infinity } = session.getSnapshot();
    // Its own user's token lives, and it was not sent.
    this.#expect(
      status !== 'active' || expiresAt <= clock.now() || sent.user !== this.#user,
      `${name} was rejected with ${error.code} while the token lives`,
    );
  }

  async #checkEnd(): Promise<void> {
    const { clock, session, calls, told } = this.world;
    for (const [index, { outcome }] of this.#sent.entries())
      this.#expect(outcome.state !== 'pending', `request ${String(index)} never settled`);
    for (const { state } of this.#others) this.#expect(state !== 'pending', 'a method of the session never settled');
    const { waiting } = session.getSnapshot();
    this.#expect(waiting === 0, `${String(waiting)} still wait`);
    this.#expect(clock.holding === 0, 'a timer holds the process');
    this.#expect(told('request.queued').length === told('request.released').length, 'queued and released do not match');
    this.#expect(
      told('session.expired').length === 0 || this.authority.refusals > 0,
      'the session expired though the server has refused nothing',
    );
    this.#expect(calls.length < 400, `${String(calls.length)} refresh calls: a loop`);
    // Whatever came before: after a sign-in everything works.
    this.#outcomes.length = 0;
    await this.#signIn('bob', true);
    this.#request({ kind: 'request', apiMs: 10, text: 'last', timeoutMs: undefined, abortMs: undefined, slowMs: 0 });
    await clock.advance(second);
    this.#expect(this.#sent.at(-1)?.outcome.state === 'resolved', 'a request after a new sign-in did not succeed');
  }
}
