/** Everything public of the main entry, listed one by one. */
export { createTokenSession, installTokenRefresh } from './install.js';
export { decodeToken } from './core/claims.js';
export { isTokenExpiringSoon } from './decode.js';
export { isTokenError, TokenError, type TokenErrorCode, type TokenErrorFields } from './errors.js';
export { memoryStore } from './stores/memory.js';
export type {
  AttachOptions,
  Clock,
  EventBase,
  FailureKind,
  GetAccessTokenOptions,
  Origins,
  RefreshCallback,
  RefreshContext,
  RefreshTrigger,
  RefreshWindow,
  RetryOptions,
  SessionSnapshot,
  SessionStatus,
  StoreAction,
  TokenClaims,
  TokenErrorCause,
  TokenEvent,
  TokenEvents,
  TokenEventType,
  TokenSession,
  TokenSessionOptions,
  TokenSet,
  TokenStore,
} from './types.js';
