/** The back end of the React example: a refresh token is good for one use. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createBackEnd } from '../../examples/react/server/back-end.js';
import { createSessions } from '../../examples/react/server/sessions.js';

const grace = 10_000;

describe('the sessions of the React example', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  const begin = () => {
    const sessions = createSessions(300);
    return { sessions, first: sessions.begin('alice').refreshToken };
  };

  test('a refresh brings the next refresh token, and an access token of the same user', () => {
    const { sessions, first } = begin();
    const second = sessions.refresh(first);
    expect(second?.refreshToken).not.toBe(first);
    expect(sessions.subjectOf(second?.accessToken ?? '')).toBe('alice');
    expect(sessions.refresh(second?.refreshToken ?? '')).toBeDefined();
  });

  test('the one before brings the same successor for 10 s: a page was reloaded in the middle of a refresh', () => {
    const { sessions, first } = begin();
    const second = sessions.refresh(first);
    jest.advanceTimersByTime(grace - 1);
    expect(sessions.refresh(first)?.refreshToken).toBe(second?.refreshToken);
  });

  test('after that it ends the session, whoever has the successor', () => {
    const { sessions, first } = begin();
    const second = sessions.refresh(first);
    jest.advanceTimersByTime(grace);
    expect(sessions.refresh(first)).toBeUndefined();
    expect(sessions.refresh(second?.refreshToken ?? '')).toBeUndefined();
  });

  test('one that is older still ends it at once', () => {
    const { sessions, first } = begin();
    const second = sessions.refresh(first)?.refreshToken ?? '';
    const third = sessions.refresh(second)?.refreshToken ?? '';
    expect(sessions.refresh(first)).toBeUndefined();
    expect(sessions.refresh(third)).toBeUndefined();
  });

  test('one that is made up changes nothing', () => {
    const { sessions, first } = begin();
    const [id = '', , proof = ''] = first.split('.');
    for (const forged of [
      '',
      '...',
      id,
      `${id}.0`,
      `${id}.1.${proof}`,
      `${id}.-1.${proof}`,
      `${id}.0.${'A'.repeat(43)}`,
    ]) {
      expect(sessions.refresh(forged)).toBeUndefined();
    }
    expect(sessions.refresh(first)).toBeDefined();
  });

  test('a week after the sign-in it is over, however often it was refreshed', () => {
    const { sessions, first } = begin();
    let current = first;
    for (let day = 1; day < 7; day += 1) {
      jest.advanceTimersByTime(24 * 3_600_000);
      current = sessions.refresh(current)?.refreshToken ?? '';
    }
    jest.advanceTimersByTime(24 * 3_600_000);
    expect(sessions.refresh(current)).toBeUndefined();
  });

  test('an access token dies after its time', () => {
    const sessions = createSessions(300);
    const { accessToken } = sessions.begin('alice');
    jest.advanceTimersByTime(299_999);
    expect(sessions.subjectOf(accessToken)).toBe('alice');
    jest.advanceTimersByTime(1);
    expect(sessions.subjectOf(accessToken)).toBeUndefined();
  });
});

describe('its endpoints', () => {
  let server: Server;
  let url: string;
  beforeEach(async () => {
    const backEnd = createBackEnd();
    server = createServer((request, response) => {
      if (!backEnd(request, response)) response.writeHead(418).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  });
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url + path, { method: 'POST', headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const signIn = { user: 'alice', password: 'wonderland' };

  test('the refresh token is in a cookie that no script can read, and in no body', async () => {
    const response = await post('/auth/sign-in', signIn);
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^refresh=[^;]+; HttpOnly; SameSite=Strict; Path=\/auth; Max-Age=604800$/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = (await response.json()) as Record<string, unknown>;
    expect(Object.keys(body).sort()).toStrictEqual(['accessToken', 'expiresIn', 'subject']);
    const refreshed = await post('/auth/refresh', undefined, { cookie: cookie.split(';', 1).join('') });
    expect(refreshed.status).toBe(200);
    expect(refreshed.headers.get('set-cookie')).not.toBe(cookie);
  });

  test.each([
    [403, signIn.user, 'wrong'],
    [403, 'constructor', 'wrong'],
    [403, '__proto__', undefined],
    [403, undefined, undefined],
  ])('%p for %p with %p', async (status, user, password) => {
    const response = await post('/auth/sign-in', { user, password });
    expect(response.status).toBe(status);
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  test('a page of another site is turned away', async () => {
    expect((await post('/auth/sign-in', signIn, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await post('/auth/sign-in', signIn, { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  test('without a cookie there is nothing to refresh, and without a token there are no notes', async () => {
    expect((await post('/auth/refresh')).status).toBe(401);
    expect((await fetch(`${url}/api/notes`)).status).toBe(401);
    expect((await fetch(`${url}/elsewhere`)).status).toBe(418);
  });

  test('nonsense and floods leave it standing', async () => {
    expect((await fetch(`${url}/auth/sign-in`, { method: 'POST', body: '{' })).status).toBe(403);
    await expect(post('/auth/sign-in', { user: 'x'.repeat(20_000) })).rejects.toThrow();
    expect((await post('/auth/sign-in', signIn)).status).toBe(200);
  });
});
