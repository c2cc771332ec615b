/** An API behind an Axios adapter: it accepts the last token that it issued, and answers 401 to every other. */
import { AxiosError, type AxiosAdapter, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { makeToken } from './token.js';

export interface Api {
  readonly adapter: AxiosAdapter;
  /** Requests that reached it. */
  readonly requests: number;
  readonly refreshes: number;
  /** Issues another token; the one before it is refused from now on. */
  refresh(): string;
}

/** `arrival` decides when the answer to a request comes. */
export function makeApi(arrival?: (accepted: boolean) => Promise<void>): Api {
  let valid: string | undefined;
  const api = {
    requests: 0,
    refreshes: 0,
    refresh(): string {
      api.refreshes += 1;
      valid = makeToken(3600, api.refreshes);
      return valid;
    },
    adapter: async (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => {
      api.requests += 1;
      const accepted = valid !== undefined && config.headers.get('Authorization') === `Bearer ${valid}`;
      if (arrival) await arrival(accepted);
      if (accepted) return answer(config, 200);
      throw new AxiosError('Refused', AxiosError.ERR_BAD_REQUEST, config, undefined, answer(config, 401));
    },
  };
  return api;
}

export const answerAtOnce: AxiosAdapter = (config) => Promise.resolve(answer(config, 200));

export function answer(config: InternalAxiosRequestConfig, status: number): AxiosResponse {
  return { data: undefined, status, statusText: '', headers: {}, config };
}
