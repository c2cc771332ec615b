/** What happens to an application that streams rows into Snowflake. */
import { setTimeout as sleep } from 'node:timers/promises';
import axios, { type AxiosInstance } from 'axios';
import { installTokenRefresh, isTokenError, type TokenError, type TokenSession } from 'axios-token-refresh';
import { snowflakeTokenExchange, type SnowflakeTokenExchangeOptions } from 'axios-token-refresh/grants';
import { unregisteredKey, type Snowflake } from '../../../__tests__/support/snowflake.js';
import { keyPairJwt } from '../../grants/key-pair-jwt.js';
import type { Timeline } from '../timeline.js';

export interface Stage {
  readonly snowflake: Snowflake;
  readonly timeline: Timeline;
  readonly expect: (isMet: boolean, what: string) => void;
}

export interface Scene {
  readonly title: string;
  readonly play: (stage: Stage) => Promise<void>;
}

const rows = '/v2/streaming/databases/DB/schemas/PUBLIC/pipes/EVENTS/channels/A/rows';

interface Application {
  readonly app: AxiosInstance;
  readonly session: TokenSession;
}

function start(stage: Stage, options: Partial<SnowflakeTokenExchangeOptions> = {}): Application {
  const { snowflake, timeline } = stage;
  const grant = snowflakeTokenExchange({
    accountUrl: snowflake.account.url,
    jwt: ({ now }) => snowflake.jwt(now),
    ...options,
  });
  const app = axios.create({ baseURL: snowflake.ingest.url });
  const session = installTokenRefresh(app, { ...grant, refreshAhead: false });
  timeline.watch(session);
  return { app, session };
}

/** The error that a request was rejected with. */
async function refusalOf(request: Promise<unknown>, { timeline }: Stage): Promise<TokenError | undefined> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTokenError(error)) return undefined;
  timeline.note(`${error.code}: ${error.message}`);
  return error;
}

const first: Scene = {
  title: 'The first call discovers the ingest host and exchanges a JWT for its token',
  async play(stage) {
    const { counts } = stage.snowflake;
    const { app, session } = start(stage);
    await app.post(rows, '{"id":1}');
    stage.expect(counts.discoveries === 1 && counts.exchanges === 1, 'one discovery, one exchange');
    session.dispose();
  },
};

const burst: Scene = {
  title: 'A thousand calls at once, just as the token expires: one exchange',
  async play(stage) {
    const { counts } = stage.snowflake;
    const { app, session } = start(stage);
    await app.post(rows, '{"id":0}');
    // The next one outlives the burst, however slow the machine.
    stage.snowflake.ttlSeconds = 60;
    stage.timeline.note('idle until the token expires');
    await sleep((session.getSnapshot().expiresAt ?? 0) - Date.now() + 5);
    await Promise.all(Array.from({ length: 1_000 }, (_, id) => app.post(rows, JSON.stringify({ id }))));
    stage.expect(counts.rows === 1_001 && counts.unauthorized === 0, 'all rows arrive, no token is refused');
    stage.expect(counts.exchanges === 2, 'one exchange for all of them');
    session.dispose();
  },
};

const revoked: Scene = {
  title: 'The ingest host refuses the token: one exchange more with a fresh JWT, and the call is sent again',
  async play(stage) {
    const { counts } = stage.snowflake;
    const { app, session } = start(stage);
    await app.post(rows, '{"id":1}');
    stage.snowflake.revokeAll();
    await app.post(rows, '{"id":2}');
    stage.expect(counts.exchanges === 2 && counts.rows === 2, 'two exchanges, two rows');
    session.dispose();
  },
};

const wrongHost: Scene = {
  title: 'A call to another host is refused before anything is sent',
  async play(stage) {
    const { account } = stage.snowflake;
    const { app, session } = start(stage);
    await app.post(rows, '{"id":1}');
    const before = account.seen.length;
    const error = await refusalOf(app.post(`${account.url}${rows}`, '{"id":2}'), stage);
    stage.expect(error?.code === 'AUTH_SCOPE_MISMATCH', 'AUTH_SCOPE_MISMATCH');
    stage.expect(account.seen.length === before, 'the other host hears nothing');
    session.dispose();
  },
};

const wrongKey: Scene = {
  title: 'A key that is not registered: the refusal names account, code and request id',
  async play(stage) {
    const user = { account: 'my_org', user: 'ingester', privateKey: unregisteredKey };
    const { app, session } = start(stage, { jwt: ({ now }) => keyPairJwt(user, now) });
    const error = await refusalOf(app.post(rows, '{"id":1}'), stage);
    stage.expect(error?.message.includes('394304') === true, 'the code 394304');
    stage.expect(error?.requestId !== undefined, 'a request id to ask Snowflake about');
    session.dispose();
  },
};

const oldJwt: Scene = {
  title: 'A JWT that has expired is found out before it is sent',
  async play(stage) {
    const { snowflake } = stage;
    const { app, session } = start(stage, { jwt: snowflake.jwt(Date.now() - 120_000) });
    const error = await refusalOf(app.post(rows, '{"id":1}'), stage);
    stage.expect(error?.code === 'AUTH_TOKEN_EXPIRED', 'AUTH_TOKEN_EXPIRED');
    stage.expect(snowflake.account.seen.length === 0, 'the account hears nothing');
    session.dispose();
  },
};

export const scenes: readonly Scene[] = [first, burst, revoked, wrongHost, wrongKey, oldJwt];
