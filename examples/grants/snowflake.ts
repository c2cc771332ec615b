/** Rows for Snowflake: a key-pair JWT exchanged for a token that is good for the ingest host only. */
import axios from 'axios';
import { installTokenRefresh, isTokenError } from 'axios-token-refresh';
import { snowflakeTokenExchange } from 'axios-token-refresh/grants';
import type { Surroundings } from './surroundings.js';

const rows = '/v2/streaming/databases/DB/schemas/PUBLIC/pipes/EVENTS/channels/A/rows';

export async function snowflake({ accountUrl, signJwt }: Surroundings): Promise<unknown> {
  const exchange = snowflakeTokenExchange({ accountUrl, jwt: ({ now }) => signJwt(now) });
  const ingest = axios.create({ baseURL: await exchange.getIngestUrl() });
  const session = installTokenRefresh(ingest, { ...exchange });

  const { status } = await ingest.post(rows, '{"id":1}\n{"id":2}\n');
  try {
    await ingest.post('https://elsewhere.example.com/', '{"id":3}');
  } catch (error) {
    if (!isTokenError(error, 'AUTH_SCOPE_MISMATCH')) throw error;
  }
  session.dispose();
  return status;
}
