/** One request on its way through a handler: who sent it, what became known of it, and how it is answered. */
import { randomBytes } from 'node:crypto';
import type { AuditEvent, AuditRecord } from './audit.js';
import { callerOf, limitKeyOf, requestIdFrom, trustedProxiesOf, type Caller, type Connection } from './caller.js';
import { checkMethod } from './body.js';
import type { LimitName, Limits } from './limits.js';
import { AuthError, refuse, type AuthErrorCode } from './refusal.js';
import type { TokenFamily } from './store.js';

/** A web-standard handler. It never rejects. */
export type Handler = (request: Request, connection?: Connection) => Promise<Response>;

export interface Visit extends Caller {
  /** Whose token was presented, and the session that it belongs to, once they are known. */
  subject?: string | undefined;
  familyId?: string | undefined;
}

/** What the handlers of an endpoint or a proxy share. */
export interface Desk {
  readonly limits: Limits;
  /** Where audit records go. Never rejects. */
  readonly write: (record: AuditRecord) => Promise<void>;
  readonly fault: (error: unknown) => void;
  readonly now: () => number;
}

export function identify(visit: Visit, { id, subject }: Pick<TokenFamily, 'id' | 'subject'>): void {
  visit.familyId = id;
  visit.subject = subject;
}

/** Rises with the time since the machine has started: clocks of a millisecond cannot tell what came first. */
function newRecordId(): string {
  const since = process.hrtime.bigint().toString(16).padStart(16, '0');
  return `${since}-${randomBytes(8).toString('hex')}`;
}

export function recordOf(event: AuditEvent, visit: Visit, at: number, code?: AuthErrorCode): AuditRecord {
  const { requestId, ip, userAgent, subject, familyId } = visit;
  return { id: newRecordId(), at, event, code, subject, familyId, requestId, ip, userAgent };
}

/** A 429 that was told of before in this minute. */
class RepeatedLimit extends AuthError {}

/** A 429 of somebody behind this server: no limit of ours was reached. */
export class UpstreamLimit extends AuthError {}

/** @throws {AuthError} `AUTH_RATE_LIMITED` */
export async function takePoint(limits: Limits, name: LimitName, key: string): Promise<void> {
  const exceeded = await limits.take(name, key);
  if (!exceeded) return;
  const { retryAfterMs, isNews } = exceeded;
  throw new (isNews ? AuthError : RepeatedLimit)('AUTH_RATE_LIMITED', { retryAfterMs });
}

export interface HandlerOptions {
  readonly method: 'GET' | 'POST';
  readonly trustedProxies: readonly string[];
  /** Anyone may have the answer: it is neither limited nor recorded. @default false */
  readonly isPublic?: boolean;
}

/** Wraps `work` with what comes before it, the id and the address, and what comes after it, the audit and the refusal. */
export function createHandler(
  desk: Desk,
  { method, trustedProxies, isPublic = false }: HandlerOptions,
  work: (request: Request, visit: Visit) => Promise<Response>,
): Handler {
  const trusted = trustedProxiesOf(trustedProxies);

  return async (request, connection = {}) => {
    const visit: Visit = {
      requestId: requestIdFrom(request.headers.get('x-request-id')),
      ip: undefined,
      userAgent: undefined,
    };
    try {
      Object.assign(visit, callerOf(request, connection, trusted));
      if (!isPublic && visit.ip !== undefined) await takePoint(desk.limits, 'byIp', limitKeyOf(visit.ip));
      checkMethod(request, method);
      return await work(request, visit);
    } catch (error) {
      const refusal = refusalOf(error, desk.fault);
      const event = isPublic ? undefined : eventOf(refusal);
      const written = event && desk.write(recordOf(event, visit, desk.now(), refusal.code));
      // A store that has just failed is not waited for once more.
      if (event !== 'failed') await written;
      return refuse(refusal, visit.requestId);
    }
  };
}

/** Whatever is not our own refusal is a fault, and must never look like one: the client would end the session. */
export function refusalOf(error: unknown, fault: (error: unknown) => void): AuthError {
  if (error instanceof AuthError) {
    if (error.status >= 500) fault(error.cause ?? error);
    return error;
  }
  fault(error);
  return new AuthError('AUTH_UNAVAILABLE');
}

function eventOf(error: AuthError): AuditEvent | undefined {
  // Recorded with the revocation itself; told already.
  if (error.code === 'AUTH_TOKEN_REUSED' || error instanceof RepeatedLimit) return undefined;
  if (error instanceof UpstreamLimit || error.status >= 500) return 'failed';
  return error.code === 'AUTH_RATE_LIMITED' ? 'limited' : 'refused';
}
