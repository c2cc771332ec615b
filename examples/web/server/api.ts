/** The origin of the API: our refresh endpoint in cookie mode, a sign-in, a protected route, and the demo's own levers. */
import express, { type Express, type RequestHandler, type Response } from 'express';
import {
  createRefreshEndpoint,
  generateSigningKey,
  requireAccessToken,
  sqliteRefreshStore,
  toExpress,
  type AuthenticatedRequest,
} from 'axios-token-refresh/server';
import { behaviours, createTroubles, parts } from './troubles.js';

export interface ApiOptions {
  /** Origin of this API. */
  readonly url: string;
  /** Origin of the page: the only one that may ask. */
  readonly pageUrl: string;
  /** Milliseconds. */
  readonly tokenLifeMs: number;
}

const users = ['alice', 'bob'];

export async function createApi({ url, pageUrl, tokenLifeMs }: ApiOptions): Promise<Express> {
  const endpoint = createRefreshEndpoint({
    store: await sqliteRefreshStore(':memory:'),
    accessTokens: { issuer: url, audience: url, keys: [await generateSigningKey()], ttlMs: tokenLifeMs },
    // Not `secure`: this is plain HTTP. Cookies know no ports, so two demos on one machine need two names.
    cookie: { allowedOrigins: [pageUrl], name: `refresh-${new URL(url).port}`, path: '/auth', secure: false },
    // Tokens of seconds and a visitor who tries things out come more often than the defaults expect.
    limits: { byIp: { points: 600, durationMs: 60_000 }, byFamily: { points: 120, durationMs: 60_000 } },
  });
  const troubles = createTroubles();
  const signedIn = requireAccessToken(endpoint);

  const app = express();
  app.use(allow(pageUrl));

  app.post('/auth/refresh', troubles.befall('auth'), toExpress(endpoint.refresh));
  app.post('/auth/sign-out', toExpress(endpoint.signOut));
  app.post('/auth/sign-in/:user', onlyFrom(pageUrl), async (request, response) => {
    const subject = String(request.params['user']);
    if (!users.includes(subject)) return void response.status(404).end();
    // Stands for your own sign-in: asks no password.
    const { headers, body } = await endpoint.startSession({ subject, caller: { ip: request.ip } });
    response.set(headers).json(body);
  });

  app.get(
    '/api/orders',
    signedIn,
    troubles.refuseRevoked(),
    troubles.befall('api'),
    (request: AuthenticatedRequest, response: Response) => {
      // As long as real work takes, so that a request can be seen on its way.
      setTimeout(() => response.json({ of: request.auth?.subject }), 120 + Math.random() * 180);
    },
  );

  app.get('/demo/behaviour', (_request, response) => void response.json(troubles.behaviour));
  app.post('/demo/behaviour/:part/:behaviour', onlyFrom(pageUrl), (request, response) => {
    const part = parts.find((one) => one === request.params['part']);
    const behaviour = behaviours.find((one) => one === request.params['behaviour']);
    if (part && behaviour) troubles.set(part, behaviour);
    response.status(part && behaviour ? 204 : 404).end();
  });
  // The levers work with a revoked token, too.
  app.post('/demo/revoke-token', signedIn, (request: AuthenticatedRequest, response: Response) => {
    troubles.revokeToken(String(request.auth?.claims['jti']));
    response.status(204).end();
  });
  app.post('/demo/revoke-session', signedIn, async (request: AuthenticatedRequest, response: Response) => {
    await endpoint.revokeSessions({ sessionId: request.auth?.sessionId ?? '' });
    response.status(204).end();
  });
  return app;
}

/** CORS for one page, with cookies. */
function allow(pageUrl: string): RequestHandler {
  return (request, response, next) => {
    response.set({
      'Access-Control-Allow-Origin': pageUrl,
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type',
      // `Date` tells a page how far its clock is off.
      'Access-Control-Expose-Headers': 'Date, Retry-After, X-Request-Id',
      'Access-Control-Max-Age': '600',
      Vary: 'Origin',
    });
    if (request.method === 'OPTIONS') response.status(204).end();
    else next();
  };
}

/** CORS hides answers; it does not stop a simple POST of another page. */
function onlyFrom(pageUrl: string): RequestHandler {
  return (request, response, next) => {
    if (request.get('origin') === pageUrl) next();
    else response.status(403).end();
  };
}
