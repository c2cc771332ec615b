/** One request on its way: waits, takes a token at the last point before the wire, is replayed after a 401. */
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { ask } from './core/ask.js';
import {
  bodyOf,
  isSameStream,
  isUsedUp,
  onStreamError,
  rewind,
  rewindHeaders,
  transformsOf,
  type Body,
  type Transform,
} from './core/body.js';
import { takeOff } from './core/header.js';
import type { OriginCheck } from './core/origins.js';
import { field } from './core/redact.js';
import { aborted, bodyUsedUp, rejectedToken, scopeMismatch } from './core/refusals.js';
import { redirectGuard, refuseRedirects, type BeforeRedirect } from './core/redirect.js';
import {
  deliver,
  discard,
  inTime,
  isAborted,
  isForeign,
  isUnauthorized,
  onAbort,
  readable,
  type Answer,
} from './core/replay.js';
import type { Credential, Holder } from './core/state.js';
import { isTokenError } from './errors.js';
import { adapterOf, isAxiosTransform, sendBare } from './http.js';
import { forcedEveryMs, type Turn } from './desk.js';
import type { Session } from './session.js';

/** A session on one instance. */
export interface Link {
  readonly session: Session;
  readonly check: OriginCheck;
  /** False once detached. */
  active: boolean;
}

/** Where the state of a request is kept: a string key survives every version's merge, a function each copy; JSON leaves it out. */
const stateKey = 'axios-token-refresh';

type Config = InternalAxiosRequestConfig & { [stateKey]?: unknown };

export class Exchange implements Turn {
  holder: Holder | undefined;
  patient = true;
  refused: number | undefined;
  readonly #link: Link;
  /** As it is on its way: a later interceptor may have returned a copy. */
  #config: Config;
  #inner: Config['adapter'];
  #adapter: AxiosAdapter | undefined;
  #capture: Transform | undefined;
  #body: Body | undefined;
  #waitedMs = 0;
  /** It has waited for its token, and goes with it even if the session is taken off meanwhile. */
  #served = false;
  /** Our adapter was called: nobody replaced it. */
  #ran = false;
  /** The header value that we set. */
  #attached: string | undefined;
  #credential: Credential | undefined;
  /** The generation that the request was replayed with: once for each is enough. */
  #replayedWith = 0;
  #replayedAt = -Infinity;
  #ownRedirect: BeforeRedirect | undefined;
  #redirect: BeforeRedirect | undefined;

