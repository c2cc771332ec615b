/** Access tokens: signed by the first key, verified by all, published without their secrets. */
import { createServer, IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { Socket, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import {
  AuthError,
  createAccessTokenVerifier,
  createRefreshEndpoint,
  generateSigningKey,
  memoryRefreshStore,
  requireAccessToken,
  toNodeHandler,
  type AuthenticatedRequest,
  type KeySet,
  type SigningKey,
  type VerifyAccessToken,
} from '../../src/server/index.js';
import { minute, read, second, signingKey, stage } from './support/stage.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const asked = { issuer: 'https://auth.test', audience: 'https://api.test' };
const codeOf = async (token: string, verify: VerifyAccessToken): Promise<unknown> =>
  verify(token).then(
    () => 'accepted',
    (error: unknown) => (error as { code: unknown }).code,
  );

describe('an access token', () => {
  test('lives fifteen minutes, and names its key and its type', async () => {
    const on = await stage();
    const { accessToken } = await on.signIn();
    expect(decodeProtectedHeader(accessToken)).toEqual({ alg: 'ES256', kid: on.key.kid, typ: 'at+jwt' });
    const { expiresAt, claims } = await on.endpoint.verifyAccessToken(accessToken);
    expect(expiresAt - on.clock.now()).toBe(15 * minute);
    expect(claims).toMatchObject({ iss: asked.issuer, aud: asked.audience, sub: 'ada' });
    on.clock.advance(15 * minute - 1);
    expect(await codeOf(accessToken, on.endpoint.verifyAccessToken)).toBe('accepted');
    on.clock.advance(1);
    expect(await codeOf(accessToken, on.endpoint.verifyAccessToken)).toBe('AUTH_TOKEN_EXPIRED');
  });

  test('lives at least as long as the answer says, in the middle of a second too', async () => {
    const on = await stage({ accessTokens: { ...asked, keys: [await generateSigningKey()], ttlMs: second } });
    on.clock.advance(999);
    const { body } = await on.refresh((await on.signIn()).refreshToken);
    expect(body.expiresIn).toBe(1);
    on.clock.advance(999);
    expect(await codeOf(body.accessToken ?? '', on.endpoint.verifyAccessToken)).toBe('accepted');
  });

  test('that someone else made is invalid, whatever it claims', async () => {
    const on = await stage();
    const verify = on.endpoint.verifyAccessToken;
    const { accessToken, refreshToken } = await on.signIn();
    const [header = '', payload = '', signature = ''] = accessToken.split('.');
    const forged = await generateKeyPair('ES256', { extractable: true });
    const claims = { sid: 's', context: {} };
    const made = (typ: string, key: CryptoKey, issuer = asked.issuer, audience = asked.audience): Promise<string> =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: on.key.kid, typ })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject('ada')
        .setExpirationTime(Math.floor(on.clock.now() / 1000) + 60)
        .sign(key);
    const { importJWK } = await import('jose');
    const own = (await importJWK({ ...on.key })) as CryptoKey;
    const secret = Buffer.from(JSON.stringify(await exportJWK(forged.publicKey)));
    const hmac = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: on.key.kid, typ: 'at+jwt' });
    const attempts: Record<string, string> = {
      'another key': await made('at+jwt', forged.privateKey),
      'another type': await made('JWT', own),
      'another issuer': await made('at+jwt', own, 'https://evil.test'),
      'another audience': await made('at+jwt', own, asked.issuer, 'https://other.test'),
      'no signature': new UnsecuredJWT(claims).setSubject('ada').encode(),
      'a secret made of a public key': await hmac.setSubject('ada').sign(secret),
      'another payload': [header, Buffer.from('{"sub":"root"}').toString('base64url'), signature].join('.'),
      'no signature part': `${header}.${payload}.`,
      'a refresh token': refreshToken,
      nothing: '',
      dots: '...',
    };
    const codes = await Promise.all(
      Object.entries(attempts).map(async ([name, token]) => [name, await codeOf(token, verify)]),
    );
    expect(codes).toEqual(Object.keys(attempts).map((name) => [name, 'AUTH_TOKEN_INVALID']));
    expect(await codeOf(await made('at+jwt', own), verify)).toBe('accepted');
  });
});

