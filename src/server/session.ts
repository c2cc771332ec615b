/** The beginning and the end of a session. */
import { randomUUID } from 'node:crypto';
import { checked, isObject, type Rule, type Rules } from '../core/checks.js';
import type { Caller } from './caller.js';
import { object, subject } from './checks.js';
import { signAccess, type Issued, type Parts } from './refresh.js';
import { expiryOf } from './rotation.js';
import { hashOf, hasTokenShape, newToken } from './secrets.js';
import type { JsonObject, TokenFamily } from './store.js';
import { ownClaims } from './tokens.js';
import { identify, recordOf, type Visit } from './visit.js';

export interface SessionStart {
  /** Whose session it is: claim `sub`. 1 to 255 characters, without control characters. */
  readonly subject: string;
  /**
   * Who the user is to your API: repeated in every access token of the session, as claim `context`. With `claims` at most
   * 4,096 bytes of JSON. @default {}
   */
  readonly context?: JsonObject;
  /** Further claims of every access token of the session, such as `scope`; none that the endpoint sets itself. @default {} */
  readonly claims?: JsonObject;
}

/** What `startSession` is given: the session, and who asked for it. */
export interface StartSession extends SessionStart {
  /** Where the sign-in came from, for the audit trail. @default unknown */
  readonly caller?: Partial<Caller>;
}

/** Longest context and claims together, in bytes of JSON: they travel in a header with every request. */
const longestContents = 4_096;

export async function start(input: SessionStart, visit: Visit, parts: Parts): Promise<Issued & { sessionId: string }> {
  const { options, store } = parts;
  const { subject, context = {}, claims = {} } = input;
  const now = options.clock.now();
  const family: TokenFamily = {
    id: randomUUID(),
    subject,
    context: copyOf(context),
    claims: copyOf(claims),
    createdAt: now,
    expiresAt: now + options.sessionTtlMs,
    generation: 1,
    revokedAt: undefined,
    revokeReason: undefined,
  };
  identify(visit, family);
  const access = await signAccess(family, parts);
  const refreshToken = newToken();
  const token = {
    familyId: family.id,
    generation: 1,
    hash: hashOf(refreshToken),
    issuedAt: now,
    expiresAt: expiryOf(family, now, options),
    usedAt: undefined,
    sealedSuccessor: undefined,
  };
  const record = recordOf('issued', visit, now);
  await store.create(family, token, record);
  return { ...access, refreshToken, refreshLifetimeMs: options.sessionTtlMs, sessionId: family.id };
}

/** Ends the session of a token, whatever generation it is of. A token that is unknown has no session to end (RFC 7009, section 2.2). */
export async function end(token: string, visit: Visit, { options, store }: Parts): Promise<void> {
  if (!hasTokenShape(token)) return;
  await store.settle(hashOf(token), options.clock.now(), (presented) => {
    if (!presented || presented.family.revokedAt !== undefined) return { action: 'keep' };
    identify(visit, presented.family);
    const now = options.clock.now();
    return { action: 'revoke', now, reason: 'sign-out', record: recordOf('signed-out', visit, now) };
  });
}

/** As every store keeps it: what JSON has no word for is gone, and later changes of the original count for nothing. */
const copyOf = (contents: JsonObject): JsonObject => JSON.parse(JSON.stringify(contents)) as JsonObject;

const rules: Rules<StartSession> = {
  subject,
  context: ['a JSON object', isObject],
  claims: ['a JSON object', isObject],
  caller: object,
};
const string: Rule = ['a string', (value) => typeof value === 'string'];
const callerRules: Rules<Caller> = {
  // Frameworks have ids of their own: one that is no plain word is replaced.
  requestId: ['anything', () => true],
  ip: string,
  userAgent: string,
};

/** @throws {TypeError} naming what does not fit */
export function sessionChecked(given: StartSession): StartSession {
  const session = checked<StartSession>(given, rules, { required: ['subject'], of: 'startSession' });
  const { context, claims, caller } = session;
  if (caller) checked<Partial<Caller>>(caller, callerRules, { path: 'caller', of: 'startSession' });
  const taken = Object.keys(claims ?? {}).find((name) => ownClaims.includes(name));
  if (taken !== undefined) throw new TypeError(`startSession: the claim "${taken}" is set by the endpoint itself.`);
  if (Buffer.byteLength(JSON.stringify([context, claims])) > longestContents)
    throw new TypeError(`startSession: "context" and "claims" have more than ${longestContents} bytes of JSON.`);
  return session;
}
