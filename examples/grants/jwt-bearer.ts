/** A service account that signs its own JWTs: the JWT bearer grant (RFC 7523). */
import axios from 'axios';
import { installTokenRefresh } from 'axios-token-refresh';
import { jwtBearerGrant } from 'axios-token-refresh/grants';
import type { Surroundings } from './surroundings.js';

export async function jwtBearer({ apiUrl, tokenEndpoint, client, signIn }: Surroundings): Promise<unknown> {
  const api = axios.create({ baseURL: apiUrl });
  const session = installTokenRefresh(
    api,
    jwtBearerGrant({
      tokenEndpoint,
      ...client,
      // Called for every exchange: sign a fresh one here, with `now` as its `iat`.
      assertion: async () => (await signIn()).accessToken,
    }),
  );

  const { status } = await api.get('/orders');
  session.dispose();
  return status;
}
