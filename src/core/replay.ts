/** Which answers are replayed, how one is handed on, and what becomes of a config meanwhile: pure. */
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { isStream } from './body.js';
import { field, headerOf } from './redact.js';

/** The default for `shouldRefresh`: 401, unless the token is fine and its scope is not (RFC 6750, section 3.1). */
export function isUnauthorized(response: AxiosResponse): boolean {
  if (response.status !== 401) return false;
  return !headerOf(response, 'www-authenticate')?.includes('insufficient_scope');
}

/** Whether an answer came from another origin than the request went to, by redirect: the token was not sent there. */
export function isForeign(response: AxiosResponse, origin: string): boolean {
  const request: unknown = response.request;
  const url = field(field(request, 'res'), 'responseUrl') ?? field(request, 'responseURL');
  if (typeof url !== 'string' || url === '') return false;
  try {
    return new URL(url).origin !== origin;
  } catch {
    return false;
  }
}

/** The response as `shouldRefresh` sees it: a JSON text body reads as the object that the caller would get. */
export function readable(response: AxiosResponse): AxiosResponse {
  const body: unknown = response.data;
  if (typeof body !== 'string') return response;
  return Object.create(response, {
    data: {
      enumerable: true,
      get: () => {
        try {
          return JSON.parse(body) as unknown;
        } catch {
          return body;
        }
      },
    },
  }) as AxiosResponse;
}

/** Frees the connection of a streamed answer that nobody will read. */
export function discard({ data, request }: AxiosResponse<unknown>): void {
  if (!isStream(data)) return;
  end(data, 'destroy');
  end(data, 'cancel');
  // What Axios wraps a stream in for `maxContentLength` lets go of nothing that it has not begun to read.
  end(request, 'destroy');
}

function end(open: unknown, name: string): void {
  const method = field(open, name);
  const ended: unknown = typeof method === 'function' && (method as () => unknown).call(open);
  if (ended instanceof Promise) ended.catch(() => undefined);
}

/** What the API answered, and what the adapter threw for it, if it did. */
export interface Answer {
  readonly response: AxiosResponse;
  readonly thrown?: unknown;
}

/** Hands the answer on the way that it came, with what kept us from a better one as its cause. */
export function deliver(answer: Answer, cause?: unknown): AxiosResponse {
  if (!('thrown' in answer)) return answer.response;
  const { thrown } = answer;
  if (cause !== undefined && typeof thrown === 'object' && thrown !== null) {
    // Unlike Object.defineProperty it leaves a frozen error as it is.
    Reflect.defineProperty(thrown, 'cause', { value: cause, configurable: true, writable: true });
  }
  throw thrown;
}

/** What may call a request off. */
export type Cancellable = {
  readonly [K in 'signal' | 'cancelToken']?: InternalAxiosRequestConfig[K] | undefined;
};

export function isAborted({ signal, cancelToken }: Cancellable): boolean {
  return signal?.aborted === true || cancelToken?.reason !== undefined;
}

/** Calls `listener` at an abort, or soon if that is over already. Returns what stops that. */
export function onAbort({ signal, cancelToken }: Cancellable, listener: () => void): () => void {
  if (isAborted({ signal, cancelToken })) {
    void Promise.resolve().then(listener);
    return () => undefined;
  }
  signal?.addEventListener?.('abort', listener);
  cancelToken?.subscribe(listener);
  return () => {
    signal?.removeEventListener?.('abort', listener);
    cancelToken?.unsubscribe(listener);
  };
}

/** A wait uses up the request's own time; whoever sends the config again starts from the whole. */
export async function inTime<T>(
  config: InternalAxiosRequestConfig,
  leftMs: number,
  send: () => Promise<T>,
): Promise<T> {
  const { timeout } = config;
  if (!timeout) return send();
  config.timeout = leftMs;
  try {
    return await send();
  } finally {
    config.timeout = timeout;
  }
}
