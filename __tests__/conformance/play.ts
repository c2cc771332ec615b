/** Plays a case on a session, and tells where it went another way. Knows the package by what it is handed alone. */
import type { AxiosResponse } from 'axios';
import type { installTokenRefresh, TokenEvent, TokenSession, TokenSet } from '../../src/index.js';
import { fakeApi, type FakeApi } from '../support/api.fake.js';
import { fakeClock, settle, type FakeClock } from '../support/clock.js';
import { Mint, type ApiRule, type Case, type Freshness, type Response, type Step } from './cases.js';

export interface Library {
  readonly installTokenRefresh: typeof installTokenRefresh;
}

interface Call {
  readonly told: object;
  open: boolean;
  readonly end: (response: Response) => void;
}

interface Outcome {
  state: 'pending' | 'resolved' | 'rejected';
  status?: unknown;
  token?: unknown;
  error?: unknown;
  cause?: unknown;
}

/** Every way in which the case did not go as it is written; none if it did. */
export async function play(library: Library, conformanceCase: Case): Promise<string[]> {
  const table = new Table(library, conformanceCase);
  const found: string[] = [];
  for (const [index, step] of conformanceCase.steps.entries()) {
    const { freshness, ...expected } = step.expect ?? {};
    const problems = await table
      .take(step)
      .then(() => differences(expected, table.observed(), 'expect'))
      .catch((error: unknown) => [String(error)]);
    if (freshness !== undefined && problems.length === 0) {
      const upToHere = { ...conformanceCase, steps: conformanceCase.steps.slice(0, index + 1) };
      const answer = await freshnessAfter(library, upToHere);
      if (answer !== freshness) problems.push(`expect.freshness: ${freshness}, was ${answer}`);
    }
    found.push(...problems.map((problem) => `step ${String(index + 1)}: ${problem}`));
  }
  table.session.dispose();
  return found;
}

/** What a token is good for shows in what becomes of a request and of a refresh that fails. */
async function freshnessAfter(library: Library, conformanceCase: Case): Promise<Freshness> {
  const table = new Table(library, { ...conformanceCase, options: { ...conformanceCase.options, retry: false } });
  for (const step of conformanceCase.steps) await table.take(step);
  const before = table.calls.length;
  await table.take({ request: 'probe' });
  const left = table.outcomes.get('probe')?.state === 'resolved';
  const refreshes = table.calls.length > before;
  if (refreshes) await table.take({ respond: { network: 'ECONNREFUSED' } });
  const state = table.outcomes.get('probe')?.state;
  table.session.dispose();
  if (left) return refreshes ? 'ahead' : 'fresh';
  return state === 'resolved' ? 'due' : 'expired';
}

/** A session, an API, an authorization server and a clock, moved step by step. */
class Table {
  readonly session: TokenSession;
  readonly calls: Call[] = [];
  readonly outcomes = new Map<string, Outcome>();
  readonly #clock: FakeClock = fakeClock();
  readonly #mint = new Mint(() => this.#clock.now());
  readonly #api: FakeApi = fakeApi();
  readonly #aborts = new Map<string, AbortController>();
  readonly #held = new Map<string, (status: number) => void>();
  readonly #told = new Map<string, number>();
  #rule: ApiRule = {};
  #events: TokenEvent[] = [];

