/** The body of a request, and whether it can be sent again: pure. */
import type { InternalAxiosRequestConfig } from 'axios';
import { field } from './redact.js';

/** A body that can be read once only: Node streams, `form-data` instances, web streams. */
export function isStream(body: unknown): boolean {
  return typeof field(body, 'pipe') === 'function' || typeof field(body, 'getReader') === 'function';
}

/**
 * The streams in a body that Axios makes a form of: in an object of any kind, and in the arrays and plain objects below it.
 * Each object is looked at once.
 */
export function streamsIn(data: unknown): unknown[] {
  if (isStream(data)) return [data];
  const found: unknown[] = [];
  const known = new Set<unknown>([data]);
  // The set grows on the way.
  for (const value of known) {
    if (isStream(value)) found.push(value);
    else if (isObject(value) && !ArrayBuffer.isView(value) && (value === data || isPlain(value)))
      for (const name of Object.keys(value)) known.add(field(value, name));
  }
  return found;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Listens to the streams in a body that nobody reads yet: an error would be an uncaught exception. Returns what stops that. */
export function onStreamError(data: unknown, listener: (error: unknown) => void): () => void {
  const streams = streamsIn(data).filter((stream) => typeof field(stream, 'on') === 'function');
  for (const stream of streams as NodeJS.ReadableStream[]) stream.on('error', listener);
  return () => {
    for (const stream of streams as NodeJS.ReadableStream[]) stream.removeListener('error', listener);
  };
}

/** A request body before `transformRequest`. */
export interface Body {
  readonly data: unknown;
  readonly transforms: readonly Transform[];
  /** The `Content-Type` that it came with. */
  readonly type: unknown;
  /** The headers that it came with, where a transform is not Axios's own: it may do anything with them. */
  readonly headers: Readonly<Record<string, unknown>> | undefined;
}

/** The body of a config as it is, where nobody saw it before `transformRequest`. */
export function bodyOf(config: InternalAxiosRequestConfig): Body {
  return { data: config.data as unknown, transforms: transformsOf(config), type: undefined, headers: undefined };
}

const multipart = /^multipart\/form-data/i;

/** Whether sending a body has read it. A transform of the caller's may hand out a stream that the body holds. */
export function isUsedUp({ data, type, headers }: Body): boolean {
  return isStream(data) || ((headers !== undefined || multipart.test(String(type))) && streamsIn(data).length > 0);
}

/**
 * Makes the headers ready for the body to be transformed anew: without what the transforms left behind, and without what an
 * adapter derived, which is a length, and a multipart boundary that is not the caller's.
 */
export function rewindHeaders({ headers }: InternalAxiosRequestConfig, { headers: before, type }: Body): void {
  if (before) {
    for (const name of Object.keys(headers)) Reflect.deleteProperty(headers, name);
    Object.assign(headers, before);
  }
  headers.delete('Content-Length');
  if (multipart.test(String(headers.get('Content-Type'))))
    headers.set('Content-Type', multipart.test(String(type)) ? String(type) : 'multipart/form-data');
}

/** Puts the body back as it was before `transformRequest`, and transforms it anew as Axios does. False if it cannot be sent. */
export function rewind(config: InternalAxiosRequestConfig, body: Body): boolean {
  rewindHeaders(config, body);
  const { headers, method = 'get', data: sent } = config as InternalAxiosRequestConfig<unknown>;
  try {
    config.data = body.transforms.reduce<unknown>(
      (data, transform) => transform.call(config, data, headers),
      body.data,
    );
  } catch {
    // One that changes its argument in place may not bear what it made of it.
    return false;
  }
  if (['post', 'put', 'patch'].includes(method)) headers.setContentType('application/x-www-form-urlencoded', false);
  return !isSameStream(config.data, sent);
}

/** Whether a transform has handed out, once more, a stream that has been sent. */
export function isSameStream(data: unknown, sent: unknown): boolean {
  return data === sent && isStream(data);
}

export type Transform = (
  this: InternalAxiosRequestConfig,
  data: unknown,
  headers: InternalAxiosRequestConfig['headers'],
) => unknown;

export function transformsOf({ transformRequest }: InternalAxiosRequestConfig): Transform[] {
  // Asked of each request with a body: what is a list already is not copied.
  return (Array.isArray(transformRequest) ? transformRequest : [transformRequest ?? []].flat()) as Transform[];
}
