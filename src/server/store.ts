/** What a store of refresh tokens keeps, and the few questions it answers. The rules are not its business. */
import type { AuditQuery, AuditRecord } from './audit.js';

/** A JSON object, as it is kept with a session and put into its access tokens. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type RevokeReason = 'reuse' | 'sign-out' | 'revoked';

/** One sign-in and all refresh tokens that descend from it. */
export interface TokenFamily {
  readonly id: string;
  readonly subject: string;
  readonly context: JsonObject;
  readonly claims: JsonObject;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  /** Absolute: no rotation moves it (RFC 10017, section 6.3.2.3). */
  readonly expiresAt: number;
  /** Generation of its newest token: 1 after the sign-in. */
  readonly generation: number;
  readonly revokedAt: number | undefined;
  readonly revokeReason: RevokeReason | undefined;
}

/** A refresh token, without the token: its hash. (family, generation) is unique, so a token has one child at most. */
export interface StoredToken {
  readonly familyId: string;
  readonly generation: number;
  /** SHA-256, base64url. Unique. */
  readonly hash: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** First use. Later ones do not move it, or a grace period would never end. */
  readonly usedAt: number | undefined;
  /** Its successor, encrypted under a key that only this token yields; gone when it can no longer be asked for. */
  readonly sealedSuccessor: string | undefined;
}

/** A token that was presented, and its family. */
export interface Presented {
  readonly family: TokenFamily;
  readonly token: StoredToken;
}

/** What becomes of a presented token's family. The record goes into the audit trail in the same transaction. */
export type Verdict =
  | {
      readonly action: 'rotate';
      readonly now: number;
      readonly sealedSuccessor: string;
      readonly child: Pick<StoredToken, 'hash' | 'expiresAt'>;
      readonly record: AuditRecord;
    }
  | { readonly action: 'revoke'; readonly now: number; readonly reason: RevokeReason; readonly record: AuditRecord }
  | { readonly action: 'keep'; readonly record?: AuditRecord };

/** One family, or all of a subject. */
export type FamilyChoice = { readonly familyId: string } | { readonly subject: string };

export interface PurgeOptions {
  /** Families that expired before this moment go; milliseconds since the epoch. */
  readonly now: number;
  /** Families, or rows of the audit trail, per transaction. */
  readonly batchSize: number;
  /** Rows of the audit trail older than this moment go. */
  readonly auditBefore: number;
  /** Sealed successors of tokens that were used before this moment are dropped. */
  readonly sealedBefore: number;
}

export interface Purged {
  readonly families: number;
  readonly auditRecords: number;
}

/**
 * Where token families live. A store keeps rows and keeps them consistent; it decides nothing. Whatever it throws is
 * taken for a fault of the store, never for a refusal.
 */
export interface RefreshStore {
  /** Adds a family with its first token. */
  create(family: TokenFamily, token: StoredToken, record: AuditRecord): Promise<void>;
  /** The token with this hash, as it is now. Takes no lock. */
  find(hash: string): Promise<Presented | undefined>;
  /**
   * Reads the token again, with its family locked against every other `settle`, asks `decide`, and does what it says
   * in the same transaction. `decide` is synchronous and computes only. `now` is when the token was presented.
   */
  settle<V extends Verdict>(hash: string, now: number, decide: (presented: Presented | undefined) => V): Promise<V>;
  /** Ends families that are neither ended nor past `expiresAt` at `now`, by id or by subject, and returns them. */
  revoke(whose: FamilyChoice, now: number): Promise<Pick<TokenFamily, 'id' | 'subject'>[]>;
  /** Adds to the audit trail. */
  record(record: AuditRecord): Promise<void>;
  /** Reads the audit trail, newest first: by `at`, and by `id` where that is the same. */
  auditTrail(query: AuditQuery): Promise<AuditRecord[]>;
  purge(options: PurgeOptions): Promise<Purged>;
}
