/** The handlers behind what frameworks put in front of them: body parsers, middlewares, stand-ins for Node's server. */
import { Agent, type RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import axios from 'axios';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { requireAccessToken, toExpress, toNodeHandler, type Handler } from '../../src/server/index.js';
import { useServers } from './support/listen.js';
import { stage } from './support/stage.js';

const listen = useServers();

describe('behind express.json() and express.urlencoded()', () => {
  test.each(['http', 'fetch'])('a refresh by cookie needs no body: adapter %s', async (adapter) => {
    const origin = 'https://app.test';
    const on = await stage({ cookie: { allowedOrigins: [origin] } });
    const { headers } = await on.endpoint.startSession({ subject: 'ada' });
    const app = express().use(express.json(), express.urlencoded({ extended: true }));
    const url = await listen(app.post('/', toExpress(on.endpoint.refresh)) as RequestListener);
    const Cookie = headers['Set-Cookie']?.split(';')[0];
    for (const body of [undefined, null, '', {}]) {
      const sent = { adapter, headers: { Origin: origin, Cookie }, validateStatus: () => true };
      expect(await axios.post<unknown>(url, body, sent)).toMatchObject({ status: 200 });
    }
  });

  test('a form that holds something is turned down', async () => {
    const on = await stage();
    const app = express().use(express.urlencoded({ extended: true }));
    const url = await listen(app.post('/', toExpress(on.endpoint.refresh)) as RequestListener);
    const answer = await fetch(url, { method: 'POST', body: new URLSearchParams({ refreshToken: 'A'.repeat(43) }) });
    expect(answer.status).toBe(415);
  });
});

test('a request id that a middleware has given is that of the answer and of the audit trail', async () => {
  const on = await stage();
  const serve = toNodeHandler(on.endpoint.refresh);
  const url = await listen((request, response) => {
    request.headers['x-request-id'] = 'given-by-middleware';
    serve(request, response);
  });
  const answer = await fetch(url, { method: 'POST' });
  expect(answer.headers.get('x-request-id')).toBe('given-by-middleware');
  expect(on.told).toMatchObject([{ event: 'refused', requestId: 'given-by-middleware' }]);
});

test('a stand-in for a request, as on AWS Lambda, may have no raw headers', async () => {
  const on = await stage();
  const { refreshToken } = await on.signIn();
  const serve = toNodeHandler(on.endpoint.refresh);
  const url = await listen((request, response) => {
    // Made of the raw ones when it is first asked for.
    expect(request.headers['content-type']).toBe('application/json');
    request.rawHeaders.length = 0;
    serve(request, response);
  });
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ refreshToken }) });
  expect(answer.status).toBe(200);
});

test('a header that came twice counts as Node tells of it', async () => {
  const on = await stage({ trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
  const url = await listen(toNodeHandler(on.endpoint.refresh));
  const headers = { 'X-Forwarded-For': ['203.0.113.7', '10.0.0.1'], 'User-Agent': 'one' };
  await axios.post(url, undefined, { headers, adapter: 'http', validateStatus: () => true });
  expect(on.told).toMatchObject([{ ip: '203.0.113.7', userAgent: 'one' }]);
});

test('another handler than ours never takes the part of a long body for the whole', async () => {
  const lengths: number[] = [];
  const count: Handler = async (request) => {
    const outcome = await request.arrayBuffer().then(
      ({ byteLength }) => lengths.push(byteLength),
      (error: unknown) => String(error),
    );
    return Response.json(outcome);
  };
  const url = await listen(toNodeHandler(count));
  const told: unknown[] = [];
  for (const length of [8_192, 8_193, 500_000]) told.push((await axios.post<unknown>(url, 'x'.repeat(length))).data);
  expect(lengths).toStrictEqual([8_192]);
  expect(told.slice(1)).toStrictEqual([
    'RangeError: Bodies of more than 8192 bytes are not read here.',
    'RangeError: Bodies of more than 8192 bytes are not read here.',
  ]);
});

test.each<[string, (late: Promise<unknown>) => RequestHandler]>([
  ['toExpress', (late) => toExpress(() => late.then(() => Response.json('late')))],
  [
    'requireAccessToken',
    (late) => requireAccessToken({ verifyAccessToken: () => late.then(() => Promise.reject(new Error('late'))) }),
  ],
])('%s breaks nothing where a middleware that times out has answered already', async (_, make) => {
  let finish = (): void => undefined;
  const late = new Promise<void>((resolve) => (finish = resolve));
  const errors: unknown[] = [];
  const timesOut: RequestHandler = (_request, response, next) => {
    next();
    response.status(503).json('timed out');
  };
  const listener: ErrorRequestHandler = (error, _request, _response, next) => {
    errors.push(error);
    next(error);
  };
  const app = express().get('/slow', timesOut, make(late)).use(listener);
  // Somebody else's request, on the same connection.
  app.get('/next', async (_request, response) => {
    finish();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    response.json('still there');
  });
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
  const baseURL = await listen(app as RequestListener);
  const client = axios.create({ baseURL, httpAgent, headers: { Authorization: 'Bearer x' }, validateStatus: null });
  expect((await client.get('slow')).status).toBe(503);
  expect((await client.get('next')).status).toBe(200);
  expect(errors).toStrictEqual([]);
  httpAgent.destroy();
});
