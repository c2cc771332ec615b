/** A store for tests, demos and single small processes: a restart ends every session. */
import type { AuditQuery, AuditRecord } from './audit.js';
import type { Presented, RefreshStore, StoredToken, TokenFamily, Verdict } from './store.js';

interface Branch {
  family: TokenFamily;
  readonly tokens: Map<number, StoredToken>;
}

/**
 * Keeps token families and the audit trail in memory. Nothing is atomic by lock here: no step of it waits.
 *
 * @example
 * import { memoryRefreshStore } from 'axios-token-refresh/server';
 *
 * const store = memoryRefreshStore();
 */
export function memoryRefreshStore(): RefreshStore {
  const branches = new Map<string, Branch>();
  const places = new Map<string, StoredToken>();
  let trail: AuditRecord[] = [];

  const put = (branch: Branch, token: StoredToken): void => {
    branch.tokens.set(token.generation, token);
    places.set(token.hash, token);
  };

  function present(hash: string): (Presented & { readonly branch: Branch }) | undefined {
    const known = places.get(hash);
    const branch = known && branches.get(known.familyId);
    return known && branch && { family: branch.family, token: known, branch };
  }

  function act(verdict: Verdict, { branch, token }: { branch: Branch; token: StoredToken }): void {
    if (verdict.action === 'revoke') {
      branch.family = { ...branch.family, revokedAt: verdict.now, revokeReason: verdict.reason };
    } else if (verdict.action === 'rotate') {
      const { now, child, sealedSuccessor } = verdict;
      const generation = token.generation + 1;
      const parent = branch.tokens.get(token.generation - 1);
      if (parent) put(branch, { ...parent, sealedSuccessor: undefined });
      put(branch, { ...token, usedAt: now, sealedSuccessor });
      const blank = { usedAt: undefined, sealedSuccessor: undefined };
      put(branch, { ...child, ...blank, familyId: token.familyId, generation, issuedAt: now });
      branch.family = { ...branch.family, generation };
    }
  }

  return {
    create(family, token, record) {
      const branch: Branch = { family, tokens: new Map() };
      branches.set(family.id, branch);
      put(branch, token);
      trail.push(record);
      return Promise.resolve();
    },

    find(hash) {
      const found = present(hash);
      return Promise.resolve(found && { family: found.family, token: found.token });
    },

    settle: (hash, _now, decide) =>
      Promise.resolve().then(() => {
        const found = present(hash);
        const verdict = decide(found && { family: found.family, token: found.token });
        if (found) act(verdict, found);
        if (verdict.record) trail.push(verdict.record);
        return verdict;
      }),

    revoke(whose, now) {
      const ended: Pick<TokenFamily, 'id' | 'subject'>[] = [];
      for (const branch of branches.values()) {
        const { id, subject, revokedAt, expiresAt } = branch.family;
        const isMeant = 'familyId' in whose ? id === whose.familyId : subject === whose.subject;
        if (!isMeant || revokedAt !== undefined || expiresAt <= now) continue;
        branch.family = { ...branch.family, revokedAt: now, revokeReason: 'revoked' };
        ended.push({ id, subject });
      }
      return Promise.resolve(ended);
    },

    record(record) {
      trail.push(record);
      return Promise.resolve();
    },

    auditTrail(query) {
      const meant = trail
        .filter((record) => matches(record, query))
        .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
      return Promise.resolve(meant.slice(0, query.limit ?? 100));
    },

    purge({ now, auditBefore, sealedBefore }) {
      let families = 0;
      for (const [id, { family, tokens }] of branches) {
        const isDead = family.expiresAt <= now;
        for (const token of tokens.values()) {
          if (isDead) places.delete(token.hash);
          else if (token.usedAt !== undefined && token.usedAt < sealedBefore)
            put({ family, tokens }, { ...token, sealedSuccessor: undefined });
        }
        if (isDead) families += branches.delete(id) ? 1 : 0;
      }
      const before = trail.length;
      trail = trail.filter(({ at }) => at >= auditBefore);
      return Promise.resolve({ families, auditRecords: before - trail.length });
    },
  };
}

function matches(record: AuditRecord, { subject, familyId, since = -Infinity, until = Infinity }: AuditQuery): boolean {
  return (
    (subject === undefined || record.subject === subject) &&
    (familyId === undefined || record.familyId === familyId) &&
    record.at >= since &&
    record.at < until
  );
}
