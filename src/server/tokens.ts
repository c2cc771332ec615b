/** Access tokens: signed and verified JWTs. The only file that loads jose. */
import type * as JoseModule from 'jose';
import { codeOf, describe } from '../core/redact.js';
import { checked, clockWithNow, isObject, text, type Rules } from '../core/checks.js';
import { between, isSafeUrl } from './checks.js';
import { algorithms, publicKeys, type KeySet, type SigningKey } from './keys.js';
import { AuthError, type AuthErrorCode } from './refusal.js';
import type { JsonObject } from './store.js';

/** jose is an ES module only: loaded like this the CommonJS build works on every Node 20. */
const loadJose = (): Promise<Jose> => import('jose');

type Jose = typeof JoseModule;

const type = 'at+jwt';

/** What a verified access token says. */
export interface VerifiedAccessToken {
  readonly subject: string;
  /** The session that it belongs to: the id of the token family, as in the audit trail. */
  readonly sessionId: string;
  /** What `startSession` was given. */
  readonly context: JsonObject;
  /** When it expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** All claims, as signed. */
  readonly claims: JsonObject;
}

export interface AccessTokenVerifierOptions {
  /** Expected `iss`. */
  readonly issuer: string;
  /** Expected `aud`. */
  readonly audience: string;
  /** Where the issuer publishes its keys, its `jwks` handler, over `https:` or loopback. Or the keys themselves. */
  readonly keys: URL | KeySet;
  /** How far the issuer's clock may be off, in milliseconds, 0 to 300_000. @default 0 */
  readonly clockToleranceMs?: number;
  /** @default the system's clock */
  readonly clock?: { now(): number };
}

/** @throws {AuthError} `AUTH_TOKEN_EXPIRED`, `AUTH_TOKEN_INVALID`, or `AUTH_UNAVAILABLE` if the keys cannot be had */
export type VerifyAccessToken = (accessToken: string) => Promise<VerifiedAccessToken>;

export interface Signed {
  readonly subject: string;
  readonly sessionId: string;
  readonly context: JsonObject;
  readonly claims: JsonObject;
  /** The token's own id, `jti`. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  /** Whole seconds. */
  readonly lifetime: number;
}

export interface AccessTokenIssuer {
  sign(contents: Signed): Promise<string>;
  readonly verify: VerifyAccessToken;
  keySet(): KeySet;
}

export interface IssuerOptions {
  readonly issuer: string;
  readonly audience: string;
  /** The first one signs, all of them verify. Asked each time, so that keys may change. */
  readonly keys: () => readonly SigningKey[];
  readonly clock: { now(): number };
}

/** Claims that are set here: those of a session may not replace them. */
export const ownClaims: readonly string[] = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'context'];

/**
 * A new key pair as a private JWK; its `kid` is the thumbprint (RFC 7638).
 *
 * @param alg one of those of {@link SigningKey}. @default 'ES256'
 * @example
 * import { generateSigningKey } from 'axios-token-refresh/server';
 *
 * const key = await generateSigningKey();
 */
export async function generateSigningKey(alg = 'ES256'): Promise<SigningKey> {
  const jose = await loadJose();
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const jwk = await jose.exportJWK(privateKey);
  return { ...jwk, alg, kty: String(jwk.kty), kid: await jose.calculateJwkThumbprint(jwk) };
}

export function createAccessTokenIssuer({ issuer, audience, keys, clock }: IssuerOptions): AccessTokenIssuer {
  const imported = new WeakMap<SigningKey, Promise<Awaited<ReturnType<Jose['importJWK']>>>>();
  const verifiers = new WeakMap<readonly SigningKey[], VerifyAccessToken>();

  async function importKey(jose: Jose, key: SigningKey): ReturnType<Jose['importJWK']> {
    const known = imported.get(key) ?? jose.importJWK({ ...key });
    imported.set(key, known);
    return known;
  }

  function currentVerifier(): VerifyAccessToken {
    const current = currentKeys();
    const known =
      verifiers.get(current) ?? createAccessTokenVerifier({ issuer, audience, clock, keys: publicKeys(current) });
    verifiers.set(current, known);
    return known;
  }

  function currentKeys(): readonly SigningKey[] {
    try {
      return keys();
    } catch (error) {
      throw new AuthError('AUTH_UNAVAILABLE', { cause: describe(error) });
    }
  }

  return {
    async sign({ subject, sessionId, context, claims, id, issuedAt, lifetime }) {
      const jose = await loadJose();
      const [key] = currentKeys();
      if (!key) throw new AuthError('AUTH_UNAVAILABLE');
      return (
        new jose.SignJWT({ ...claims, context, sid: sessionId })
          .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: type })
          .setIssuer(issuer)
          .setAudience(audience)
          .setSubject(subject)
          .setJti(id)
          .setIssuedAt(Math.floor(issuedAt / 1000))
          // Whole seconds, rounded so that the token lives as long as its answer says.
          .setExpirationTime(Math.ceil(issuedAt / 1000) + lifetime)
          .sign(await importKey(jose, key))
      );
    },
    verify: async (accessToken) => currentVerifier()(accessToken),
    keySet: () => publicKeys(keys()),
  };
}

