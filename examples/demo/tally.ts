/** Counts what became of the requests of one scene, and what the scene had to show. */
import axios, { type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { isTokenError, type TokenSession } from 'axios-token-refresh';

export class Tally {
  sent = 0;
  waited = 0;
  replayed = 0;
  refreshes = 0;
  /** Attempts after the first of a refresh. */
  retries = 0;
  /** Refreshes that failed with all their attempts. */
  failedRefreshes = 0;
  /** Requests answered with the token that the session had, though a newer one was due. */
  servedCurrent = 0;
  /** Sessions that ended; who signs out in a scene counts too. */
  signOuts = 0;
  /** 401s that reached the application. */
  unauthorized = 0;
  /** Requests that failed and should not have, those included. */
  failed = 0;
  /** Requests that a sign-out rejected, as it should. */
  cleared = 0;
  /** Requests to the token endpoint, and the faults that they met. */
  tokenRequests = 0;
  readonly faults = new Map<string, number>();
  readonly unmet: string[] = [];
  #session: TokenSession | undefined;

  constructor(readonly scene: string) {}

  watch(session: TokenSession): void {
    session.on('request.queued', () => (this.waited += 1));
    session.on('request.replayed', () => (this.replayed += 1));
    session.on('refresh.started', () => (this.refreshes += 1));
    session.on('refresh.retried', () => (this.retries += 1));
    session.on('refresh.failed', () => (this.failedRefreshes += 1));
    session.on('session.expired', () => (this.signOuts += 1));
    session.on('session.cleared', () => (this.signOuts += 1));
    this.#session = session;
  }

  /** Sends a request of the application; never rejects. */
  async send<T>(app: AxiosInstance, config: AxiosRequestConfig): Promise<AxiosResponse<T> | undefined> {
    this.sent += 1;
    const before = this.#session?.getSnapshot();
    const isDue = before?.refreshAt !== undefined && before.refreshAt <= Date.now();
    try {
      const response = await app.request<T>(config);
      if (isDue && this.#session?.getSnapshot().generation === before.generation) this.servedCurrent += 1;
      return response;
    } catch (error) {
      if (isTokenError(error, 'AUTH_SESSION_CLEARED')) {
        this.cleared += 1;
      } else {
        this.failed += 1;
        if (axios.isAxiosError(error) && error.response?.status === 401) this.unauthorized += 1;
      }
      return undefined;
    }
  }

  tokenRequest(fault: string | undefined): void {
    this.tokenRequests += 1;
    if (fault !== undefined) this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  expect(isMet: boolean, what: string): void {
    if (!isMet) this.unmet.push(what);
  }
}
