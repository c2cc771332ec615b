/** The requests of an app, and what must hold for each of them, from its making to its end. */
import { isAxiosError, isCancel, type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { isTokenError } from '../../src/index.js';
import type { FakeClock } from '../support/clock.js';
import type { Authority, User } from './authority.js';
import { arrived, bodies, bytesOf } from './bodies.js';
import type { Ledger } from './ledger.js';
import type { RequestStep } from './schedules.js';
import type { Time } from './time.js';
import { nth, pause, watch, type Watched } from './world.js';

interface Sent {
  readonly name: string;
  readonly request: RequestStep;
  /** Who was signed in when the request was made. */
  readonly user: User | undefined;
  readonly outcome: Watched<unknown>;
  /** The living token that it could have left with when it was made, if nobody else held it up. */
  readonly couldLeaveWith: string | undefined;
  /** How often the clock had leapt, and the user signed out, when it was made. */
  readonly leaps: number;
  readonly signOuts: number;
  /** All that the API could see of it, each time. */
  readonly copies: string[];
  /** How often the app's own interceptors have seen it, on the way out and on the way back. */
  readonly seen: { out: number; back: number };
  /** Held by the app's interceptor or by the API: not ours to settle. */
  elsewhere: number;
  aborted: boolean;
}

/** The world around the requests. */
export interface Parts {
  readonly ledger: Ledger;
  readonly authority: Authority;
  readonly time: Time;
  readonly clock: FakeClock;
}

export class Traffic {
  readonly #parts: Parts;
  readonly #sent: Sent[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get last(): Watched<unknown> | undefined {
    return this.#sent.at(-1)?.outcome;
  }

  /** The app's own interceptor has a request for a while. */
  async outbound(config: InternalAxiosRequestConfig): Promise<InternalAxiosRequestConfig> {
    const sent = this.#of(config);
    await this.#elsewhere(sent, sent.request.slowMs);
    return config;
  }

  isSlow(config: InternalAxiosRequestConfig): boolean {
    return this.#of(config).request.slowMs > 0;
  }

  saw(config: InternalAxiosRequestConfig, way: 'out' | 'back'): void {
    this.#of(config).seen[way] += 1;
  }

  send(instance: AxiosInstance, request: RequestStep): void {
    const { ledger, time } = this.#parts;
    const controller = new AbortController();
    const url = String(this.#sent.length);
    // The request may reach the API before the call below returns.
    let settleWith: (answer: Promise<unknown>) => void = () => undefined;
    const promise = new Promise((resolve) => {
      settleWith = resolve;
    });
    const sent: Sent = {
      name: `request ${url}`,
      request,
      user: ledger.signedInUser,
      outcome: watch(promise),
      couldLeaveWith: ledger.isAlive && request.slowMs === 0 ? ledger.accessToken : undefined,
      leaps: time.leaps,
      signOuts: ledger.signOuts,
      copies: [],
      seen: { out: 0, back: 0 },
      elsewhere: 0,
      aborted: false,
    };
    this.#sent.push(sent);
    const { body, text, timeoutMs, abortMs } = request;
    const answer = instance.request({
      url,
      params: { page: url },
      method: body === 'none' ? 'get' : 'post',
      signal: controller.signal,
      ...bodies[body](text),
      ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    });
    answer.catch((error: unknown) => this.#checkRejection(sent, error));
    settleWith(answer);
    if (abortMs !== undefined) this.#parts.clock.setTimeout(() => this.#abort(sent, controller), abortMs);
  }

  /** The API's answer to whatever reaches it. */
  async answer(config: InternalAxiosRequestConfig, token: string | undefined): Promise<Partial<AxiosResponse>> {
    const { authority, ledger } = this.#parts;
    const sent = this.#of(config);
    this.#checkSending(sent, config, token);
    const { judged, apiMs } = sent.request;
    const early = authority.accepts(token);
    await this.#elsewhere(sent, apiMs);
    const accepted = judged !== 'never' && (judged === 'arriving' ? early : authority.accepts(token));
    if (accepted) return { status: 200 };
    this.#checkReplay(sent, token);
    if (token !== undefined) ledger.refusedByApi(token);
    return { status: 401 };
  }

  checkEnd(): void {
    const { ledger } = this.#parts;
    for (const { name, outcome, copies, seen } of this.#sent) {
      ledger.expect(outcome.state !== 'pending', `G10: ${name} never settled`);
      ledger.expect(seen.out <= 1, `G15: the app's request interceptor saw ${name} ${String(seen.out)} times`);
      const answered =
        outcome.state === 'resolved' || (isAxiosError(outcome.error) && outcome.error.response !== undefined);
      ledger.expect(
        seen.back === (answered ? 1 : 0),
        `G15: the app's response interceptor saw ${name} ${String(seen.back)} times, sent ${String(copies.length)} times`,
      );
    }
  }

  #of({ url }: InternalAxiosRequestConfig): Sent {
    return nth(this.#sent, Number(url));
  }

  async #elsewhere(sent: Sent, ms: number): Promise<void> {
    sent.elsewhere += 1;
    await pause(this.#parts.clock, ms);
    sent.elsewhere -= 1;
  }

  #abort(sent: Sent, controller: AbortController): void {
    if (sent.outcome.state !== 'pending') return;
    const { ledger } = this.#parts;
    const others = this.#sent.filter((other) => other !== sent && other.outcome.state === 'pending');
    const attempts = ledger.attempts.running;
    sent.aborted = true;
    controller.abort();
    const { elsewhere } = sent;
    setImmediate(() => {
      const { state } = sent.outcome;
      // If it waits for us, a tick must do.
      ledger.expect(
        elsewhere + sent.elsewhere > 0 || state === 'rejected',
        `G10: an abort did not settle ${sent.name}`,
      );
      ledger.expect(
        others.every(({ outcome }) => outcome.state === 'pending'),
        `G10: the abort of ${sent.name} settled another request`,
      );
      ledger.expect(
        attempts.every(({ signal }) => !signal.aborted),
        `G10: the abort of ${sent.name} ended the refresh`,
      );
    });
  }

  #checkSending(sent: Sent, config: InternalAxiosRequestConfig, token: string | undefined): void {
    const { ledger, authority } = this.#parts;
    const { name, copies, user, request } = sent;
    const bytes = bytesOf(config.data);
    const { method = '' } = config;
    const params: unknown = config.params;
    const copy = [method, JSON.stringify(params), config.headers.get('Content-Type'), bytes].map(String).join(' ');
    copies.push(copy);
    ledger.expect(
      copies.length <= (request.body === 'stream' ? 1 : 2),
      `G9: ${name} was sent ${String(copies.length)} times`,
    );
    ledger.expect(copy === copies[0], `G15: ${name} was replayed as ${copy} after ${String(copies[0])}`);
    ledger.expect(bytes === arrived[request.body](request.text), `G15: ${name} was sent with the body ${bytes}`);
    ledger.expect(!sent.aborted, `G10: ${name} was sent after its abort`);
    if (token === undefined) {
      ledger.expect(user === undefined, `G11: ${name} of ${String(user)} was sent as nobody's`);
      ledger.expect(!ledger.isAlive, `G3: ${name} was sent without the token that lives`);
      return;
    }
    ledger.expect(!ledger.isKnownDead(token), `G4: ${name} was sent with an expired token`);
    ledger.expect(token === ledger.accessToken, `${name} was sent with another token than the session's newest`);
    const owner = authority.userOf(token);
    ledger.expect(user === undefined || owner === user, `G11: ${name} of ${String(user)} was sent as ${String(owner)}`);
  }

  /** A 401 for a token that is no longer current: sent again at once, with the current one, unless G11 forbids it. */
  #checkReplay(sent: Sent, token: string | undefined): void {
    const { ledger } = this.#parts;
    const { accessToken, user, isAlive, attempts } = ledger;
    const { copies, request, aborted, name } = sent;
    const late =
      token !== undefined &&
      token !== accessToken &&
      isAlive &&
      sent.user === user &&
      sent.signOuts === ledger.signOuts;
    if (!late || aborted || copies.length > 1 || request.body === 'stream') return;
    const made = attempts.count;
    setImmediate(() => {
      ledger.expect(
        copies.length === 2 || ledger.accessToken !== accessToken,
        `G8: a late 401 did not replay ${name} at once`,
      );
      ledger.expect(attempts.count === made, `G8: a late 401 of ${name} made a second refresh`);
    });
  }

  #checkRejection(sent: Sent, error: unknown): void {
    const { ledger, time } = this.#parts;
    const { name, copies, user } = sent;
    if (isCancel(error)) {
      ledger.expect(sent.aborted, `${name} was cancelled by nobody`);
      return;
    }
    if (isAxiosError(error)) {
      ledger.expect(error.response?.status === 401, `${name} failed with ${error.message}`);
      return;
    }
    ledger.expect(isTokenError(error), `${name} failed with ${String(error)}`);
    if (!isTokenError(error)) return;
    ledger.expect(copies.length === 0, `${name} had its 401, and was rejected with ${error.code} instead`);
    if (error.code === 'AUTH_SESSION_CLEARED') {
      const stays = user !== undefined && user === ledger.user && sent.signOuts === ledger.signOuts;
      ledger.expect(!stays, `G11: ${name} was cleared though ${String(user)} is still there`);
      return;
    }
    const { couldLeaveWith } = sent;
    const withheld = couldLeaveWith !== undefined && couldLeaveWith === ledger.accessToken && sent.leaps === time.leaps;
    ledger.expect(!withheld, `G3: ${name} was rejected with ${error.code} though it could have left`);
    ledger.expect(
      !ledger.isAlive || user !== ledger.user,
      `G3: ${name} was rejected with ${error.code} while the token lives`,
    );
  }
}
