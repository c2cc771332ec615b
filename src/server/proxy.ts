/** A refresh endpoint for tokens that a third party issues: checks, limits, calls it, answers in our codes. */
import { checked, clockWithNow, fn, hasMethods, isText, type Rules } from '../core/checks.js';
import { claimsOf } from '../core/claims.js';
import { classify } from '../core/failure.js';
import { describe, field } from '../core/redact.js';
import { readRefreshToken } from './body.js';
import { isSubject, object, safeUrl, texts, wait } from './checks.js';
import { bounded } from './deadline.js';
import { createLimits, type LimitOptions } from './limits.js';
import type { ReportingOptions } from './options.js';
import { answerHeaders, AuthError } from './refusal.js';
import { hashOf } from './secrets.js';
import type { RefreshStore } from './store.js';
import { createTrail } from './trail.js';
import { callUpstream, type UpstreamAnswer, type UpstreamRequest } from './upstream.js';
import { createHandler, recordOf, takePoint, UpstreamLimit, type Handler } from './visit.js';

/** What the third party issued. */
export interface UpstreamTokens {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  /** Seconds. */
  readonly expiresIn?: number | undefined;
}

/** How to talk to one third party. */
export interface Upstream {
  /** `https:`, or loopback. */
  readonly upstreamUrl: string;
  /** Makes the call. May be async. @default `POST` of `{ refreshToken }` as JSON */
  readonly mapRequest?: (presented: {
    readonly refreshToken: string;
    readonly requestId: string;
  }) => UpstreamRequest | Promise<UpstreamRequest>;
  /**
   * Reads the answer, of status 2xx. May be async.
   * @default `accessToken` or `access_token`, and the others likewise; `expires_in` may be a string
   */
  readonly mapResponse?: (answer: UpstreamAnswer) => UpstreamTokens | Promise<UpstreamTokens>;
}

export interface RefreshProxyOptions extends Upstream, ReportingOptions {
  /** Longest wait for the upstream, with `mapRequest` and `mapResponse`, in whole milliseconds, at least 1. @default 5_000 */
  readonly timeoutMs?: number;
  /** `byFamily` counts by token here. */
  readonly limits?: LimitOptions;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. @default none */
  readonly trustedProxies?: readonly string[];
  /** Where audit records are kept. @default nowhere: the callback `audit` alone hears of them */
  readonly store?: Pick<RefreshStore, 'record'>;
  /** For tests. @default the system's clock */
  readonly clock?: { now(): number };
}

const rules: Rules<RefreshProxyOptions> = {
  upstreamUrl: safeUrl,
  mapRequest: fn,
  mapResponse: fn,
  timeoutMs: wait,
  limits: object,
  trustedProxies: texts,
  store: ['a store with record()', (value) => hasMethods(value, ['record'])],
  audit: fn,
  suspicion: object,
  onFault: fn,
  clock: clockWithNow,
};

/** What can be a refresh token of anyone's: visible ASCII, neither a word nor a book. */
const tokenShape = /^[\x21-\x7e]{10,4096}$/;
/** An access token only has to fit into a header. With the groups of its owner in it, it may be long. */
const accessTokenShape = /^[\x21-\x7e]+$/;
const longestRetryAfterMs = 3_600_000;
/** Longest wait for the store: what the third party has issued must reach its owner. */
const storeTimeoutMs = 3_000;

/**
 * Makes a handler for `POST { refreshToken }` that refreshes at a third party and answers `{ accessToken }`, with
 * `refreshToken` and `expiresIn` where the third party gives them. A refusal there is 401 `AUTH_TOKEN_INVALID` here, a 429
 * is 429 `AUTH_RATE_LIMITED`; its faults are 502 `AUTH_TOKEN_REFRESH_FAILED` and 504 `AUTH_UPSTREAM_TIMEOUT`. These end no
 * session.
 *
 * @throws {TypeError} naming an option that is unknown, missing or does not fit
 * @example
 * import { createRefreshProxy } from 'axios-token-refresh/server';
 *
 * const refresh = createRefreshProxy({
 *   upstreamUrl: 'https://id.example.com/oauth/token',
 *   mapRequest: ({ refreshToken }) => ({
 *     data: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken }),
 *   }),
 * });
 */
