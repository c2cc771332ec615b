/** Hono 4: it speaks `Request` and `Response` itself, so the handlers need no adapter, but for the peer's address. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { Hono, type Context } from 'hono';
import { AuthError, toNodeHandler, type Handler, type RefreshEndpoint } from 'axios-token-refresh/server';
import { subjectOf } from './endpoint.js';

interface Bindings {
  Bindings: { peerAddress: string | undefined };
}

export function listen(endpoint: RefreshEndpoint, port: number): Promise<Server> {
  const app = new Hono<Bindings>();
  const mounted =
    (handler: Handler) =>
    (context: Context<Bindings>): Promise<Response> =>
      handler(context.req.raw, { peerAddress: context.env.peerAddress });

  app.post('/sign-in', async (context) => {
    const caller = { ip: context.env.peerAddress, userAgent: context.req.header('user-agent') };
    const { headers, body } = await endpoint.startSession({ subject: subjectOf(await context.req.json()), caller });
    return context.json(body, 200, headers);
  });
  app.post('/auth/refresh-token', mounted(endpoint.refresh));
  app.post('/auth/sign-out', mounted(endpoint.signOut));
  app.get('/jwks.json', mounted(endpoint.jwks));
  app.get('/me', async (context) => {
    const authorization = context.req.header('authorization');
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
    try {
      if (authorization === undefined)
        throw new AuthError('AUTH_TOKEN_MISSING', { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
      const { subject } = await endpoint.verifyAccessToken(token);
      return context.json({ subject });
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      const { code, message, status, headers } = error;
      const requestId = context.req.header('x-request-id') ?? randomUUID();
      const hint = status === 401 ? { 'WWW-Authenticate': 'Bearer error="invalid_token"' } : { 'Retry-After': '1' };
      return context.json({ error: { code, message, requestId } }, status as 401 | 503, { ...hint, ...headers });
    }
  });

  // Any runtime serves `app.fetch`; on Node this package's adapter does, and knows the peer's address. It reads no body of
  // more than 8 kB: for an application that takes longer ones use @hono/node-server, and its `getConnInfo` for the address.
  const serve = toNodeHandler((request, connection) =>
    Promise.resolve(app.fetch(request, { peerAddress: connection?.peerAddress })),
  );
  return new Promise((resolve) => {
    const server = createServer(serve);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
