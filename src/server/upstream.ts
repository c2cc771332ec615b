/** One call of a third party's token endpoint. The only file that loads Axios. */
import axios, { type AxiosRequestConfig } from 'axios';
import { refuseRedirects } from '../core/redirect.js';

export interface UpstreamRequest {
  /** @default 'POST' */
  readonly method?: 'POST' | 'PUT' | 'GET';
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, `URLSearchParams` as a form. */
  readonly data?: unknown;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** Parsed if it is JSON. */
  readonly data: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

const longestAnswer = 64 * 1024;

// Axios's own, unless somebody changes `axios.defaults` before this module loads.
const { transformRequest = [], transformResponse = [], transitional = {} } = axios.create().defaults;

// How this machine reaches others. Whatever else an application sets as `axios.defaults`, such as headers, credentials
// and parameters, is for its own API, and none of a third party's business.
const inherited = ['adapter', 'httpAgent', 'httpsAgent', 'proxy'] as const;

/**
 * Rejects for every status but a 2xx, and when `signal` ends it. No redirect is followed: the token goes where it was
 * meant to go, or nowhere.
 */
export async function callUpstream(
  url: string,
  request: UpstreamRequest,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  const client = new axios.Axios({
    ...Object.fromEntries(inherited.map((name) => [name, axios.defaults[name] as unknown])),
    transformRequest,
    transformResponse,
    transitional,
    validateStatus: (status) => status >= 200 && status < 300,
    maxContentLength: longestAnswer,
  });
  const config: AxiosRequestConfig = {
    url,
    method: request.method ?? 'POST',
    headers: { Accept: 'application/json, text/plain, */*', ...request.headers },
    data: request.data,
    signal,
  };
  refuseRedirects(config);
  const { status, data, headers } = await client.request<unknown>(config);
  return { status, data, headers: Object.fromEntries(Object.entries(headers)) };
}
