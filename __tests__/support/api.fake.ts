/** A real Axios instance over an adapter that plays the API: counts, records, and checks the token like a server. */
import axios, { AxiosError, type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';

export interface Seen {
  readonly url: string;
  readonly method: string;
  readonly token: string | undefined;
  readonly body: unknown;
}

export interface FakeApi {
  readonly instance: AxiosInstance;
  /** What reached the API, in order. */
  readonly seen: Seen[];
  /** Tokens that the API accepts; anything if it is empty. */
  readonly valid: Set<string>;
  /** Replaces the answer to one request. */
  respond:
    | ((
        config: InternalAxiosRequestConfig,
        token: string | undefined,
      ) => Partial<AxiosResponse> | Promise<Partial<AxiosResponse>>)
    | undefined;
}

export function fakeApi(defaults: Parameters<typeof axios.create>[0] = {}): FakeApi {
  const api: FakeApi = {
    seen: [],
    valid: new Set(),
    respond: undefined,
    instance: axios.create({
      baseURL: 'https://api.example.com',
      adapter: async (config) => {
        const header: unknown = config.headers.get('Authorization');
        const token = typeof header === 'string' ? header.replace(/^Bearer /, '') : undefined;
        api.seen.push({ url: config.url ?? '', method: config.method ?? 'get', token, body: config.data });
        const ok = api.valid.size === 0 || (token !== undefined && api.valid.has(token));
        const given = api.respond ? await api.respond(config, token) : { status: ok ? 200 : 401 };
        const response = {
          status: 200,
          statusText: '',
          data: '',
          headers: {},
          request: {},
          ...given,
          config,
        } as AxiosResponse;
        if (config.validateStatus && !config.validateStatus(response.status)) {
          throw new AxiosError(
            `Request failed with status code ${String(response.status)}`,
            AxiosError.ERR_BAD_REQUEST,
            config,
            {},
            response,
          );
        }
        return response;
      },
      ...defaults,
    }),
  };
  return api;
}
