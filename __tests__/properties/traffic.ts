/** The requests of an app, and the API that answers them. */
import { getEventListeners } from 'node:events';
import { isAxiosError, type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { bodies } from './bodies.js';
import { checkRejection, checkReplay, checkSending, type Parts, type Sent } from './requests.js';
import type { RequestStep } from './schedules.js';
import { nth, pause, watch, type Watched } from './world.js';

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
      signal: controller.signal,
      couldLeaveWith: ledger.isAlive && request.slowMs === 0 ? ledger.accessToken : undefined,
      leaps: time.leaps,
      signOuts: ledger.signOuts,
      copies: [],
      seen: { out: 0, back: 0 },
      elsewhere: 0,
      waitingSince: request.slowMs === 0 ? time.monotonic : undefined,
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
    answer.catch((error: unknown) => checkRejection(sent, this.#parts, error));
    settleWith(answer);
    if (abortMs !== undefined) void pause(this.#parts.clock, abortMs).then(() => this.#abort(sent, controller));
  }

  /** The API's answer to whatever reaches it. */
  async answer(config: InternalAxiosRequestConfig, token: string | undefined): Promise<Partial<AxiosResponse>> {
    const { authority, ledger } = this.#parts;
    const sent = this.#of(config);
    checkSending(sent, this.#parts, config, token);
    const { judged, apiMs } = sent.request;
    const early = authority.accepts(token);
    await this.#elsewhere(sent, apiMs);
    const accepted = judged !== 'never' && (judged === 'arriving' ? early : authority.accepts(token));
    if (accepted) return { status: 200 };
    checkReplay(sent, this.#parts, token);
    sent.waitingSince = this.#parts.time.monotonic;
    if (token !== undefined) ledger.refusedByApi(token);
    return { status: 401 };
  }

  checkEnd(): void {
    const { ledger } = this.#parts;
    for (const { name, outcome, signal, copies, seen } of this.#sent) {
      ledger.expect(outcome.state !== 'pending', `G10: ${name} never settled`);
      ledger.expect(
        getEventListeners(signal, 'abort').length === 0,
        `G20: a listener is left on the signal of ${name}`,
      );
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
}
