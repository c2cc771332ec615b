/** The only file that runs Axios: the bare client of a refresh, and the adapter behind a name. */
import axios, {
  type AxiosAdapter,
  type AxiosInstance,
  type CreateAxiosDefaults,
  type HeadersDefaults,
  type InternalAxiosRequestConfig,
} from 'axios';
import { field } from './core/redact.js';

// What a refresh needs to reach the same server the same way. Headers are left out: one may hold a token.
const inherited = [
  'baseURL',
  'adapter',
  'httpAgent',
  'httpsAgent',
  'proxy',
  'timeout',
  'withCredentials',
  'transport',
  'lookup',
  'family',
  'maxRedirects',
  'socketPath',
  'xsrfCookieName',
  'xsrfHeaderName',
  'withXSRFToken',
  'httpVersion',
  'http2Options',
  'fetchOptions',
  'env',
] as const;

// In an app's own tests it may be a mock.
const found: { create?: () => Partial<AxiosInstance> | undefined } = axios;
// Axios's own, unless somebody changes `axios.defaults` before this module loads.
const { transformRequest, transformResponse }: CreateAxiosDefaults = found.create?.()?.defaults ?? {};
const [ownTransform] = [transformRequest].flat();
const Accept = 'application/json, text/plain, */*';

/** Whether these transforms are no more than the one that Axios brings. */
export function isAxiosTransform(transforms: readonly unknown[]): boolean {
  return transforms.length === 1 && transforms[0] === ownTransform;
}

/** Called with the `Date` of an answer and the wall-clock times around it. */
export type SeenDate = (date: string, sentAt: number) => void;

/**
 * A client without interceptors, after the defaults that `source` has now. Nothing else of `axios.defaults`, which is
 * where `axios.create()` starts: its headers, credentials and parameters are for an API.
 */
export function bareClient(
  source: AxiosInstance | undefined,
  signal: AbortSignal,
  now: () => number,
  seen: SeenDate,
): AxiosInstance {
  const given = (source ?? axios).defaults as Record<string, unknown>;
  const config: Record<string, unknown> = {
    signal,
    transformRequest,
    transformResponse,
    validateStatus: (status: number) => status >= 200 && status < 300,
    redact: ['authorization', 'data', 'refreshToken', 'refresh_token', 'client_secret'],
  };
  for (const name of inherited) if (given[name] !== undefined) config[name] = given[name];
  const client = axios.create(config as CreateAxiosDefaults);
  for (const name of Object.keys(client.defaults))
    if (!Object.hasOwn(config, name)) Reflect.deleteProperty(client.defaults, name);
  const headers: HeadersDefaults = { common: { Accept }, get: {}, post: {}, put: {}, patch: {}, delete: {}, head: {} };
  Object.assign(client.defaults, { headers });
  // Wrapped rather than intercepted: the callback may add interceptors of its own, and clear them.
  const inner = client.defaults.adapter;
  client.defaults.adapter = async (request) => {
    const sentAt = now();
    const response = await adapterOf(inner, request)(request);
    // Mocks may answer without headers.
    const date = field(response.headers, 'date');
    if (typeof date === 'string') seen(date, sentAt);
    return response;
  };
  return client;
}

export function adapterOf(
  adapter: InternalAxiosRequestConfig['adapter'],
  config: InternalAxiosRequestConfig,
): AxiosAdapter {
  return typeof adapter === 'function' ? adapter : axios.getAdapter(adapter ?? axios.defaults.adapter, config);
}

/** Sends a config that is already complete, past every interceptor, and without anybody's defaults. */
export function sendBare(config: InternalAxiosRequestConfig): ReturnType<AxiosAdapter> {
  return new axios.Axios({}).request(config);
}
