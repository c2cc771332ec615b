/** The tables, as Kysely sees them. Times are milliseconds since the epoch; drivers may hand 64-bit integers over as strings. */
import type { AuditEvent, AuditRecord } from '../audit.js';
import type { AuthErrorCode } from '../refusal.js';
import type { JsonObject, Presented, RevokeReason, StoredToken, TokenFamily } from '../store.js';

/** A 64-bit integer as a driver returns it. */
type Moment = number | string | bigint;

export interface FamilyRow {
  readonly id: string;
  readonly subject: string;
  readonly context: string;
  readonly claims: string;
  readonly created_at: Moment;
  readonly expires_at: Moment;
  readonly last_presented_at: Moment;
  readonly revoked_at: Moment | null;
  readonly revoke_reason: RevokeReason | null;
}

export interface TokenRow {
  readonly family_id: string;
  readonly generation: number;
  readonly token_hash: string;
  readonly issued_at: Moment;
  readonly expires_at: Moment;
  readonly used_at: Moment | null;
  readonly sealed_successor: string | null;
}

export interface AuditRow {
  readonly id: string;
  readonly at: Moment;
  readonly event: AuditEvent;
  readonly code: AuthErrorCode | null;
  readonly subject: string | null;
  readonly family_id: string | null;
  readonly request_id: string;
  readonly ip: string | null;
  readonly user_agent: string | null;
}

export interface Schema {
  refresh_families: FamilyRow;
  refresh_tokens: TokenRow;
  refresh_audit: AuditRow;
}

const optional = (moment: Moment | null): number | undefined => (moment === null ? undefined : Number(moment));

export function familyOf(row: FamilyRow, generation: number): TokenFamily {
  return {
    id: row.id,
    subject: row.subject,
    context: JSON.parse(row.context) as JsonObject,
    claims: JSON.parse(row.claims) as JsonObject,
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    generation,
    revokedAt: optional(row.revoked_at),
    revokeReason: row.revoke_reason ?? undefined,
  };
}

export function familyRow(family: TokenFamily): FamilyRow {
  return {
    id: family.id,
    subject: family.subject,
    context: JSON.stringify(family.context),
    claims: JSON.stringify(family.claims),
    created_at: family.createdAt,
    expires_at: family.expiresAt,
    last_presented_at: family.createdAt,
    revoked_at: family.revokedAt ?? null,
    revoke_reason: family.revokeReason ?? null,
  };
}

export function tokenOf(row: TokenRow): StoredToken {
  return {
    familyId: row.family_id,
    generation: row.generation,
    hash: row.token_hash,
    issuedAt: Number(row.issued_at),
    expiresAt: Number(row.expires_at),
    usedAt: optional(row.used_at),
    sealedSuccessor: row.sealed_successor ?? undefined,
  };
}

export function tokenRow(token: StoredToken): TokenRow {
  return {
    family_id: token.familyId,
    generation: token.generation,
    token_hash: token.hash,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
    used_at: token.usedAt ?? null,
    sealed_successor: token.sealedSuccessor ?? null,
  };
}

/** A token, and the generation of the newest one of its family. */
export type PlacedToken = TokenRow & { readonly newest: number | null };

export const presentedOf = (family: FamilyRow, token: PlacedToken): Presented => ({
  family: familyOf(family, Number(token.newest)),
  token: tokenOf(token),
});

export function auditRow(record: AuditRecord): AuditRow {
  return {
    id: record.id,
    at: record.at,
    event: record.event,
    code: record.code ?? null,
    subject: record.subject ?? null,
    family_id: record.familyId ?? null,
    request_id: record.requestId,
    ip: record.ip ?? null,
    user_agent: record.userAgent ?? null,
  };
}

export function auditOf(row: AuditRow): AuditRecord {
  return {
    id: row.id,
    at: Number(row.at),
    event: row.event,
    code: row.code ?? undefined,
    subject: row.subject ?? undefined,
    familyId: row.family_id ?? undefined,
    requestId: row.request_id,
    ip: row.ip ?? undefined,
    userAgent: row.user_agent ?? undefined,
  };
}
