/** The body of a request, and whether it can be sent again: pure. */
import type { InternalAxiosRequestConfig } from 'axios';
import { field } from './redact.js';

/** A body that can be read once only: Node streams, `form-data` instances, web streams. */
export function isStream(body: unknown): boolean {
  return typeof field(body, 'pipe') === 'function' || typeof field(body, 'getReader') === 'function';
}

/** Listens to a stream that nobody reads yet: its error would be an uncaught exception. Returns what stops that. */
export function onStreamError(data: unknown, listener: (error: unknown) => void): () => void {
  if (!isStream(data) || typeof field(data, 'on') !== 'function') return () => undefined;
  const stream = data as NodeJS.ReadableStream;
  stream.on('error', listener);
  return () => stream.removeListener('error', listener);
}

/** A request body before `transformRequest`. */
export interface Body {
  readonly data: unknown;
  readonly transforms: readonly Transform[];
  /** The `Content-Type` that it came with. */
  readonly type: unknown;
}

/** Takes off what an adapter derived from the body: its length, and a multipart boundary that is not the caller's. */
export function forgetBody({ headers }: InternalAxiosRequestConfig, ownType: unknown): void {
  headers.delete('Content-Length');
  const multipart = /^multipart\/form-data/i;
  if (multipart.test(String(headers.get('Content-Type'))))
    headers.set('Content-Type', multipart.test(String(ownType)) ? String(ownType) : 'multipart/form-data');
}

/** Puts the body back as it was before `transformRequest`, and transforms it anew. */
export function rewind(config: InternalAxiosRequestConfig, { data, transforms, type }: Body): void {
  forgetBody(config, type);
  config.data = transforms.reduce<unknown>((sent, transform) => transform.call(config, sent, config.headers), data);
}

export type Transform = (
  this: InternalAxiosRequestConfig,
  data: unknown,
  headers: InternalAxiosRequestConfig['headers'],
) => unknown;

export function transformsOf({ transformRequest }: InternalAxiosRequestConfig): Transform[] {
  return [transformRequest ?? []].flat() as Transform[];
}