describe('keys', () => {
  test('rotate without a refused token: add, publish, sign with it, drop the old one', async () => {
    const [old, next] = [await generateSigningKey(), await generateSigningKey('EdDSA')];
    let keys: readonly SigningKey[] = [old];
    const on = await stage({ accessTokens: { ...asked, keys: () => keys } });
    const published = async (): Promise<unknown[]> => {
      const answer = await on.endpoint.jwks(new Request('http://localhost/jwks.json'));
      expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
      return ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    };
    const first = (await on.signIn()).accessToken;
    keys = [old, next];
    expect(await published()).toStrictEqual([old.kid, next.kid]);
    keys = [next, old];
    const second = (await on.signIn()).accessToken;
    expect(decodeProtectedHeader(second)).toMatchObject({ kid: next.kid, alg: 'EdDSA' });
    for (const token of [first, second]) expect(await codeOf(token, on.endpoint.verifyAccessToken)).toBe('accepted');
    keys = [next];
    expect(await codeOf(first, on.endpoint.verifyAccessToken)).toBe('AUTH_TOKEN_INVALID');
    expect(await codeOf(second, on.endpoint.verifyAccessToken)).toBe('accepted');
  });

  test('that stay the same are read once, however many tokens are verified', async () => {
    const { x, ...rest } = await generateSigningKey();
    let reads = 0;
    const key: SigningKey = Object.defineProperty(rest, 'x', {
      enumerable: true,
      get: () => (reads++, x),
    });
    const on = await stage({ accessTokens: { ...asked, keys: [key] } });
    const { accessToken } = await on.signIn();
    expect(await codeOf(accessToken, on.endpoint.verifyAccessToken)).toBe('accepted');
    const before = reads;
    for (let time = 0; time < 3; time += 1)
      expect(await codeOf(accessToken, on.endpoint.verifyAccessToken)).toBe('accepted');
    expect(reads).toBe(before);
  });

  test('are published without their private parts', async () => {
    for (const alg of ['ES256', 'EdDSA', 'RS256']) {
      const key = await generateSigningKey(alg);
      const on = await stage({ accessTokens: { ...asked, keys: [{ ...key, note: 'internal' }] } });
      const { keys } = (await (await on.endpoint.jwks(new Request('http://localhost/'))).json()) as { keys: object[] };
      expect(Object.keys(keys[0] ?? {}).filter((name) => /^(d|p|q|dp|dq|qi|k|note)$/.test(name))).toStrictEqual([]);
      const keySet = { keys: keys as never };
      const verify = createAccessTokenVerifier({ ...asked, keys: keySet, clock: on.clock });
      expect(await verify((await on.signIn()).accessToken)).toMatchObject({ subject: 'ada' });
    }
  });

  test.each([
    ['none', []],
    ['a shared secret', [{ kty: 'oct', kid: 'a', alg: 'HS256', k: 'c2VjcmV0' }]],
    ['a shared secret that says it is none', [{ kty: 'oct', kid: 'a', alg: 'ES256', d: 'x' }]],
    ['one without an id', [{ kty: 'EC', alg: 'ES256', d: 'x' } as never]],
    ['two with one id', [1, 2].map(() => ({ kty: 'EC', alg: 'ES256', kid: 'a', d: 'x' }))],
    ['a public one to sign with', [{ kty: 'EC', alg: 'ES256', kid: 'a' }]],
  ])('%s are refused when the endpoint is made', async (_, keys) => {
    await expect(stage({ accessTokens: { ...asked, keys } })).rejects.toThrow(TypeError);
    await expect(stage({ accessTokens: { ...asked, keys } })).rejects.toThrow('accessTokens.keys');
  });

  test('that cannot be had reject a verification as a fault, and never throw', async () => {
    const key = await signingKey();
    let isBroken = false;
    const keys = (): SigningKey[] => {
      if (isBroken) throw new Error('the vault is shut');
      return [key];
    };
    const on = await stage({ accessTokens: { issuer: 'https://auth.test', audience: 'https://api.test', keys } });
    const { accessToken } = await on.signIn();
    isBroken = true;
    expect(await codeOf(accessToken, on.endpoint.verifyAccessToken)).toBe('AUTH_UNAVAILABLE');
  });

  test('that cannot sign cost no session its token', async () => {
    const key = await generateSigningKey();
    let keys: readonly SigningKey[] = [key];
    const on = await stage({ accessTokens: { ...asked, keys: () => keys } });
    const { refreshToken } = await on.signIn();
    keys = [{ ...key, d: 'broken' }];
    expect(await on.refresh(refreshToken)).toMatchObject({ status: 503, outcome: 'AUTH_UNAVAILABLE' });
    expect(on.faults).toHaveLength(1);
    keys = [key];
    on.clock.advance(minute);
    expect((await on.refresh(refreshToken)).status).toBe(200);
  });

  test('that are fetched by a function which throws a refusal refuse nobody', async () => {
    const key = await generateSigningKey();
    let isBroken = false;
    const keys = (): SigningKey[] => {
      if (isBroken) throw new AuthError('AUTH_TOKEN_INVALID');
      return [key];
    };
    const on = await stage({ accessTokens: { ...asked, keys } });
    const { refreshToken } = await on.signIn();
    isBroken = true;
    expect(await on.refresh(refreshToken)).toMatchObject({ status: 503, outcome: 'AUTH_UNAVAILABLE' });
    isBroken = false;
    on.clock.advance(minute);
    expect((await on.refresh(refreshToken)).status).toBe(200);
  });
});

