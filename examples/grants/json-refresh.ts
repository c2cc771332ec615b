/** A back end with an endpoint of its own, `POST /refresh-token {refreshToken} -> {accessToken}`. */
import axios from 'axios';
import { installTokenRefresh } from 'axios-token-refresh';
import { jsonRefresh } from 'axios-token-refresh/grants';
import type { Surroundings } from './surroundings.js';

export async function jsonBackEnd({ jsonApiUrl }: Surroundings): Promise<unknown> {
  const api = axios.create({ baseURL: jsonApiUrl });
  const session = installTokenRefresh(api, {
    ...jsonRefresh({ url: '/refresh-token' }),
    tokens: { accessToken: 'expired', refreshToken: 'refresh-1', expiresAt: 0 },
  });

  const { status } = await api.get('/orders');
  session.dispose();
  return status;
}

/** The same with other names for the tokens. */
export async function otherNames({ jsonApiUrl }: Surroundings): Promise<unknown> {
  interface Answer {
    readonly access: string;
    readonly refresh: string;
  }
  const api = axios.create({ baseURL: jsonApiUrl });
  const session = installTokenRefresh(api, {
    ...jsonRefresh({
      url: '/api/token/refresh/',
      request: (tokens) => ({ refresh: tokens?.refreshToken }),
      response: (body) => {
        const { access, refresh } = body as Answer;
        return { accessToken: access, refreshToken: refresh };
      },
    }),
    tokens: { accessToken: 'expired', refreshToken: 'refresh-1', expiresAt: 0 },
  });

  const { status } = await api.get('/orders');
  session.dispose();
  return status;
}
