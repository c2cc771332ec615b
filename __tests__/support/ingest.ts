/** An Axios instance for the ingest host of a loopback Snowflake, with the exchange as its refresh. */
import axios, { type AxiosInstance, type CreateAxiosDefaults } from 'axios';
import {
  snowflakeTokenExchange,
  type SnowflakeGrant,
  type SnowflakeTokenExchangeOptions,
} from '../../src/grants/index.js';
import { installTokenRefresh, type TokenEvent, type TokenSession, type TokenSessionOptions } from '../../src/index.js';
import { afterwards, type AdapterName } from '../integration/scene.js';
import { startSnowflake, type Snowflake, type SnowflakeOptions } from './snowflake.js';

export interface Ingest {
  readonly snowflake: Snowflake;
  readonly grant: SnowflakeGrant;
  readonly instance: AxiosInstance;
  readonly session: TokenSession;
  readonly events: TokenEvent[];
  /** The JWTs that were made, in order. */
  readonly minted: string[];
}

export interface IngestOptions {
  readonly adapter?: AdapterName;
  readonly server?: SnowflakeOptions;
  readonly grant?: Partial<SnowflakeTokenExchangeOptions>;
  readonly session?: Partial<TokenSessionOptions>;
  readonly axios?: CreateAxiosDefaults;
}

/** Finds every name on this machine. */
export const lookup: NonNullable<CreateAxiosDefaults['lookup']> = async () => '127.0.0.1';

export async function ingestOf({
  adapter = 'http',
  server,
  grant,
  session,
  axios: defaults,
}: IngestOptions = {}): Promise<Ingest> {
  const snowflake = await startSnowflake(server);
  afterwards(() => snowflake.close());
  const minted: string[] = [];
  const exchange = snowflakeTokenExchange({
    accountUrl: snowflake.account.url,
    jwt: ({ now }) => {
      const jwt = snowflake.jwt(now);
      minted.push(jwt);
      return jwt;
    },
    ...grant,
  });
  const instance = axios.create({
    baseURL: `http://${snowflake.ingestHost.replaceAll('_', '-')}`,
    adapter,
    timeout: 30_000,
    ...defaults,
  });
  const installed = installTokenRefresh(instance, { ...exchange, ...session });
  afterwards(() => installed.dispose());
  const events: TokenEvent[] = [];
  installed.on('event', (event) => events.push(event));
  return { snowflake, grant: exchange, instance, session: installed, events, minted };
}
