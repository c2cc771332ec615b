/** The rules of rotation (RFC 9700, section 4.14.2; RFC 10017, section 6.3.2.3): pure. */
import type { Presented, TokenFamily } from './store.js';

/** Longest grace, in milliseconds: after it no successor is asked for again. */
export const longestGraceMs = 60_000;

export interface RotationPolicy {
  /** Longest time between two uses. Without it the family's end is the only limit. */
  readonly idleTtlMs?: number;
  /** How long a used token still gets its own successor. */
  readonly graceMs: number;
}

export type Judgement =
  /** First use: a child is due, which expires at `childExpiresAt`. */
  | { readonly outcome: 'rotate'; readonly presented: Presented; readonly childExpiresAt: number }
  /** Used a moment ago, and its child not yet: the answer may have been lost. The same child again. */
  | { readonly outcome: 'replay'; readonly presented: Presented; readonly sealedSuccessor: string }
  /** Used before, and not by mishap: two parties hold it. */
  | { readonly outcome: 'reuse'; readonly presented: Presented }
  | {
      readonly outcome: 'refuse';
      readonly presented: Presented | undefined;
      readonly code: 'AUTH_TOKEN_INVALID' | 'AUTH_TOKEN_EXPIRED';
    };

export function judge(presented: Presented | undefined, now: number, policy: RotationPolicy): Judgement {
  if (!presented) return { outcome: 'refuse', presented, code: 'AUTH_TOKEN_INVALID' };
  const { family, token } = presented;
  if (family.revokedAt !== undefined) return { outcome: 'refuse', presented, code: 'AUTH_TOKEN_INVALID' };
  if (now >= family.expiresAt) return { outcome: 'refuse', presented, code: 'AUTH_TOKEN_EXPIRED' };
  if (token.usedAt !== undefined) return judgeUsed(presented, token.usedAt, now, policy);
  // After the question of reuse: an old token tells of a theft even when it is too old to be used.
  if (now >= token.expiresAt) return { outcome: 'refuse', presented, code: 'AUTH_TOKEN_EXPIRED' };
  return { outcome: 'rotate', presented, childExpiresAt: expiryOf(family, now, policy) };
}

/** When a token that is issued now expires. */
export const expiryOf = ({ expiresAt }: TokenFamily, now: number, { idleTtlMs = Infinity }: RotationPolicy): number =>
  Math.min(now + idleTtlMs, expiresAt);

/** Grace is for the parent of the newest token alone: a window of time by itself would let older generations in. */
function judgeUsed(presented: Presented, usedAt: number, now: number, { graceMs }: RotationPolicy): Judgement {
  const { family, token } = presented;
  const isParentOfNewest = token.generation === family.generation - 1;
  const { sealedSuccessor } = token;
  if (isParentOfNewest && sealedSuccessor !== undefined && now - usedAt < graceMs)
    return { outcome: 'replay', presented, sealedSuccessor };
  return { outcome: 'reuse', presented };
}
