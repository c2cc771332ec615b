/** Fastify 5. */
import type { Server, ServerResponse } from 'node:http';
import fastify, { type FastifyReply } from 'fastify';
import {
  requireAccessToken,
  toNodeHandler,
  type AuthenticatedRequest,
  type Handler,
  type RefreshEndpoint,
} from 'axios-token-refresh/server';
import { subjectOf } from './endpoint.js';

/** For answers past Fastify: what its hooks have set, such as the headers of CORS, goes out with its own answers only. */
export function rawReply(reply: FastifyReply): ServerResponse {
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  return reply.raw;
}

export async function listen(endpoint: RefreshEndpoint, port: number): Promise<Server> {
  const app = fastify();

  app.post('/sign-in', async (request, reply) => {
    const caller = { ip: request.ip, userAgent: request.headers['user-agent'] };
    const { headers, body } = await endpoint.startSession({ subject: subjectOf(request.body), caller });
    return reply.headers(headers).send(body);
  });

  // The handlers read the request themselves, so Fastify must not: in a scope of its own no parser touches the body.
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    const mount = (method: 'GET' | 'POST', url: string, handler: Handler): unknown =>
      scope.route({
        method,
        url,
        handler: (request, reply) => {
          reply.hijack();
          toNodeHandler(handler)(request.raw, rawReply(reply));
        },
      });
    mount('POST', '/auth/refresh-token', endpoint.refresh);
    mount('POST', '/auth/sign-out', endpoint.signOut);
    mount('GET', '/jwks.json', endpoint.jwks);
    done();
  });

  const guard = requireAccessToken(endpoint);
  app.get(
    '/me',
    {
      onRequest: (request, reply, next) =>
        guard(request.raw, rawReply(reply), (error) => next(error as Error | undefined)),
    },
    (request) => ({
      subject: (request.raw as AuthenticatedRequest).auth?.subject,
    }),
  );

  await app.listen({ port, host: '127.0.0.1' });
  return app.server;
}
