/** What the visitor of the demo does to the server. */
import type { RequestHandler } from 'express';
import type { AuthenticatedRequest } from 'axios-token-refresh/server';

/** How a part of the server behaves. */
export type Behaviour = 'works' | 'slow' | 'fails';
/** The refresh endpoint, or the protected API. */
export type Part = 'auth' | 'api';

export interface Troubles {
  /** What is set now, for a page that has just been opened. */
  readonly behaviour: Readonly<Record<Part, Behaviour>>;
  set(part: Part, behaviour: Behaviour): void;
  /** Refuses one access token before its time. */
  revokeToken(id: string): void;
  /** Slows down or fails what comes to this part. */
  befall(part: Part): RequestHandler;
  /** Refuses revoked tokens; comes after the check of the token itself. */
  refuseRevoked(): (request: AuthenticatedRequest, response: Parameters<RequestHandler>[1], next: () => void) => void;
}

export const parts: readonly Part[] = ['auth', 'api'];
export const behaviours: readonly Behaviour[] = ['works', 'slow', 'fails'];
const slowMs = 3_000;

export function createTroubles(): Troubles {
  const behaviour: Record<Part, Behaviour> = { auth: 'works', api: 'works' };
  const revoked = new Set<string>();
  return {
    behaviour,
    set(part, next) {
      behaviour[part] = next;
    },
    revokeToken: (id) => revoked.add(id),
    befall: (part) => (_request, response, next) => {
      const now = behaviour[part];
      if (now === 'fails') response.status(503).json({ error: 'unavailable' });
      else if (now === 'slow') setTimeout(() => next(), slowMs);
      else next();
    },
    refuseRevoked: () => (request, response, next) => {
      if (revoked.has(String(request.auth?.claims['jti']))) {
        response.status(401).set('WWW-Authenticate', 'Bearer error="invalid_token"').json({ error: 'revoked' });
      } else next();
    },
  };
}
