/** Exchanges a refresh token: decides by the rules, acts by the store, in one transaction. */
import { randomUUID } from 'node:crypto';
import type { ResolvedOptions } from './options.js';
import type { Limits } from './limits.js';
import { AuthError } from './refusal.js';
import { judge, type Judgement } from './rotation.js';
import { hashOf, hasTokenShape, newToken, open, seal } from './secrets.js';
import type { Presented, RefreshStore, TokenFamily, Verdict } from './store.js';
import type { AccessTokenIssuer } from './tokens.js';
import { identify, recordOf, takePoint, type Visit } from './visit.js';

/** What the flows of an endpoint work with. */
export interface Parts {
  readonly options: ResolvedOptions;
  readonly store: RefreshStore;
  readonly issuer: AccessTokenIssuer;
  readonly limits: Limits;
}

export interface Issued {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Lifetime of the access token in whole seconds. */
  readonly expiresIn: number;
  /** How long the refresh token lives, in milliseconds. */
  readonly refreshLifetimeMs: number;
}

type Settled = Verdict & { readonly judgement: Judgement };

/** @throws {AuthError} with the code of the refusal */
export async function refresh(token: string, visit: Visit, parts: Parts): Promise<Issued> {
  const { options, store, limits } = parts;
  if (!hasTokenShape(token)) throw new AuthError('AUTH_TOKEN_INVALID');
  const hash = hashOf(token);
  const seen = (await store.find(hash)) ?? (await findLocked(store, hash, options.clock.now()));
  if (seen) identify(visit, seen.family);

  const early = judge(seen, options.clock.now(), options);
  // A thief who uses up the limit must not keep the owner from being noticed: there is one reuse in a family's life.
  if (seen && early.outcome !== 'reuse') await takePoint(limits, 'byFamily', seen.family.id);
  if (early.outcome === 'refuse') throw new AuthError(early.code);
  // Signed before anything is changed: a key that cannot sign must not use up a token.
  const { family } = early.presented;
  const access = early.outcome === 'reuse' ? undefined : await signAccess(family, parts);
  const successor = newToken();

  const settled = await store.settle(hash, options.clock.now(), (presented) => {
    const now = options.clock.now();
    const judgement = judge(presented, now, options);
    return { ...verdictOn(judgement, { now, token, successor, visit }), judgement } satisfies Settled;
  });
  const { judgement } = settled;
  if (judgement.outcome === 'reuse') throw new AuthError('AUTH_TOKEN_REUSED');
  if (judgement.outcome === 'refuse') throw new AuthError(judgement.code);
  // Between the two readings a token can only have been used or revoked, never become usable.
  if (!access) throw new AuthError('AUTH_UNAVAILABLE');
  const refreshToken =
    judgement.outcome === 'rotate' ? successor : open(judgement.sealedSuccessor, token, placeOf(judgement.presented));
  return { ...access, refreshToken, refreshLifetimeMs: family.expiresAt - options.clock.now() };
}

/** Reads may go to a replica that lags: a token is unknown only where it would be written. */
async function findLocked(store: RefreshStore, hash: string, now: number): Promise<Presented | undefined> {
  return (await store.settle(hash, now, (presented) => ({ action: 'keep', presented }) as const)).presented;
}

interface Circumstances {
  readonly now: number;
  readonly token: string;
  readonly successor: string;
  readonly visit: Visit;
}

function verdictOn(judgement: Judgement, { now, token, successor, visit }: Circumstances): Verdict {
  switch (judgement.outcome) {
    case 'rotate': {
      const child = { hash: hashOf(successor), expiresAt: judgement.childExpiresAt };
      const sealedSuccessor = seal(successor, token, placeOf(judgement.presented));
      return { action: 'rotate', now, child, sealedSuccessor, record: recordOf('refreshed', visit, now) };
    }
    case 'replay':
      return { action: 'keep', record: recordOf('grace', visit, now) };
    case 'reuse': {
      const record = recordOf('reused', visit, now, 'AUTH_TOKEN_REUSED');
      return { action: 'revoke', now, reason: 'reuse', record };
    }
    case 'refuse':
      return { action: 'keep' };
  }
}

const placeOf = ({ token }: Presented): string => `${token.familyId}/${token.generation}`;

/** An access token with the same user context as those before; it does not outlive the session. */
export async function signAccess(
  { id, subject, context, claims, expiresAt }: TokenFamily,
  { options, issuer }: Parts,
): Promise<Pick<Issued, 'accessToken' | 'expiresIn'>> {
  const issuedAt = options.clock.now();
  const lifeMs = Math.min(options.accessTokens.ttlMs, expiresAt - issuedAt);
  const expiresIn = Math.max(1, Math.floor(lifeMs / 1000));
  const about = { subject, context, claims, sessionId: id, id: randomUUID() };
  return { accessToken: await issuer.sign({ ...about, issuedAt, lifetime: expiresIn }), expiresIn };
}
