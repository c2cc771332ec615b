/** A gateway that calls a service on behalf of its user: token exchange (RFC 8693). */
import axios from 'axios';
import { installTokenRefresh } from 'axios-token-refresh';
import { tokenExchangeGrant } from 'axios-token-refresh/grants';
import type { Surroundings } from './surroundings.js';

export async function tokenExchange({ apiUrl, tokenEndpoint, client, signIn }: Surroundings): Promise<unknown> {
  const user = await signIn();
  const orders = axios.create({ baseURL: apiUrl });
  const session = installTokenRefresh(
    orders,
    tokenExchangeGrant({
      tokenEndpoint,
      ...client,
      subjectToken: () => user.accessToken,
      parameters: { audience: 'orders' },
    }),
  );

  const { status } = await orders.get('/orders');
  session.dispose();
  return status;
}
