/** One call of a third party's token endpoint. The only file that loads Axios. */
import axios from 'axios';

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

/**
 * Rejects for every status but a 2xx, and when `signal` ends it. No redirect is followed: the token goes where it was
 * meant to go, or nowhere.
 */
export async function callUpstream(
  url: string,
  request: UpstreamRequest,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  const { status, data, headers } = await axios.create().request<unknown>({
    url,
    method: request.method ?? 'POST',
    headers: { ...request.headers },
    data: request.data,
    signal,
    maxRedirects: 0,
    maxContentLength: longestAnswer,
  });
  return { status, data, headers: Object.fromEntries(Object.entries(headers)) };
}
