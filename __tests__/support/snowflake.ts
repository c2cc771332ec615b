/**
 * An account host and an ingest host on loopback that behave as the documentation of Snowpipe Streaming and the clients
 * in the field say. They are no Snowflake: what they do not know, no test can show.
 */
import { createPublicKey, createVerify, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { fingerprintOf, keyPairJwt } from '../../examples/grants/key-pair-jwt.js';
import { jwt as unsignedJwt } from './jwt.js';
import { startServer, type Answer, type ScriptedAnswer, type ScriptedServer, type SeenRequest } from './server.js';

/** The forms in which deployments have been seen to answer, or the reference says that they do. */
export type TokenBody = 'text' | 'json string' | 'token' | 'access_token';
export type HostnameBody = 'text' | 'json string' | 'hostname';

export interface SnowflakeOptions {
  /** @default 'text' */
  readonly tokenBody?: TokenBody;
  /** @default 'hostname' */
  readonly hostnameBody?: HostnameBody;
  /** Whether a scoped token is a JWT with an `exp`. @default false */
  readonly jwtTokens?: boolean;
  /** Lifetime of a scoped token, in seconds. @default 3600 */
  readonly ttlSeconds?: number;
  /** Account identifier. @default 'my_org' */
  readonly account?: string;
  /** Name of the ingest host, to which its port is added. @default '127.0.0.1' */
  readonly ingestName?: string;
  /** The servers' own time. @default Date.now */
  readonly now?: () => number;
}

export interface Snowflake {
  /** The account: discovery and exchange. */
  readonly account: ScriptedServer;
  readonly ingest: ScriptedServer;
  /** Name and port of the ingest host, as the account tells it. */
  ingestHost: string;
  /** Lifetime of the tokens that are issued from now on, in seconds. */
  ttlSeconds: number;
  readonly counts: { discoveries: number; exchanges: number; issued: number; rows: number; unauthorized: number };
  /** Replaces the next answers to exchanges, one each. */
  readonly nextExchanges: Answer[];
  readonly nextDiscoveries: Answer[];
  /** A JWT of the account's user, signed with the registered key. */
  jwt(now?: number, lifetimeSeconds?: number): string;
  /** All scoped tokens so far are refused from now on. */
  revokeAll(): void;
  close(): Promise<void>;
}

interface Issued {
  readonly host: string;
  readonly role: string | undefined;
  readonly expiresAt: number;
}

const keyPairs: Record<'registered' | 'other', KeyObject> = {
  registered: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  other: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
};

/** A key that no user has registered. */
export const unregisteredKey = keyPairs.other;

export async function startSnowflake(options: SnowflakeOptions = {}): Promise<Snowflake> {
  const { account = 'my_org', ingestName = '127.0.0.1', jwtTokens = false } = options;
  const now = options.now ?? Date.now;
  const tokens = new Map<string, Issued>();
  const user = { account, user: 'ingester', privateKey: keyPairs.registered };

  /** What is wrong with a JWT, in Snowflake's codes. */
  function faultIn(jwt: string | undefined): [code: string, message: string] | undefined {
    const [header = '', payload = '', signature = ''] = (jwt ?? '').split('.');
    if (signature === '') return ['390144', 'JWT token is invalid.'];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
      iss?: string;
      iat?: number;
      exp?: number;
    };
    const { iss = '', iat, exp } = claims;
    if (iat === undefined || exp === undefined) return ['394301', 'JWT_TOKEN_MISSING_ISSUE_OR_EXPIRATION_TIME'];
    if (Math.abs(now() / 1_000 - iat) > 60) return ['394302', 'JWT_TOKEN_INVALID_ISSUE_TIME'];
    if (exp <= now() / 1_000) return ['394303', 'JWT_TOKEN_INVALID_EXPIRATION_TIME'];
    if (!iss.endsWith(fingerprintOf(keyPairs.registered)))
      return ['394304', 'JWT_TOKEN_INVALID_PUBLIC_KEY_FINGERPRINT_MISMATCH'];
    const isGenuine = createVerify('RSA-SHA256')
      .update(`${header}.${payload}`)
      .verify(createPublicKey(keyPairs.registered), signature, 'base64url');
    return isGenuine ? undefined : ['390144', 'JWT token is invalid.'];
  }

  const dated = (answer: ScriptedAnswer): ScriptedAnswer => ({
    ...answer,
    headers: { Date: new Date(now()).toUTCString(), ...answer.headers },
  });
  const refused = (status: number, code: string, message: string): ScriptedAnswer =>
    dated({ status, body: { code, message: `${message} [${randomUUID()}]` } });

  function discover(): ScriptedAnswer {
    const forms: Record<HostnameBody, ScriptedAnswer> = {
      text: { body: snowflake.ingestHost },
      'json string': { body: JSON.stringify(snowflake.ingestHost), headers: { 'Content-Type': 'application/json' } },
      hostname: { body: { hostname: snowflake.ingestHost } },
    };
    return dated(forms[options.hostnameBody ?? 'hostname']);
  }

  function exchange({ body, headers }: SeenRequest): ScriptedAnswer {
    const form = new URLSearchParams(body.toString());
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer' || form.has('assertion'))
      return refused(400, 'invalid_request', 'The JWT belongs into the Authorization header.');
    const [host = '', role] = (form.get('scope') ?? '').split(' ');
    if (host !== snowflake.ingestHost.toLowerCase().replaceAll('_', '-'))
      return refused(400, 'invalid_scope', 'Unknown ingest host.');
    if (role !== undefined && role !== `session:role:${String(headers['x-snowflake-role'])}`)
      return refused(403, '390189', 'The role is not granted.');
    const { ttlSeconds } = snowflake;
    const expiresAt = now() + ttlSeconds * 1_000;
    const seconds = Math.floor(now() / 1_000);
    const token = jwtTokens
      ? unsignedJwt({ iat: seconds, exp: seconds + ttlSeconds, sub: 'INGESTER' })
      : `ver:1-hint:${randomUUID()}`;
    tokens.set(token, { host, role, expiresAt });
    snowflake.counts.issued += 1;
    const forms: Record<TokenBody, ScriptedAnswer> = {
      // Bare text is said to come as JSON all the same.
      text: { body: token, headers: { 'Content-Type': 'application/json' } },
      'json string': { body: JSON.stringify(token), headers: { 'Content-Type': 'application/json' } },
      token: { body: { token } },
      access_token: { body: { access_token: token, token_type: 'Bearer', expires_in: ttlSeconds } },
    };
    return dated(forms[options.tokenBody ?? 'text']);
  }

  const accountServer = await startServer(async (request) => {
    const isExchange = request.url === '/oauth/token' && request.method === 'POST';
    if (!isExchange && request.url !== '/v2/streaming/hostname') return { status: 404 };
    snowflake.counts[isExchange ? 'exchanges' : 'discoveries'] += 1;
    const next = (isExchange ? snowflake.nextExchanges : snowflake.nextDiscoveries).shift();
    if (next) return next;
    const fault = faultIn(request.token);
    if (fault) return refused(401, ...fault);
    return isExchange ? exchange(request) : discover();
  });
  const ingestServer = await startServer(({ token = '', headers }) => {
    const issued = tokens.get(token);
    if (!issued || issued.expiresAt <= now() || issued.host !== headers.host) {
      snowflake.counts.unauthorized += 1;
      return dated({ status: 401, body: { code: '390303', message: 'Invalid OAuth access token.' } });
    }
    snowflake.counts.rows += 1;
    return dated({ body: { next_continuation_token: String(snowflake.counts.rows), role: issued.role } });
  });

  const snowflake: Snowflake = {
    account: accountServer,
    ingest: ingestServer,
    ingestHost: `${ingestName}:${ingestServer.port}`,
    ttlSeconds: options.ttlSeconds ?? 3_600,
    counts: { discoveries: 0, exchanges: 0, issued: 0, rows: 0, unauthorized: 0 },
    nextExchanges: [],
    nextDiscoveries: [],
    jwt: (at = now(), lifetimeSeconds = 60) => keyPairJwt(user, at, lifetimeSeconds),
    revokeAll: () => tokens.clear(),
    async close() {
      await Promise.all([accountServer.close(), ingestServer.close()]);
    },
  };
  return snowflake;
}