/**
 * Verifies access tokens in another service than the one that issues them. Keys are fetched when a token needs one,
 * kept, and fetched again for an unknown `kid`: a rotation of keys needs no restart.
 *
 * @throws {TypeError} naming an option that is unknown, missing or does not fit
 * @example
 * import { createAccessTokenVerifier } from 'axios-token-refresh/server';
 *
 * const verifyAccessToken = createAccessTokenVerifier({
 *   issuer: 'https://auth.example.com',
 *   audience: 'https://api.example.com',
 *   keys: new URL('https://auth.example.com/jwks.json'),
 * });
 */
export function createAccessTokenVerifier(given: AccessTokenVerifierOptions): VerifyAccessToken {
  // An expectation that is missing would not be checked at all.
  const options = checked<AccessTokenVerifierOptions>(given, verifierRules, {
    required: ['issuer', 'audience', 'keys'],
  });
  const { issuer, audience, keys, clockToleranceMs = 0, clock = Date } = options;
  let source: JoseModule.JWTVerifyGetKey | undefined;

  return async (accessToken) => {
    const jose = await loadJose();
    source ??= keys instanceof URL ? jose.createRemoteJWKSet(keys) : jose.createLocalJWKSet(copyOf(keys));
    try {
      const { payload } = await jose.jwtVerify(accessToken, source, {
        issuer,
        audience,
        algorithms: [...algorithms],
        typ: type,
        requiredClaims: ['sub', 'sid', 'exp'],
        clockTolerance: clockToleranceMs / 1000,
        currentDate: new Date(clock.now()),
      });
      return {
        subject: String(payload.sub),
        sessionId: String(payload['sid']),
        context: (payload['context'] ?? {}) as JsonObject,
        expiresAt: Number(payload.exp) * 1000,
        claims: payload,
      };
    } catch (error) {
      throw new AuthError(codes[codeOf(error) ?? ''] ?? 'AUTH_UNAVAILABLE', { cause: describe(error, [accessToken]) });
    }
  };
}

const verifierRules: Rules<AccessTokenVerifierOptions> = {
  issuer: text,
  audience: text,
  keys: [
    'an https: URL, or { keys }',
    (value) => (value instanceof URL ? isSafeUrl(value.href) : isObject(value) && Array.isArray(value['keys'])),
  ],
  clockToleranceMs: between(0, 300_000),
  clock: clockWithNow,
};

/** jose's words for a token that is no good. Whatever else it throws is a fault of the keys' source. */
const codes: Readonly<Record<string, AuthErrorCode>> = {
  ERR_JWT_EXPIRED: 'AUTH_TOKEN_EXPIRED',
  ERR_JWT_CLAIM_VALIDATION_FAILED: 'AUTH_TOKEN_INVALID',
  ERR_JWT_INVALID: 'AUTH_TOKEN_INVALID',
  ERR_JWS_INVALID: 'AUTH_TOKEN_INVALID',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'AUTH_TOKEN_INVALID',
  ERR_JOSE_ALG_NOT_ALLOWED: 'AUTH_TOKEN_INVALID',
  ERR_JOSE_NOT_SUPPORTED: 'AUTH_TOKEN_INVALID',
  ERR_JWKS_NO_MATCHING_KEY: 'AUTH_TOKEN_INVALID',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'AUTH_TOKEN_INVALID',
};

const copyOf = ({ keys }: KeySet): { keys: Record<string, unknown>[] & { kty: string }[] } => ({
  keys: keys.map((key) => ({ ...key })),
});