  constructor({ installTokenRefresh: install }: Library, { options, state, responses }: Case) {
    this.#api.respond = ({ url = '' }, token) => this.#answer(url.slice(1), token);
    this.session = install(this.#api.instance, {
      ...options,
      clock: this.#clock,
      ...(state && { tokens: this.#mint.issue(state) }),
      refresh: ({ trigger, attempt, tokens }) =>
        new Promise((resolve, reject) => {
          const token = this.#mint.nameOf(tokens?.accessToken);
          const call: Call = {
            told: { trigger, attempt, token, refreshToken: tokens?.refreshToken },
            open: true,
            end: (response) => {
              call.open = false;
              if ('ok' in response || 'invalid' in response) {
                resolve((response.ok ? this.#mint.issue(response.ok) : response.invalid) as TokenSet);
              } else reject(failure(response));
            },
          };
          this.calls.push(call);
          if (responses) call.end(responses);
        }),
    });
    this.session.on('event', (event) => {
      this.#events.push(event);
      this.#told.set(event.type, (this.#told.get(event.type) ?? 0) + 1);
    });
  }

  async take(step: Step): Promise<void> {
    this.#events = [];
    await this.#act(step);
    await settle();
  }

  observed(): Record<string, unknown> {
    const { error, expiresAt, endsAt, refreshAt, ...rest } = this.session.getSnapshot();
    const inMs = (at: number | undefined): number | undefined => at && at - this.#clock.now();
    const outcomes = [...this.outcomes.values()];
    const count = (state: Outcome['state']): number => outcomes.filter((outcome) => outcome.state === state).length;
    return {
      session: {
        ...rest,
        error: error?.code,
        expiresInMs: inMs(expiresAt),
        endsInMs: inMs(endsAt),
        refreshInMs: inMs(refreshAt),
      },
      refreshes: this.calls.length,
      call: this.calls.at(-1)?.told,
      requests: Object.fromEntries(
        [...this.outcomes].map(([name, outcome]) => [name, this.#withTokens(name, outcome)]),
      ),
      resolved: count('resolved'),
      rejected: count('rejected'),
      pending: count('pending'),
      sent: this.#api.seen.length,
      events: this.#events,
      told: Object.fromEntries(this.#told),
    };
  }

  async #act(step: Step): Promise<void> {
    const { advanceMs, jumpWallMs, request, abort, getAccessToken, refresh, respond, renew, setTokens, api, answer } =
      step;
    if (advanceMs !== undefined) await this.#clock.advance(advanceMs);
    if (jumpWallMs !== undefined) this.#clock.jump(jumpWallMs);
    if (api) this.#rule = api;
    if (request !== undefined) this.#request(request, step.timeoutMs);
    if (abort !== undefined) must(this.#aborts.get(abort), `a request "${abort}"`).abort();
    if (answer) must(this.#held.get(answer.request), `an open answer to "${answer.request}"`)(answer.status);
    if (getAccessToken !== undefined) this.#watch(getAccessToken, this.session.getAccessToken());
    if (refresh !== undefined) this.#watch(refresh, this.session.refresh());
    if (respond) {
      const { call = this.calls.findIndex(({ open }) => open) + 1 } = respond;
      must(this.calls[call - 1], 'an open call of the refresh callback').end(respond);
    }
    if (renew) {
      const { tookMs = 0, ...ok } = renew;
      this.#watch('renew', this.session.refresh());
      await this.#clock.advance(tookMs);
      must(this.calls.at(-1), 'a call of the refresh callback').end({ ok });
    }
    if (setTokens) await this.session.setTokens(this.#mint.issue(setTokens));
    if (step.signOut) await this.session.signOut();
    if (step.traffic) await this.#traffic(step.traffic);
  }

  #request(name: string, timeout = 0): void {
    const controller = new AbortController();
    this.#aborts.set(name, controller);
    this.#watch(name, this.#api.instance.get(`/${name}`, { signal: controller.signal, timeout }));
  }

  async #traffic({ everyMs, forMs }: NonNullable<Step['traffic']>): Promise<void> {
    for (let passed = 0; passed < forMs; passed += everyMs) {
      this.#request(`traffic-${String(this.outcomes.size)}`);
      await this.#clock.advance(everyMs);
    }
  }

  #watch(name: string, promise: Promise<string | AxiosResponse>): void {
    const outcome: Outcome = { state: 'pending' };
    this.outcomes.set(name, outcome);
    promise.then(
      (value) => {
        const told = typeof value === 'string' ? { token: this.#mint.nameOf(value) } : { status: value.status };
        Object.assign(outcome, { state: 'resolved', ...told });
      },
      (thrown: unknown) => {
        const error = thrown as { code?: unknown; response?: AxiosResponse; cause?: { code?: unknown } };
        const answer = error.response ? { status: error.response.status } : { error: error.code };
        Object.assign(outcome, { state: 'rejected', ...answer, cause: error.cause?.code });
      },
    );
  }

  #withTokens(name: string, outcome: Outcome): object {
    const seen = this.#api.seen.filter(({ url }) => url === `/${name}`);
    return { ...outcome, sent: seen.map(({ token }) => this.#mint.nameOf(token) ?? null) };
  }

  async #answer(request: string, token: string | undefined): Promise<Partial<AxiosResponse>> {
    const { accepts, refuses, status = 401, scope, holds } = this.#rule;
    if (holds) return { status: await new Promise<number>((resolve) => this.#held.set(request, resolve)) };
    const name = this.#mint.nameOf(token) ?? 'none';
    const ok = !(refuses ?? []).includes(name) && (accepts ?? [name]).includes(name);
    const challenge = scope && { 'www-authenticate': 'Bearer error="insufficient_scope"' };
    return ok ? { status: 200 } : { status, headers: { ...challenge } };
  }
}

function failure({ refused, network, status, headers = {}, body, throws }: Response): Error {
  // What is thrown may be anything.
  if (throws !== undefined) return throws as Error;
  if (network !== undefined) return Object.assign(new Error('no answer'), { code: network });
  const response = refused
    ? { status: 400, headers, data: { error: 'invalid_grant' } }
    : { status, headers, data: body };
  return Object.assign(new Error('an answer other than 2xx'), { response });
}

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`There is no ${what}.`);
  return value;
}

/** Where `actual` is not as expected: fields that are not named may be anything, `null` means that there is none. */
function differences(expected: unknown, actual: unknown, path: string): string[] {
  const told = `${path}: ${JSON.stringify(expected)}, was ${JSON.stringify(actual)}`;
  if (typeof expected !== 'object' || expected === null) {
    // An event that nothing is said of but its type.
    const plain: unknown = isObject(actual) && typeof expected === 'string' ? actual['type'] : actual;
    return Object.is(expected ?? undefined, plain ?? undefined) ? [] : [told];
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return [told];
    return expected.flatMap((entry, index) => differences(entry, actual[index], `${path}[${String(index)}]`));
  }
  const { atLeast, atMost, ...fields } = expected as Record<string, unknown>;
  const tooLow = typeof atLeast === 'number' && !(Number(actual ?? 0) >= atLeast);
  const tooHigh = typeof atMost === 'number' && !(Number(actual ?? 0) <= atMost);
  if (tooLow || tooHigh) return [told];
  return Object.entries(fields).flatMap(([name, value]) =>
    differences(value, isObject(actual) ? actual[name] : undefined, `${path}.${name}`),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
