/** Protects routes: who has no valid access token gets an answer in the endpoint's own shape. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { checked, fn, isObject, type Rules } from '../core/checks.js';
import { requestIdFrom } from './caller.js';
import { contained } from './contained.js';
import { AuthError, bodyOf, headersOf } from './refusal.js';
import type { VerifiedAccessToken, VerifyAccessToken } from './tokens.js';
import { refusalOf } from './visit.js';

export interface RequireAccessTokenOptions {
  readonly verifyAccessToken: VerifyAccessToken;
  /** Called with faults behind a 503. Never awaited; what it throws changes nothing. */
  readonly onFault?: (error: unknown) => unknown;
}

/** A request that has passed. */
export type AuthenticatedRequest = IncomingMessage & { auth?: VerifiedAccessToken };

/** For Express, Connect, and Node's own server with a `next` of yours. */
export type Middleware = (
  request: AuthenticatedRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

const rules: Rules<RequireAccessTokenOptions> = { verifyAccessToken: fn, onFault: fn };
/** What an endpoint has beside `verifyAccessToken`. */
const handlers = ['refresh', 'signOut', 'jwks', 'startSession', 'revokeSessions', 'auditTrail', 'purge'];

const withoutHandlers = (given: unknown): unknown =>
  isObject(given) ? Object.fromEntries(Object.entries(given).filter(([name]) => !handlers.includes(name))) : given;

const bearer = /^Bearer +([\w.~+/-]+=*) *$/i;

/**
 * A middleware that lets requests with a valid access token through, as `request.auth`, and answers all others:
 * 401 `AUTH_TOKEN_MISSING`, `AUTH_TOKEN_EXPIRED` or `AUTH_TOKEN_INVALID` with `WWW-Authenticate` (RFC 6750, section 3),
 * 503 `AUTH_UNAVAILABLE` if the keys cannot be had.
 *
 * @param given an endpoint may be handed over whole
 * @throws {TypeError} naming an option that is unknown, missing or does not fit
 * @example
 * import express from 'express';
 * import { createAccessTokenVerifier, requireAccessToken } from 'axios-token-refresh/server';
 *
 * const verifyAccessToken = createAccessTokenVerifier({
 *   issuer: 'https://auth.example.com',
 *   audience: 'https://api.example.com',
 *   keys: new URL('https://auth.example.com/jwks.json'),
 * });
 * express().use('/api', requireAccessToken({ verifyAccessToken }));
 */
export function requireAccessToken(given: RequireAccessTokenOptions): Middleware {
  const { verifyAccessToken, onFault } = checked<RequireAccessTokenOptions>(withoutHandlers(given), rules, {
    required: ['verifyAccessToken'],
    of: 'requireAccessToken',
  });
  async function check(request: AuthenticatedRequest): Promise<void> {
    const { authorization } = request.headers;
    if (authorization === undefined)
      // 401, unlike at the refresh endpoint: it is what makes a client fetch a token and come again.
      throw new AuthError('AUTH_TOKEN_MISSING', { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
    const [, accessToken] = bearer.exec(authorization) ?? [];
    if (accessToken === undefined) throw new AuthError('AUTH_TOKEN_INVALID');
    request.auth = await verifyAccessToken(accessToken);
  }

  return (request, response, next) => {
    const fault = (error: unknown): void => contained(() => onFault?.(error));
    const refuse = (error: unknown): void => answer(refusalOf(error, fault), request, response);
    check(request)
      .then(() => next(), refuse)
      .catch(next);
  };
}

function answer(error: AuthError, request: IncomingMessage, response: ServerResponse): void {
  // By a middleware that times out, while keys were fetched.
  if (response.headersSent) return;
  const requestId = requestIdFrom(request.headers['x-request-id']);
  const challenge = error.status === 401 && { 'WWW-Authenticate': 'Bearer error="invalid_token"' };
  response.writeHead(error.status, { ...challenge, ...headersOf(error, requestId) });
  response.end(JSON.stringify(bodyOf(error, requestId)));
}
