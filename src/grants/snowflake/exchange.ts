/** One account's exchange: knows its ingest host, holds no token. */
import type { AxiosInstance } from 'axios';
import { statusOf } from '../../core/redact.js';
import { TokenError } from '../../errors.js';
import type { TokenSet } from '../../types.js';
import { Assertions } from '../assertion.js';
import { sendByFetch } from '../by-fetch.js';
import { send, type GrantAnswer, type GrantRequest } from '../request.js';
import type { IngestUrlOptions, SnowflakeTokenExchangeOptions } from './grant.js';
import { accountOrigin } from './hosts.js';
import { told, toldOfSupply, toldToCaller, type Step } from './refusal.js';
import {
  readSnowflakeHostname,
  readSnowflakeToken,
  snowflakeHostnameRequest,
  snowflakeTokenRequest,
  type SnowflakeAccount,
  type SnowflakeScope,
  type SnowflakeToken,
} from './requests.js';

const oneHourMs = 3_600_000;
const askTimeoutMs = 15_000;

/** Sends the requests of one exchange, all with the same JWT. */
interface Round {
  readonly jwt: string;
  readonly send: (request: GrantRequest) => Promise<GrantAnswer>;
}

export class Exchange {
  readonly #account: SnowflakeAccount;
  readonly #role: Pick<SnowflakeScope, 'role'>;
  readonly #lifetime: Pick<SnowflakeToken, 'lifetimeMs'>;
  readonly #host: string;
  readonly #assertions: Assertions;
  #ingestUrl: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(options: SnowflakeTokenExchangeOptions) {
    const { accountUrl, hosts = [], jwt, clockToleranceMs, clock, role, lifetimeMs } = options;
    this.#account = { accountUrl, hosts };
    this.#role = role === undefined ? {} : { role };
    this.#lifetime = lifetimeMs === undefined ? {} : { lifetimeMs };
    this.#host = new URL(accountOrigin(accountUrl, hosts)).host;
    this.#assertions = new Assertions(jwt, { option: 'jwt', maxAgeMs: oneHourMs, clockToleranceMs, clock });
  }

  /** One exchange with a fresh JWT; a second one only if the ingest host that was known has moved. */
  async token(http: AxiosInstance, signal: AbortSignal): Promise<TokenSet> {
    const round = await this.#round(signal, (request) => send(http, request, { responseType: 'text' }));
    const known = this.#ingestUrl;
    try {
      return await this.#exchange(round, known ?? (await this.#discover(round)));
    } catch (error) {
      if (known === undefined || !isHostMiss(error)) throw error;
      const ingestUrl = await this.#discover(round);
      if (ingestUrl === known) throw error;
      return this.#exchange(round, ingestUrl);
    }
  }

  async ingestUrl({ http, fresh = false }: IngestUrlOptions): Promise<string> {
    if (this.#ingestUrl !== undefined && !fresh) return this.#ingestUrl;
    this.#asking ??= this.#ask(http).finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(http: AxiosInstance | undefined): Promise<string> {
    const time = new AbortController();
    const timeout = Object.assign(new Error(`There was no answer within ${askTimeoutMs} ms.`), {
      name: 'TimeoutError',
    });
    // Someone waits for it: unlike that of AbortSignal.timeout() this timer keeps a Node process alive.
    const timer = setTimeout(() => time.abort(timeout), askTimeoutMs);
    try {
      return await this.#asked(time.signal, http);
    } finally {
      clearTimeout(timer);
    }
  }

  async #asked(signal: AbortSignal, http: AxiosInstance | undefined): Promise<string> {
    const by: Round['send'] = (request) =>
      http ? send(http, request, { responseType: 'text', signal }) : sendByFetch(request, signal);
    const round = await Promise.race([this.#round(signal, by), jwtTimeout(signal)]).catch((error: unknown) => {
      throw toldOfSupply(error);
    });
    try {
      return await this.#discover(round);
    } catch (error) {
      // Axios does not tell why it was aborted.
      throw toldToCaller(signal.aborted ? signal.reason : error, this.#step(round));
    }
  }

  async #round(signal: AbortSignal, by: Round['send']): Promise<Round> {
    const jwt = await this.#assertions.next(signal);
    return { jwt, send: (request) => this.#assertions.timed(() => by(request)) };
  }

  async #discover(round: Round): Promise<string> {
    const request = snowflakeHostnameRequest(this.#account, round.jwt);
    const { data } = await round.send(request).catch((error: unknown) => {
      throw told(error, this.#step(round));
    });
    this.#ingestUrl = readSnowflakeHostname(this.#account, data);
    return this.#ingestUrl;
  }

  async #exchange(round: Round, ingestUrl: string): Promise<TokenSet> {
    const request = snowflakeTokenRequest({ ...this.#account, ...this.#role, ingestUrl }, round.jwt);
    const { data } = await round.send(request).catch((error: unknown) => {
      throw told(error, this.#step(round, ingestUrl));
    });
    return readSnowflakeToken({ ...this.#lifetime, ingestUrl }, data);
  }

  #step({ jwt }: Round, ingestUrl?: string): Step {
    return { account: this.#host, ingest: ingestUrl && new URL(ingestUrl).host, jwt };
  }
}

/** Nobody else limits how long a JWT may take that is made outside of a refresh. */
function jwtTimeout(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fields = { kind: 'callback', retryable: true } as const;
    const problem = `Option "jwt" gave no token within ${askTimeoutMs} ms.`;
    signal.onabort = () => reject(new TokenError('AUTH_TOKEN_REFRESH_FAILED', problem, fields));
  });
}

/** The account takes the JWT, but issues no token for the host. A 401 would be about the JWT. */
function isHostMiss(error: unknown): boolean {
  const status = statusOf(error);
  return status === 400 || status === 403 || status === 404;
}
