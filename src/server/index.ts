/** Everything public of the server half, listed one by one. */
export { isTokenExpiringSoon } from '../decode.js';
export { createRefreshEndpoint, type RefreshEndpoint, type StartedSession } from './endpoint.js';
export type { AccessTokenOptions, RefreshEndpointOptions, ReportingOptions } from './options.js';
export type { CookieOptions } from './cookie.js';
export type { Caller, Connection } from './caller.js';
export type { Limit, Limiter, LimitOptions } from './limits.js';
export type { Suspicion, SuspicionOptions } from './watch.js';
export type { AuditEvent, AuditQuery, AuditRecord } from './audit.js';
export type { PurgePlan } from './maintenance.js';
export type { Handler } from './visit.js';
export { AuthError, type AuthErrorBody, type AuthErrorCode, type AuthErrorFields } from './refusal.js';
export { memoryRefreshStore } from './memory.js';
export { sqlRefreshStore, type SqlRefreshStore } from './sql/store.js';
export { sqliteRefreshStore, type SqliteRefreshStore } from './sql/sqlite.js';
export {
  postgresRefreshStore,
  type ListenableClient,
  type ListenablePool,
  type PostgresRefreshStore,
} from './sql/postgres.js';
export type {
  FamilyChoice,
  JsonObject,
  Presented,
  Purged,
  PurgeOptions,
  RefreshStore,
  RevokeReason,
  StoredToken,
  TokenFamily,
  Verdict,
} from './store.js';
export type { KeySet, PublicKey, SigningKey } from './keys.js';
export {
  createAccessTokenVerifier,
  generateSigningKey,
  type AccessTokenVerifierOptions,
  type VerifiedAccessToken,
  type VerifyAccessToken,
} from './tokens.js';
export {
  requireAccessToken,
  type AuthenticatedRequest,
  type Middleware,
  type RequireAccessTokenOptions,
} from './guard.js';
export { toExpress, toNodeHandler, type ExpressHandler, type NodeHandler } from './node.js';
export type { SessionStart, StartSession } from './session.js';
export { createRefreshProxy, type RefreshProxyOptions, type Upstream, type UpstreamTokens } from './proxy.js';
export type { UpstreamAnswer, UpstreamRequest } from './upstream.js';
export { memberstackUpstream, type MemberstackOptions } from './memberstack.js';
