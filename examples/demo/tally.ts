/** Counts what became of the requests of one scene, and what the scene had to show. */
import axios, { type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { isTokenError, type TokenSession } from 'axios-token-refresh';

export class Tally {
  sent = 0;
  waited = 0;
  replayed = 0;
  refreshes = 0;
  /** 401s that reached the application. */
  unauthorized = 0;
  /** Requests that failed and should not have, those included. */
  failed = 0;
  /** Requests that a sign-out rejected, as it should. */
  cleared = 0;
  readonly unmet: string[] = [];

  constructor(readonly scene: string) {}

  watch(session: TokenSession): void {
    session.on('request.queued', () => (this.waited += 1));
    session.on('request.replayed', () => (this.replayed += 1));
    session.on('refresh.started', () => (this.refreshes += 1));
  }

  /** Sends a request of the application; never rejects. */
  async send<T>(app: AxiosInstance, config: AxiosRequestConfig): Promise<AxiosResponse<T> | undefined> {
    this.sent += 1;
    try {
      return await app.request<T>(config);
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

  expect(isMet: boolean, what: string): void {
    if (!isMet) this.unmet.push(what);
  }
}
