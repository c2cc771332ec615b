/** An application whose user has signed in elsewhere: the refresh token grant (RFC 6749, section 6). */
import axios from 'axios';
import { installTokenRefresh } from 'axios-token-refresh';
import { refreshTokenGrant } from 'axios-token-refresh/grants';
import type { Surroundings } from './surroundings.js';

export async function refreshToken({ apiUrl, tokenEndpoint, publicClientId, signIn }: Surroundings): Promise<unknown> {
  const api = axios.create({ baseURL: apiUrl });
  const session = installTokenRefresh(api, refreshTokenGrant({ tokenEndpoint, clientId: publicClientId }));
  await session.setTokens(await signIn());

  await session.refresh();
  const { status } = await api.get('/orders');
  session.dispose();
  return status;
}