describe('createAccessTokenVerifier', () => {
  test('and the endpoint itself go by the system’s clock where none is given', async () => {
    const endpoint = createRefreshEndpoint({
      store: memoryRefreshStore(),
      accessTokens: { ...asked, keys: [await generateSigningKey()] },
    });
    const { accessToken } = (await endpoint.startSession({ subject: 'ada' })).body;
    expect(await endpoint.verifyAccessToken(accessToken)).toMatchObject({ subject: 'ada' });
    const published = (await (await endpoint.jwks(new Request('http://localhost/'))).json()) as KeySet;
    for (const clock of [undefined, Date])
      expect(
        await createAccessTokenVerifier({ ...asked, keys: published, ...(clock && { clock }) })(accessToken),
      ).toMatchObject({ subject: 'ada' });
  });

  const keys = { keys: [] };
  test.each<[string, object]>([
    ['issuer', { audience: 'a', keys }],
    ['audience', { issuer: 'a', audience: undefined, keys }],
    ['audience', { issuer: 'a', audience: '', keys }],
    ['keys', { issuer: 'a', audience: 'b' }],
    ['keys', { issuer: 'a', audience: 'b', keys: new URL('http://auth.example.com/jwks.json') }],
    ['clockToleranceMs', { issuer: 'a', audience: 'b', keys, clockToleranceMs: Infinity }],
    ['clockTolerance', { issuer: 'a', audience: 'b', keys, clockTolerance: 5 }],
  ])('checks nothing less than all: "%s" of %j is refused', (name, options) => {
    expect(() => createAccessTokenVerifier(options as never)).toThrow(TypeError);
    expect(() => createAccessTokenVerifier(options as never)).toThrow(`ption "${name}"`);
  });
});

