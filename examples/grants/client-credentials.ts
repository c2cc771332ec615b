/** A service that calls another one as itself: the client credentials grant (RFC 6749, section 4.4). */
import axios from 'axios';
import { installTokenRefresh } from 'axios-token-refresh';
import { clientCredentialsGrant } from 'axios-token-refresh/grants';
import type { Surroundings } from './surroundings.js';

export async function clientCredentials({ apiUrl, tokenEndpoint, client }: Surroundings): Promise<unknown> {
  const api = axios.create({ baseURL: apiUrl });
  const session = installTokenRefresh(api, {
    ...clientCredentialsGrant({ tokenEndpoint, ...client, scope: 'api' }),
    schedule: true,
  });

  const { status } = await api.get('/orders');
  session.dispose();
  return status;
}
