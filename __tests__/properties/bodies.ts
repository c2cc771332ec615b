/** Request bodies of each sort: as the app gives them, and what the API must see of them. */
import { Readable } from 'node:stream';
import type { AxiosRequestConfig } from 'axios';
import type { RequestStep } from './schedules.js';

export const bodies: Readonly<Record<RequestStep['body'], (text: string) => AxiosRequestConfig>> = {
  none: () => ({}),
  json: (text) => ({ data: { text } }),
  // A transform that would wrap its own result a second time.
  wrapped: (text) => ({ data: { text }, transformRequest: [(data) => JSON.stringify({ once: data as unknown })] }),
  form: (text) => ({ data: new URLSearchParams({ text }) }),
  bytes: (text) => ({ data: new Uint8Array(Buffer.from(text)), headers: { 'Content-Type': 'application/x-bytes' } }),
  stream: (text) => ({ data: Readable.from([text]) }),
};

/** The body that must arrive. */
export const arrived: Readonly<Record<RequestStep['body'], (text: string) => string>> = {
  none: () => '',
  json: (text) => JSON.stringify({ text }),
  wrapped: (text) => JSON.stringify({ once: { text } }),
  form: (text) => new URLSearchParams({ text }).toString(),
  bytes: (text) => Buffer.from(text).toString('hex'),
  stream: () => 'stream',
};

/** What there is to see of a body on the wire. */
export function bytesOf(data: unknown): string {
  if (data instanceof Readable) return 'stream';
  if (data instanceof ArrayBuffer) return Buffer.from(data).toString('hex');
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
  return typeof data === 'string' ? data : data === undefined ? '' : `no bytes: ${JSON.stringify(data)}`;
}
