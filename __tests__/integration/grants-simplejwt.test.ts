import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import axios, { type AxiosInstance } from 'axios';
import { field } from '../../src/core/redact.js';
import { jsonRefresh, type JsonRefreshOptions } from '../../src/grants/index.js';
import { installTokenRefresh, type TokenSession, type TokenSet } from '../../src/index.js';
import { missingSimplejwt, startSimplejwt, type Simplejwt } from '../support/simplejwt.js';
import { adapters, afterwards, failureOf, type AdapterName } from './scene.js';

const missing = missingSimplejwt();
if (missing !== undefined) {
  if (process.env['CI']) throw new Error(missing);
  process.stderr.write(`\n!!! NOT TESTED: jsonRefresh against Django simplejwt. ${missing}\n\n`);
}

/** simplejwt's own words for the two tokens. */
const grant: JsonRefreshOptions = {
  url: '/api/token/refresh/',
  request: (tokens) => ({ refresh: tokens?.refreshToken }),
  response: (body) => ({ accessToken: String(field(body, 'access')), refreshToken: String(field(body, 'refresh')) }),
};

(missing === undefined ? describe : describe.skip).each(adapters)(
  'jsonRefresh at Django simplejwt, over %s',
  (adapter) => {
    let django: Simplejwt;
    beforeAll(async () => {
      django = await startSimplejwt(600);
    }, 60_000);
    afterAll(() => django.close());

    interface Client {
      readonly instance: AxiosInstance;
      readonly session: TokenSession;
      readonly tokens: TokenSet;
    }

    async function signedIn(change: Partial<TokenSet> = {}, over: AdapterName = adapter): Promise<Client> {
      const { access, refresh } = await django.signIn();
      const tokens = { accessToken: access, refreshToken: refresh, ...change };
      const instance = axios.create({ baseURL: django.url, adapter: over, timeout: 20_000 });
      const session = installTokenRefresh(instance, { ...jsonRefresh(grant), tokens });
      afterwards(() => session.dispose());
      return { instance, session, tokens };
    }

    test('a dead token is renewed before the request, and the refresh token rotates', async () => {
      const { instance, session, tokens } = await signedIn({ expiresAt: Date.now() - 1 });
      await expect(instance.get('/api/me/')).resolves.toMatchObject({ data: { name: 'ada' } });
      await session.refresh();
      await expect(instance.get('/api/me/')).resolves.toMatchObject({ data: { name: 'ada' } });
      expect(await session.getAccessToken()).not.toBe(tokens.accessToken);
      expect(session.getSnapshot().expiresAt).toBeGreaterThan(Date.now() + 500_000);
    });

    test('a token that the server does not take is replaced, and the request replayed', async () => {
      const { instance, tokens } = await signedIn({ accessToken: 'no-token-of-this-server' });
      const { data, config } = await instance.get<unknown>('/api/me/');
      expect(data).toEqual({ name: 'ada' });
      expect(String(config.headers.Authorization)).not.toContain(tokens.accessToken);
    });

    test('twenty requests with a dead token: one refresh, since a second would be blacklisted', async () => {
      const { instance, session } = await signedIn({ expiresAt: Date.now() - 1 });
      const started: unknown[] = [];
      session.on('refresh.started', (event) => started.push(event));
      const answers = await Promise.all(Array.from({ length: 20 }, () => instance.get<unknown>('/api/me/')));
      expect(answers.map(({ data }) => data)).toEqual(Array.from({ length: 20 }, () => ({ name: 'ada' })));
      expect(started).toHaveLength(1);
    });

    test('a refresh token that was used before ends the session: token_not_valid', async () => {
      const first = await signedIn();
      await first.session.refresh();
      const { instance, session } = await signedIn({
        refreshToken: first.tokens.refreshToken,
        expiresAt: Date.now() - 1,
      });
      expect(await failureOf(instance.get('/api/me/'))).toMatchObject({ code: 'AUTH_SESSION_EXPIRED', status: 401 });
      expect(session.status).toBe('expired');
    });
  },
);
