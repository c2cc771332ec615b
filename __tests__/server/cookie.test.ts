/** The refresh token in a cookie: scripts never see it, other origins cannot use it. */
import { describe, expect, test } from '@jest/globals';
import type { CookieOptions } from '../../src/server/index.js';
import { minute, send, stage, type Answer, type Stage } from './support/stage.js';

const origin = 'https://app.example.com';
const withCookie = (cookie: Partial<CookieOptions> = {}): Promise<Stage> =>
  stage({ cookie: { allowedOrigins: [origin], ...cookie } });

interface SignedIn {
  readonly on: Stage;
  /** `name=value`, as a browser sends it. */
  readonly pair: string;
  readonly setCookie: string;
  readonly body: object;
}

async function signIn(cookie: Partial<CookieOptions> = {}): Promise<SignedIn> {
  const on = await withCookie(cookie);
  const { body, headers } = await on.endpoint.startSession({ subject: 'ada' });
  const setCookie = headers['Set-Cookie'] ?? '';
  return { on, setCookie, body, pair: setCookie.split(';')[0] ?? '' };
}

const post = (on: Stage, headers: Record<string, string>, body?: unknown): Promise<Answer> =>
  send(on.endpoint.refresh, body, { headers });
const pairOf = ({ headers }: Answer): string => headers.getSetCookie()[0]?.split(';')[0] ?? '';

describe('in cookie mode', () => {
  test('a sign-in sets a cookie that no script reads and no other site sends', async () => {
    const { setCookie, body } = await signIn();
    expect(setCookie).toMatch(/^__Host-refresh=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    expect(Object.keys(body).sort()).toStrictEqual(['accessToken', 'expiresIn']);
  });

  test('a refresh takes the cookie, and answers with the next one for as long as the session still lasts', async () => {
    const { on, pair } = await signIn();
    on.clock.advance(minute);
    const answer = await post(on, { Origin: origin, Cookie: `theme=dark; ${pair}; x=y` });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body).sort()).toStrictEqual(['accessToken', 'expiresIn']);
    expect(answer.headers.getSetCookie()).toStrictEqual([expect.stringContaining('; Max-Age=604740; ')]);
    expect(pairOf(answer)).not.toBe(pair);
    const next = await post(on, { Origin: origin, Cookie: pairOf(answer) }, {});
    expect(next.status).toBe(200);
  });

  test.each([
    ['another site', { Origin: 'https://evil.example' }],
    ['another host of the same site', { Origin: 'https://blog.example.com' }],
    ['an origin that begins like ours', { Origin: 'https://app.example.com.evil.example' }],
    ['plain HTTP', { Origin: 'http://app.example.com' }],
    ['another port', { Origin: 'https://app.example.com:8443' }],
    ['a sandboxed frame', { Origin: 'null' }],
    ['no origin at all', {}],
    ['no origin, and a referrer', { Referer: `${origin}/page` }],
  ])('a request from %s is turned down, and the cookie is not used up', async (_, headers) => {
    const { on, pair } = await signIn();
    for (const handler of [on.endpoint.refresh, on.endpoint.signOut])
      expect(await send(handler, undefined, { headers: { ...headers, Cookie: pair } })).toMatchObject({
        status: 403,
        outcome: 'AUTH_REQUEST_INVALID',
      });
    on.clock.advance(minute);
    expect((await post(on, { Origin: origin, Cookie: pair })).status).toBe(200);
  });

  test('a token in the body counts for nothing', async () => {
    const { on, pair } = await signIn();
    const refreshToken = pair.split('=')[1];
    expect(await post(on, { Origin: origin }, { refreshToken })).toMatchObject({ outcome: 'AUTH_TOKEN_MISSING' });
    const planted = await post(on, { Origin: origin, Cookie: '__Host-refresh=' }, { refreshToken });
    expect(planted.outcome).toBe('AUTH_TOKEN_MISSING');
  });

  test('a second cookie of the name, planted by a neighbour, is turned down', async () => {
    const { on, pair } = await signIn({ name: 'rt', path: '/auth' });
    const answer = await post(on, { Origin: origin, Cookie: `rt=${'A'.repeat(43)}; ${pair}` });
    expect(answer).toMatchObject({ status: 400, outcome: 'AUTH_REQUEST_INVALID' });
    on.clock.advance(minute);
    expect((await post(on, { Origin: origin, Cookie: `xrt=1; ${pair}` })).status).toBe(200);
  });

  test.each(['\u00a0', '\u000b', '\u000c', '\u00a0 '])(
    'a name that only looks like ours is not: with %j before it a neighbour may set it, whatever the prefix',
    async (blank) => {
      const { on, pair } = await signIn();
      expect((await post(on, { Origin: origin, Cookie: `${blank}${pair}` })).outcome).toBe('AUTH_TOKEN_MISSING');
      const both = await post(on, { Origin: origin, Cookie: `${blank}__Host-refresh=${'A'.repeat(43)}; \t${pair} ` });
      expect(both.status).toBe(200);
    },
  );

  test('a sign-out takes the cookie away; a refusal does not, as it may be late and the cookie new', async () => {
    const { on, pair } = await signIn({ name: 'rt', path: '/auth' });
    const refused = await post(on, { Origin: origin, Cookie: `rt=${'A'.repeat(43)}` });
    expect(refused).toMatchObject({ outcome: 'AUTH_TOKEN_INVALID' });
    expect(refused.headers.getSetCookie()).toStrictEqual([]);
    const answer = await send(on.endpoint.signOut, undefined, { headers: { Origin: origin, Cookie: pair } });
    expect(answer.status).toBe(204);
    expect(answer.headers.getSetCookie()).toStrictEqual([
      'rt=; Max-Age=0; Path=/auth; HttpOnly; SameSite=Strict; Secure',
    ]);
    expect((await post(on, { Origin: origin, Cookie: pair })).outcome).toBe('AUTH_TOKEN_INVALID');
  });

  test.each<[Partial<CookieOptions>, string]>([
    [{ allowedOrigins: [] }, 'cookie.allowedOrigins'],
    [{ allowedOrigins: ['*'] }, 'cookie.allowedOrigins'],
    [{ allowedOrigins: ['https://app.example.com/'] }, 'cookie.allowedOrigins'],
    [{ allowedOrigins: undefined as never }, 'cookie.allowedOrigins'],
    [{ secure: 'no' as never }, 'cookie.secure'],
    [{ name: '__Host-rt', path: '/auth' }, 'cookie.name'],
    [{ name: '__Host-rt', secure: false }, 'cookie.name'],
    [{ name: '__Secure-rt', secure: false }, 'cookie.name'],
    [{ name: '__host-rt', path: '/auth' }, 'cookie.name'],
    [{ name: '__HOST-rt', secure: false }, 'cookie.name'],
    [{ name: '__secure-rt', secure: false }, 'cookie.name'],
    [{ name: 'a=b; Domain=evil' }, 'cookie.name'],
    [{ name: 'rt', path: '/; Domain=evil' }, 'cookie.path'],
  ])('%j is refused when the endpoint is made', async (options, name) => {
    await expect(withCookie(options)).rejects.toThrow(`Option "${name}"`);
  });
});
