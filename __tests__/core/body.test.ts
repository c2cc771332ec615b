/** Whether a body can be sent again, and how it is put back. */
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import FormDataPackage from 'form-data';
import { isStream, rewind, streamsIn, type Transform } from '../../src/core/body.js';

describe('isStream (G15): a body that can be read once', () => {
  test.each<readonly [what: string, body: unknown, expected: boolean]>([
    ['a Node stream', Readable.from(['x']), true],
    ['a web stream', new ReadableStream(), true],
    ['an instance of the form-data package', new FormDataPackage(), true],
    ['a FormData', new FormData(), false],
    ['a Blob', new Blob(['x']), false],
    ['a Buffer', Buffer.from('x'), false],
    ['an ArrayBuffer', new ArrayBuffer(1), false],
    ['a URLSearchParams', new URLSearchParams('x=1'), false],
    ['an object', { a: 1 }, false],
    ['a string', 'x', false],
    ['nothing', undefined, false],
    ['null', null, false],
  ])('%s', (_what, body, expected) => {
    expect(isStream(body)).toBe(expected);
  });
});

describe('streamsIn (G15): what can be read once only in a body that becomes a form', () => {
  const stream = Readable.from(['x']);
  const other = new ReadableStream();
  const circular: Record<string, unknown> = { stream };
  circular['self'] = circular;
  class Upload {
    readonly file = stream;
  }
  const hostile = Object.defineProperty({ stream }, 'broken', {
    enumerable: true,
    get: () => {
      throw new Error('broken');
    },
  });

  test.each<readonly [what: string, body: unknown, expected: readonly unknown[]]>([
    ['the stream itself', stream, [stream]],
    ['a field', { name: 'notes', file: stream }, [stream]],
    ['fields below', { files: [{ file: stream }, [other]] }, [stream, other]],
    ['an array', [stream], [stream]],
    ['an object without a prototype', Object.assign(Object.create(null), { stream }), [stream]],
    ['an instance of a class', new Upload(), [stream]],
    ['an instance of a class as a field, which Axios hands on as it is', { upload: new Upload() }, []],
    ['an object that holds itself', circular, [stream]],
    ['one stream twice', { first: stream, second: stream }, [stream]],
    ['a getter that throws', hostile, [stream]],
    ['a Buffer', Buffer.from('x'), []],
    ['a Map', new Map([['file', stream]]), []],
    ['text', 'x', []],
    ['nothing', undefined, []],
    ['null', null, []],
  ])('%s', (_what, body, expected) => {
    expect(streamsIn(body)).toEqual(expected);
  });
});

describe('rewind (G15): the body as it was before transformRequest, transformed anew', () => {
  const sent = (headers: Record<string, string>): InternalAxiosRequestConfig => ({
    headers: new AxiosHeaders(headers),
    data: 'transformed once',
  });

  test('what was derived from the first body goes', () => {
    const config = sent({
      'Content-Length': '16',
      'Content-Type': 'multipart/form-data; boundary=first',
      'X-Own': 'kept',
    });
    rewind(config, { data: { a: 1 }, transforms: [], type: undefined, headers: undefined });
    expect({ ...config.headers.toJSON() }).toEqual({ 'Content-Type': 'multipart/form-data', 'X-Own': 'kept' });
    expect(config.data).toEqual({ a: 1 });
  });

  test('a boundary that is the caller’s stays: the body was made with it', () => {
    const type = 'multipart/form-data; boundary=own';
    const config = sent({ 'Content-Type': type });
    rewind(config, { data: '--own--', transforms: [], type, headers: undefined });
    expect(config.headers.get('Content-Type')).toBe(type);
  });

  test('another content type stays', () => {
    const config = sent({ 'content-type': 'application/json' });
    rewind(config, { data: {}, transforms: [], type: 'application/json', headers: undefined });
    expect(config.headers.get('Content-Type')).toBe('application/json');
  });

  test('each transform gets the body of the one before, the headers, and the config as this', () => {
    const config = sent({});
    const seen: unknown[] = [];
    const transforms: Transform[] = [
      function (data, headers) {
        seen.push(this === config, headers === config.headers);
        return JSON.stringify(data);
      },
      (data) => `${String(data)}!`,
    ];
    rewind(config, { data: { a: 1 }, transforms, type: undefined, headers: undefined });
    expect(config.data).toBe('{"a":1}!');
    expect(seen).toStrictEqual([true, true]);
  });
});
