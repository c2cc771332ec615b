/** Express 5. */
import type { Server } from 'node:http';
import express from 'express';
import {
  requireAccessToken,
  toExpress,
  type AuthenticatedRequest,
  type RefreshEndpoint,
} from 'axios-token-refresh/server';
import { subjectOf } from './endpoint.js';

export function listen(endpoint: RefreshEndpoint, port: number): Promise<Server> {
  const app = express();

  // For this route alone: the handlers below read the body themselves, and answer for what is wrong with it.
  app.post('/sign-in', express.json({ limit: '8kb' }), async (request, response) => {
    const caller = { ip: request.ip, userAgent: request.get('user-agent') };
    const { headers, body } = await endpoint.startSession({ subject: subjectOf(request.body), caller });
    response.set(headers).json(body);
  });
  app.post('/auth/refresh-token', toExpress(endpoint.refresh));
  app.post('/auth/sign-out', toExpress(endpoint.signOut));
  app.get('/jwks.json', toExpress(endpoint.jwks));
  app.get('/me', requireAccessToken(endpoint), (request: AuthenticatedRequest, response: express.Response) => {
    response.json({ subject: request.auth?.subject });
  });

  return new Promise((resolve) => {
    const server = app.listen(port, '127.0.0.1', () => resolve(server));
  });
}