describe('requireAccessToken', () => {
  const guard = async (verifyAccessToken: VerifyAccessToken): Promise<string> => {
    const check = requireAccessToken({ verifyAccessToken });
    return listen(
      createServer((request: AuthenticatedRequest, response) => {
        check(request, response, () => response.end(JSON.stringify({ subject: request.auth?.subject })));
      }),
    );
  };

  test('lets a valid token through, and answers all others so that a client knows what to do', async () => {
    const on = await stage();
    const url = await guard(on.endpoint.verifyAccessToken);
    const { accessToken } = await on.signIn();
    const get = async (authorization?: string): Promise<unknown[]> => {
      const answer = await fetch(url, authorization === undefined ? {} : { headers: { authorization } });
      const challenge = answer.headers.get('www-authenticate');
      return [(await read(answer)).outcome, answer.status, challenge, answer.headers.get('cache-control')];
    };
    expect(await get(`Bearer ${accessToken}`)).toStrictEqual([200, 200, null, null]);
    expect(await get(`bearer ${accessToken}`)).toStrictEqual([200, 200, null, null]);
    expect(await get()).toStrictEqual(['AUTH_TOKEN_MISSING', 401, 'Bearer', 'no-store']);
    const invalid = ['AUTH_TOKEN_INVALID', 401, 'Bearer error="invalid_token"', 'no-store'];
    for (const value of ['Bearer', `Basic ${accessToken}`, `Bearer ${accessToken} x`, 'Bearer nonsense'])
      expect(await get(value)).toEqual(invalid);
    on.clock.advance(16 * minute);
    expect(await get(`Bearer ${accessToken}`)).toStrictEqual(['AUTH_TOKEN_EXPIRED', ...invalid.slice(1)]);
  });

  test.each<[string, (seen: unknown[]) => (error: unknown) => unknown]>([
    ['listens', (seen) => (error) => seen.push(error)],
    [
      'throws',
      (seen) => (error) => {
        seen.push(error);
        throw new Error('of the callback');
      },
    ],
    [
      'rejects',
      (seen) => async (error) => {
        seen.push(error);
        throw new Error('of the callback');
      },
    ],
  ])('tells of keys that cannot be had, and answers 503 whether onFault %s', async (_, onFault) => {
    const seen: unknown[] = [];
    const keys = new URL('http://127.0.0.1:1/jwks.json');
    const check = requireAccessToken({
      verifyAccessToken: createAccessTokenVerifier({ ...asked, keys }),
      onFault: onFault(seen),
    });
    const passed: unknown[] = [];
    const server = createServer((request, response) =>
      check(request, response, (error) => {
        passed.push(error);
        response.end();
      }),
    );
    const { accessToken } = await (await stage()).signIn();
    const answer = await fetch(await listen(server), { headers: { authorization: `Bearer ${accessToken}` } });
    expect(await read(answer)).toMatchObject({ status: 503, outcome: 'AUTH_UNAVAILABLE' });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(passed).toStrictEqual([]);
    expect(seen).toStrictEqual([expect.any(Error)]);
    expect(inspect(seen)).not.toContain(accessToken);
  });

  test('without anything to verify with is told at once', () => {
    expect(() => requireAccessToken({} as never)).toThrow(TypeError);
    expect(() => requireAccessToken({} as never)).toThrow('Option "verifyAccessToken"');
    expect(() => requireAccessToken(undefined as never)).toThrow(TypeError);
  });

  test('with an option that is unknown or does not fit is told at once; an endpoint may be handed over whole', async () => {
    const { endpoint } = await stage();
    const { verifyAccessToken } = endpoint;
    for (const options of [
      { verifyAccessToken, onFaults: () => undefined },
      { ...endpoint, onFaults: () => undefined },
    ])
      expect(() => requireAccessToken(options)).toThrow(
        new TypeError('Unknown option "onFaults" of requireAccessToken. Known: verifyAccessToken, onFault.'),
      );
    expect(() => requireAccessToken({ ...endpoint, onFault: 1 as never })).toThrow(
      new TypeError('Option "onFault" of requireAccessToken must be a function.'),
    );
    expect(requireAccessToken({ ...endpoint, onFault: () => undefined })).toBeInstanceOf(Function);
  });

  test('hands on what its successor throws', async () => {
    const on = await stage();
    const check = requireAccessToken(on.endpoint);
    const { accessToken } = await on.signIn();
    const request: AuthenticatedRequest = new IncomingMessage(new Socket());
    request.headers.authorization = `Bearer ${accessToken}`;
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      check(request, {} as never, (error) => {
        seen.push(error);
        if (error === undefined) throw new Error('in the route');
        resolve();
      });
    });
    expect(seen).toStrictEqual([undefined, new Error('in the route')]);
  });

  test('in another service, with the keys that the endpoint publishes; keys that cannot be had are no refusal', async () => {
    const on = await stage({ clock: { now: () => Date.now() } });
    const { accessToken } = await on.signIn();
    let isUp = false;
    const serve = toNodeHandler(on.endpoint.jwks);
    const issuer = await listen(
      createServer((request, response) => {
        if (isUp) serve(request, response);
        else response.writeHead(500).end();
      }),
    );
    const url = await guard(createAccessTokenVerifier({ ...asked, keys: new URL(`${issuer}/jwks.json`) }));
    const get = async (): Promise<string | number> =>
      (await read(await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } }))).outcome;
    expect(await get()).toBe('AUTH_UNAVAILABLE');
    isUp = true;
    expect(await get()).toBe(200);
    isUp = false;
    expect(await get()).toBe(200);
  });

  test('allows for the clock of another machine where it is told to', async () => {
    const on = await stage();
    const { accessToken } = await on.signIn();
    on.clock.advance(15 * minute + 5 * second);
    const answer = await on.endpoint.jwks(new Request('http://localhost/'));
    const options = { ...asked, keys: (await answer.json()) as never, clock: on.clock };
    expect(await codeOf(accessToken, createAccessTokenVerifier(options))).toBe('AUTH_TOKEN_EXPIRED');
    const tolerant = createAccessTokenVerifier({ ...options, clockToleranceMs: 10 * second });
    expect(await codeOf(accessToken, tolerant)).toBe('accepted');
  });
});
