/** A request to an authorization server as plain data, and its way through a client. */
import type { AxiosInstance, AxiosRequestConfig, RawAxiosResponseHeaders } from 'axios';
import { originOf } from '../core/origins.js';
import { refuseRedirects } from '../core/redirect.js';

/**
 * A request as plain data, for Axios, `fetch` or anything else. It holds secrets: send it, and do not log it.
 *
 * @example
 * const request = clientCredentialsRequest({ tokenEndpoint, clientId: 'reports', clientSecret });
 * const response = await fetch(request.url, { ...request, redirect: 'error' });
 * if (!response.ok) throw new Error(`The token endpoint answered ${response.status}.`);
 * const tokens = readTokenResponse(await response.text());
 */
export interface GrantRequest {
  readonly method: 'GET' | 'POST';
  /** Absolute; only `jsonRefresh` may have one that is relative to the `baseURL`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The encoded body. */
  readonly body?: string;
  /** Cookies go along, to another origin too: `withCredentials` of Axios. */
  readonly credentials?: 'include';
}

/** What came back. */
export interface GrantAnswer {
  readonly data: unknown;
  readonly headers: RawAxiosResponseHeaders | Headers;
}

/** Sends it through the client of a refresh. Redirects are not followed: they would take the secrets along. */
export function send(
  http: AxiosInstance,
  { url, method, headers, body, credentials }: GrantRequest,
  more: AxiosRequestConfig = {},
): Promise<GrantAnswer> {
  const config: AxiosRequestConfig = {
    ...more,
    url,
    method,
    headers: { ...headers },
    data: body,
    validateStatus: (status) => status >= 200 && status < 300,
  };
  if (credentials) config.withCredentials = true;
  // An endpoint is where it says, whatever the client makes of absolute URLs, and whatever socket it talks to.
  if (originOf(url) !== undefined) Object.assign(config, { baseURL: '', allowAbsoluteUrls: true, socketPath: null });
  refuseRedirects(config);
  return http.request<unknown>(config);
}