  /** Notes whose request it is; `of` puts it on its way. */
  constructor(link: Link, config: Config, previous?: Exchange) {
    this.#link = link;
    this.#config = config;
    config[stateKey] = () => this;
    // Made under this user, however long other interceptors take.
    this.holder = link.session.holder;
    if (!previous) return;
    previous.#withdraw(config);
    if (previous.#link.session === link.session) {
      // The caller or a retry plugin sends the request again: it stays its user's, and its replay stays spent for a while.
      this.holder = previous.holder ?? this.holder;
      this.#replayedAt = previous.#replayedAt;
      if (this.#now() - this.#replayedAt < forcedEveryMs) this.#replayedWith = previous.#replayedWith;
    }
    if (config.adapter === previous.#adapter) Object.assign(config, { adapter: previous.#inner });
    if (config.beforeRedirect === previous.#redirect) Object.assign(config, { beforeRedirect: previous.#ownRedirect });
    if (previous.#capture)
      config.transformRequest = transformsOf(config).filter((transform) => transform !== previous.#capture);
  }

  /** The exchange of a config in this pass through the instance, or a new one. */
  static of(link: Link, config: Config): Exchange {
    const known = Exchange.find(config);
    if (known && known.#config === config) {
      if (!known.#adapter) return known.install();
      if (known.#adapter === config.adapter) return known;
    }
    return new Exchange(link, config, known).install();
  }

  static find(config: unknown): Exchange | undefined {
    const state = field(config, stateKey);
    const known: unknown = typeof state === 'function' && (state as () => unknown)();
    return known instanceof Exchange ? known : undefined;
  }

  /** Whether the plugin has anything to do with this request, as far as can be told before the last interceptor. */
  get concerns(): boolean {
    return this.#originFor(this.#config) !== undefined;
  }

  /** Waits in the request interceptor, before the body is touched. */
  async waitTurn(config: Config): Promise<Config> {
    try {
      // An interceptor that ran before may have taken its time.
      if (!isAborted(config)) await this.#timed(() => this.#link.session.acquire(this));
      this.#served = true;
    } catch (error) {
      // Axios itself rejects an aborted request, with its own error.
      if (!isAborted(config)) throw error;
    }
    return config;
  }

  ownTimeMs(): number {
    const { timeout } = this.#config;
    return timeout ? Math.max(1, Math.ceil(timeout - this.#waitedMs)) : Infinity;
  }

  interrupted(listener: (reason: unknown) => void): () => void {
    const stops = [onStreamError(this.#config.data, listener), onAbort(this.#config, () => listener(aborted()))];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Puts the request on its way. */
  install(): this {
    const config = this.#config;
    this.#inner = config.adapter;
    config.adapter = this.#adapter = (final) => {
      try {
        return this.#run(final);
      } catch (error) {
        // A throw would pass the response interceptors by.
        return Promise.reject(error);
      }
    };
    if (config.data === undefined || config.data === null) return this;
    const transforms = transformsOf(config);
    this.#capture = (data, headers) => {
      const own = isAxiosTransform(transforms) ? undefined : Object.assign({}, headers);
      this.#body = { data, transforms, type: headers.get('Content-Type'), headers: own };
      return data;
    };
    config.transformRequest = [this.#capture, ...transforms] as NonNullable<Config['transformRequest']>;
    return this;
  }

  /** The adapter: here the final URL is known, and every answer is seen. */
  #run(config: Config): Promise<AxiosResponse> {
    this.#ran = true;
    this.#config = config;
    this.#withdraw(config);
    const isOurs = (this.#link.active || this.#served) && config.tokenRefresh !== false;
    const origin = isOurs ? this.#originFor(config) : undefined;
    this.#served = false;
    if (origin === undefined) return this.#pass(config);
    const credential = this.#link.session.acquire(this);
    return credential instanceof Promise
      ? this.#timed(() => credential).then((late) => this.#send(config, origin, late))
      : this.#send(config, origin, credential);
  }

  #pass(config: Config): Promise<AxiosResponse> {
    return adapterOf(this.#inner, config)(config);
  }

  #send(config: Config, origin: string, credential: Credential | undefined): Promise<AxiosResponse> {
    if (credential) this.#attach(config, origin, credential);
    this.#credential = credential;
    // Most have not waited, and are spared the detour.
    return (this.#waitedMs > 0 ? inTime(config, this.ownTimeMs(), () => this.#pass(config)) : this.#pass(config)).then(
      (response) => {
        if (this.#isRefused(response, origin)) return this.#replay(config, origin, { response });
        // What comes of this config from now on is another request.
        this.#replayedWith = 0;
        return response;
      },
      (thrown: unknown) => {
        const response = field(thrown, 'response') as AxiosResponse | undefined;
        if (response && this.#isRefused(response, origin)) return this.#replay(config, origin, { response, thrown });
        throw thrown;
      },
    );
  }

  #isRefused(response: AxiosResponse, origin: string): boolean {
    const { active, session } = this.#link;
    if (!active) return false;
    const { shouldRefresh } = session.options;
    const fault = (error: unknown): void => session.events.failed('shouldRefresh', error);
    const verdict =
      shouldRefresh &&
      ask({ name: 'shouldRefresh', verdicts: [true, false], fault }, () => shouldRefresh(readable(response)));
    return (verdict ?? isUnauthorized(response)) && !isForeign(response, origin);
  }

  async #replay(config: Config, origin: string, answer: Answer): Promise<AxiosResponse> {
    const { session } = this.#link;
    if (this.#replayedWith > 0 && this.#replayedWith === this.#credential?.generation)
      return deliver(answer, rejectedToken());
    let credential: Credential | undefined;
    try {
      const next = session.refused(this, this.#credential);
      if (isUsedUp(this.#body ?? bodyOf(config))) {
        // Refreshed for those who come after; nobody waits for it here.
        if (next instanceof Promise) next.catch(() => undefined);
        throw bodyUsedUp();
      }
      discard(answer.response);
      credential = await this.#timed(() => next);
    } catch (error) {
      return deliver(answer, error);
    }
    // Axios turns whatever an aborted request ends with into its own error.
    if (!credential || isAborted(config)) return deliver(answer);
    this.#replayedWith = credential.generation;
    this.#replayedAt = this.#now();
    if (this.#body && !rewind(config, this.#body)) return deliver(answer, bodyUsedUp());
    session.events.emit('request.replayed', {});
    return this.#send(config, origin, credential);
  }

  /** Sends a request whose adapter was replaced after ours once more, with ours around the new one. */
  resend(answer: Answer): AxiosResponse | Promise<AxiosResponse> | undefined {
    if (this.#ran || !this.#adapter || !this.#link.active) return undefined;
    const config: Config = answer.response.config;
    const origin = this.#originFor(config);
    if (origin === undefined || !this.#isRefused(answer.response, origin)) return undefined;
    const body = this.#body ?? bodyOf(config);
    if (isUsedUp(body)) return deliver(answer, bodyUsedUp());
    discard(answer.response);
    const again = { ...config, data: body.data, transformRequest: body.transforms } as Config;
    rewindHeaders(again, body);
    const next = new Exchange(this.#link, again, this).install();
    // Once only: a further replay is told where it is made.
    next.#inner = (final) => {
      next.#inner = config.adapter;
      if (isSameStream(final.data, config.data)) throw bodyUsedUp();
      this.#link.session.events.emit('request.replayed', {});
      return next.#pass(final);
    };
    // What kept it from being sent is the reason for the answer that it has.
    return sendBare(again).catch((error: unknown) => {
      if (isTokenError(error)) return deliver(answer, error);
      throw error;
    });
  }

  /** Takes our header off a config that is sent again: where it goes now is yet to be seen. Another one is the caller's. */
  #withdraw({ headers }: Config): void {
    if (this.#attached !== undefined) takeOff(headers, this.#link.session.options.header, this.#attached);
  }

  #originFor(config: Config): string | undefined {
    const { check, session } = this.#link;
    // A header that the caller set stays.
    return config.auth || config.headers.has(session.options.header) ? undefined : check(config);
  }

  #attach(config: Config, origin: string, { held }: Credential): void {
    const { audience } = held.tokens;
    if (audience && !audience.includes(origin)) throw scopeMismatch(audience, origin);
    const { followRedirects, header } = this.#link.session.options;
    config.headers.set(header, held.headerValue);
    this.#attached = held.headerValue;
    if (!followRedirects) refuseRedirects(config);
    this.#redirect ??= redirectGuard(header, origin, (this.#ownRedirect = config.beforeRedirect));
    config.beforeRedirect = this.#redirect;
  }

  async #timed<T>(wait: () => T | Promise<T>): Promise<T> {
    const since = this.#now();
    try {
      return await wait();
    } finally {
      this.#waitedMs += this.#now() - since;
    }
  }

  #now(): number {
    return this.#link.session.options.clock.monotonic();
  }
}
