/** The refresh endpoint: handlers for HTTP, and what the application's own code calls. */
import { randomUUID } from 'node:crypto';
import { isText } from '../core/checks.js';
import type { AuditQuery, AuditRecord } from './audit.js';
import { readRefreshToken } from './body.js';
import { callerGiven } from './caller.js';
import { createCookie } from './cookie.js';
import { withDeadline } from './deadline.js';
import { createLimits } from './limits.js';
import { meantBy, queryChecked, sweep, type PurgePlan } from './maintenance.js';
import { resolveOptions, type RefreshEndpointOptions } from './options.js';
import { answerHeaders, AuthError } from './refusal.js';
import { refresh, type Issued, type Parts } from './refresh.js';
import { end, sessionChecked, start, type StartSession } from './session.js';
import type { Purged, RefreshStore } from './store.js';
import { createAccessTokenIssuer, type VerifyAccessToken } from './tokens.js';
import { createTrail } from './trail.js';
import { createHandler, identify, recordOf, refusalOf, type Desk, type Handler, type Visit } from './visit.js';

/** Answer a sign-in with these headers and, as JSON, this body. */
export interface StartedSession {
  /** `expiresIn` is in seconds; `refreshToken` is missing in cookie mode, where the cookie has it. */
  readonly body: { readonly accessToken: string; readonly refreshToken?: string; readonly expiresIn: number };
  /** `Cache-Control: no-store`, and in cookie mode `Set-Cookie`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The id of the token family, as in the audit trail and in the claim `sid`. */
  readonly sessionId: string;
}

export interface RefreshEndpoint {
  /** `POST`: exchanges the refresh token of `{ refreshToken }`, or of the cookie, for new tokens. */
  readonly refresh: Handler;
  /** `POST`: ends the session of the refresh token. 204, also for a token that is unknown. */
  readonly signOut: Handler;
  /** `GET`: the public keys (RFC 7517, section 5). */
  readonly jwks: Handler;
  /**
   * Begins a session, after your own code has checked who it is.
   *
   * @throws {TypeError} naming what is unknown or does not fit
   * @throws {AuthError} `AUTH_UNAVAILABLE` if the store or a key fails
   */
  startSession(session: StartSession): Promise<StartedSession>;
  readonly verifyAccessToken: VerifyAccessToken;
  /**
   * Ends one session, or all of a user: after a change of password, or by an operator. Returns how many it ended.
   *
   * @throws {TypeError} unless one of the two is given
   */
  revokeSessions(whose: { readonly sessionId: string } | { readonly subject: string }): Promise<number>;
  /** Reads the audit trail, newest first; what several machines did in one millisecond has no order. */
  auditTrail(query: AuditQuery): Promise<AuditRecord[]>;
  /**
   * Deletes expired families and old audit records, in small batches. Run it every hour or so.
   *
   * @throws {TypeError} for `auditRetentionMs` below 90 days
   */
  purge(plan?: PurgePlan): Promise<Purged>;
}

/**
 * Makes a refresh endpoint. Its handlers take a web-standard `Request` and give a `Response`; `toExpress` and
 * `toNodeHandler` adapt them.
 *
 * @throws {TypeError} naming an option that is unknown, missing or does not fit
 * @example
 * import { createRefreshEndpoint, generateSigningKey, sqliteRefreshStore } from 'axios-token-refresh/server';
 *
 * const endpoint = createRefreshEndpoint({
 *   store: await sqliteRefreshStore('sessions.db'),
 *   accessTokens: {
 *     issuer: 'https://auth.example.com',
 *     audience: 'https://api.example.com',
 *     keys: [await generateSigningKey()],
 *   },
 * });
 */
export function createRefreshEndpoint(given: RefreshEndpointOptions): RefreshEndpoint {
  const options = resolveOptions(given);
  const { clock, trustedProxies } = options;
  const cookie = options.cookie && createCookie(options.cookie);
  const trail = createTrail(options, (record) => store.record(record));
  const store: RefreshStore = withDeadline(options.store, options.storeTimeoutMs, (record) => trail.tell(record));
  const limits = createLimits(options.limits, trail.fault);
  const issuer = createAccessTokenIssuer({ ...options.accessTokens, clock });
  const parts: Parts = { options, store, issuer, limits };
  const desk: Desk = { ...trail, limits, now: () => clock.now() };

  /** The presented token: of the cookie alone in cookie mode, so that a page cannot choose it. */
  async function presentedBy(request: Request): Promise<string> {
    const fromCookie = cookie?.read(request);
    const fromBody = await readRefreshToken(request);
    const token = cookie ? fromCookie : fromBody;
    if (!isText(token)) throw new AuthError('AUTH_TOKEN_MISSING');
    return token;
  }

  function answerOf(issued: Issued): Pick<StartedSession, 'body' | 'headers'> {
    const { accessToken, refreshToken, expiresIn, refreshLifetimeMs } = issued;
    if (!cookie) return { body: { accessToken, refreshToken, expiresIn }, headers: {} };
    return {
      body: { accessToken, expiresIn },
      headers: { 'Set-Cookie': cookie.write(refreshToken, refreshLifetimeMs) },
    };
  }

  return {
    refresh: createHandler(desk, { method: 'POST', trustedProxies }, async (request, visit) => {
      const { body, headers } = answerOf(await refresh(await presentedBy(request), visit, parts));
      return Response.json(body, { headers: { ...answerHeaders(visit.requestId), ...headers } });
    }),

    signOut: createHandler(desk, { method: 'POST', trustedProxies }, async (request, visit) => {
      await end(await presentedBy(request), visit, parts);
      const headers = { ...answerHeaders(visit.requestId), ...(cookie && { 'Set-Cookie': cookie.clear() }) };
      return new Response(null, { status: 204, headers });
    }),

    jwks: createHandler(desk, { method: 'GET', trustedProxies, isPublic: true }, async (_request, { requestId }) => {
      const headers = { ...answerHeaders(requestId), 'Cache-Control': 'public, max-age=300' };
      return Promise.resolve(Response.json(issuer.keySet(), { headers }));
    }),

    async startSession(given) {
      const session = sessionChecked(given);
      const visit: Visit = callerGiven(session.caller ?? {});
      try {
        const issued = await start(session, visit, parts);
        const { body, headers } = answerOf(issued);
        return { body, headers: { 'Cache-Control': 'no-store', ...headers }, sessionId: issued.sessionId };
      } catch (error) {
        throw refusalOf(error, trail.fault);
      }
    },

    verifyAccessToken: issuer.verify,

    async revokeSessions(whose) {
      const ended = await store.revoke(meantBy(whose), clock.now());
      for (const family of ended) {
        const visit: Visit = { requestId: randomUUID(), ip: undefined, userAgent: undefined };
        identify(visit, family);
        await trail.write(recordOf('revoked', visit, clock.now()));
      }
      return ended.length;
    },

    auditTrail: async (query) => store.auditTrail(queryChecked(query)),
    purge: (plan = {}) => sweep(store, plan, clock.now()),
  };
}