export function createRefreshProxy(given: RefreshProxyOptions): Handler {
  const options = checked<RefreshProxyOptions>(given, rules, { required: ['upstreamUrl'] });
  const { store, trustedProxies = [], timeoutMs = 5_000, clock = Date } = options;
  const trail = createTrail(
    options,
    store && ((record) => bounded(storeTimeoutMs, 'The store', () => store.record(record))),
  );
  const limits = createLimits(options.limits, trail.fault);
  const now = (): number => clock.now();

  return createHandler({ ...trail, limits, now }, { method: 'POST', trustedProxies }, async (request, visit) => {
    const refreshToken = await readRefreshToken(request);
    if (!isText(refreshToken)) throw new AuthError('AUTH_TOKEN_MISSING');
    if (!tokenShape.test(refreshToken)) throw new AuthError('AUTH_TOKEN_INVALID');
    await takePoint(limits, 'byFamily', hashOf(refreshToken));

    const tokens = await fetchTokens(refreshToken, visit.requestId).catch((error: unknown) => {
      if (error instanceof AuthError) throw error;
      throw new AuthError('AUTH_TOKEN_REFRESH_FAILED', { cause: describe(error, [refreshToken]) });
    });
    const { sub } = claimsOf(tokens.accessToken);
    // Nobody has checked the token: what stands in it must not break a store.
    if (isSubject(sub)) visit.subject = sub;
    await trail.write(recordOf('refreshed', visit, now()));
    return Response.json(tokens, { headers: answerHeaders(visit.requestId) });
  });

  async function fetchTokens(refreshToken: string, requestId: string): Promise<UpstreamTokens> {
    const { mapRequest = plainRequest, mapResponse = plainResponse } = options;
    const deadline = AbortSignal.timeout(timeoutMs);
    const work = async (): Promise<UpstreamTokens> => {
      const request = await mapRequest({ refreshToken, requestId });
      const answer = await callUpstream(options.upstreamUrl, request, deadline).catch((error: unknown) => {
        throw refusalOf(error, deadline.aborted, now(), refreshToken);
      });
      return usable(await mapResponse(answer), now());
    };
    // A callback may be deaf to the signal.
    return bounded(timeoutMs, 'The third party', work, 'AUTH_UPSTREAM_TIMEOUT');
  }
}

function refusalOf(error: unknown, isLate: boolean, now: number, secret: string): AuthError {
  // Our own deadline has ended the call: Axios would tell of somebody who has cancelled it.
  if (isLate) return new AuthError('AUTH_UPSTREAM_TIMEOUT');
  const { terminal, kind, retryAfterMs } = classify(error, now);
  const cause = describe(error, [secret]);
  if (kind === 'timeout') return new AuthError('AUTH_UPSTREAM_TIMEOUT', { cause });
  if (terminal) return new AuthError('AUTH_TOKEN_INVALID');
  if (kind !== 'throttled') return new AuthError('AUTH_TOKEN_REFRESH_FAILED', { cause });
  return new UpstreamLimit('AUTH_RATE_LIMITED', { retryAfterMs: Math.min(retryAfterMs || 1_000, longestRetryAfterMs) });
}

/** Picks what may be passed on. A dead token would make the client come again at once. */
function usable({ accessToken, refreshToken, expiresIn }: UpstreamTokens, now: number): UpstreamTokens {
  if (typeof accessToken !== 'string' || !accessTokenShape.test(accessToken))
    throw new TypeError('The upstream gave no usable access token.');
  const { exp } = claimsOf(accessToken);
  if (exp !== undefined && exp * 1000 <= now) throw new TypeError('The upstream gave an expired access token.');
  return {
    accessToken,
    ...(typeof refreshToken === 'string' && tokenShape.test(refreshToken) && { refreshToken }),
    ...(typeof expiresIn === 'number' && expiresIn > 0 && Number.isFinite(expiresIn) && { expiresIn }),
  };
}

const plainRequest = ({ refreshToken }: { readonly refreshToken: string }): UpstreamRequest => ({
  data: { refreshToken },
});

const plainResponse = ({ data }: UpstreamAnswer): UpstreamTokens => ({
  accessToken: (field(data, 'accessToken') ?? field(data, 'access_token')) as string,
  refreshToken: (field(data, 'refreshToken') ?? field(data, 'refresh_token')) as string | undefined,
  // Some send it as a string.
  expiresIn: Number(field(data, 'expiresIn') ?? field(data, 'expires_in')),
});
