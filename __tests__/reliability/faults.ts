/** Every fault that is played, as data: one row each of the tables in docs/reliability.md. */
import type { TokenSessionOptions } from '../../src/index.js';
import type { ApiFault } from './api.js';
import { lifetimeSeconds } from './authority.js';
import * as does from './misbehaviours.js';
import { day, hour, second, type ClockError } from './time.js';
import type { Misbehaviour } from './token-endpoint.js';

export interface Fault {
  readonly name: string;
  /** What the token endpoint does. */
  readonly does?: Misbehaviour;
  /** A server that hands the same next token to who presents a spent one again at once; others end the session. @default false */
  readonly forgiving?: boolean;
  /** The refresh token may be spent though the client does not learn of it. @default false */
  readonly losesReplies?: boolean;
  /** Whether a refresh that meets it fails, after more than one attempt; by default it may or may not. */
  readonly fails?: boolean;
  /** Times that the user is signed out because the server refused the refresh token. @default 0 */
  readonly signOuts?: number;
  readonly api?: ApiFault;
  readonly clockError?: ClockError;
  /** Whether the token endpoint tells the time. @default true */
  readonly dates?: boolean;
  readonly options?: Partial<TokenSessionOptions>;
  /** At most this part of the requests may fail, if it is not the table's: here the API refuses them. */
  readonly failing?: number;
  /** The refusal is believed only when the token has died: attempts that may have been heard are unanswered till then. */
  readonly believedLate?: boolean;
}

export interface Table {
  /** Marks it in the document. */
  readonly name: string;
  /** What is promised. */
  readonly title: string;
  readonly faults: readonly Fault[];
  readonly lastsMs: number;
  readonly rounds: number;
  /** At most this part of the requests may fail. */
  readonly failing: number;
}

const fails = { fails: true } as const;
const works = { fails: false } as const;
const lost = { losesReplies: true } as const;
const forgiven = { forgiving: true, losesReplies: true } as const;
const retryAfter = (value: string): Fault => ({
  name: `429, \`Retry-After: ${value}\``,
  does: does.throttles(() => value),
  ...fails,
});

/** The endpoint fails for a while, and has not touched the refresh token. */
const outages: readonly Fault[] = [
  { name: 'refuses connections', does: 'down', ...fails },
  { name: 'resets the connection before it reads', does: does.resets, ...fails },
  { name: 'never answers', does: does.isSilent, ...fails },
  { name: '500', does: does.answers(500), ...fails },
  { name: '502, a web page', does: does.answersWithPage(502), ...fails },
  { name: '503, a web page', does: does.answersWithPage(503), ...fails },
  { name: '504', does: does.answers(504), ...fails },
  { name: '408', does: does.answers(408), ...fails },
  { name: '401, a web page', does: does.answersWithPage(401), ...fails },
  retryAfter('0'),
  retryAfter('86400'),
  retryAfter('2592000'),
  {
    name: '429, `Retry-After` a date of tomorrow',
    does: does.throttles(({ time }) => new Date(time.now() + day).toUTCString()),
    ...fails,
  },
  retryAfter('soon'),
  retryAfter('-1e400'),
  { name: '400 `temporarily_unavailable`', does: does.refuses('temporarily_unavailable'), ...fails },
  { name: '401 `invalid_client`', does: does.refuses('invalid_client', 401), ...fails },
  { name: '200, a web page', does: does.answersWithPage(200), ...fails },
  { name: '200, an empty body', does: does.answers(200), ...fails },
  { name: '200, `{}`', does: does.answers(200, '{}', { 'Content-Type': 'application/json' }), ...fails },
  {
    name: '200, an expired token',
    does: does.hands((authority) => ({ accessToken: authority.accessToken(does.user, 2 * lifetimeSeconds) })),
    ...fails,
  },
  { name: '200, the same token again', does: does.hands(({ latest }) => ({ accessToken: latest })), ...works },
  { name: '200, another user’s tokens', does: does.hands((authority) => authority.signIn(does.stranger)), ...fails },
];

/** The answer is lost, late or garbled after the refresh token has been spent. */
const slow: readonly Fault[] = [
  { name: 'answers after 3 s', does: does.delaysReply(3 * second), ...works },
  { name: 'lets the answer trickle for 3 s', does: does.trickles(3 * second), ...works },
  { name: 'answers after 8 s; forgiving', does: does.delaysReply(8 * second), ...forgiven },
  { name: 'lets the answer trickle for 12 s; forgiving', does: does.trickles(12 * second), ...forgiven },
  {
    name: 'answers after 8 s; strict, `attemptTimeoutMs` 12 s',
    does: does.delaysReply(8 * second),
    options: { retry: { attemptTimeoutMs: 12 * second } },
  },
];

/** The answer is followed by more on the same connection. With the http adapter that may cost the answer itself. */
const garbled: readonly Fault[] = [
  { name: 'answers twice, the second time for another user; forgiving', does: does.answersTwice, ...forgiven },
  { name: 'goes on with garbage after the answer; forgiving', does: does.answersAndRaves, ...forgiven },
];

const lostReplies: readonly Fault[] = [
  { name: 'drops the answer after the commit; forgiving', does: does.losesReply, ...forgiven, ...fails },
  { name: 'never sends the answer after the commit; forgiving', does: does.swallowsReply, ...forgiven, ...fails },
];

/** Nothing a client can do: the server has refused it. */
const refusals: readonly Fault[] = [
  { name: '400 `invalid_grant`', does: does.refuses('invalid_grant') },
  { name: '403 `access_denied`', does: does.refuses('access_denied', 403) },
  { name: 'drops the answer after the commit; strict', does: does.losesReply, ...lost },
  {
    name: 'never sends the answer after the commit; strict',
    does: does.swallowsReply,
    ...lost,
    failing: 0.25,
    believedLate: true,
  },
  { name: 'answers after 8 s; strict', does: does.delaysReply(8 * second), ...lost },
  { name: 'lets the answer trickle for 12 s; strict', does: does.trickles(12 * second), ...lost },
];

const conditions: readonly Fault[] = [
  { name: 'nothing' },
  { name: 'the client’s clock is 3 h ahead', clockError: () => 3 * hour },
  { name: 'the client’s clock is 3 h behind', clockError: () => -3 * hour },
  { name: 'the client’s clock is 3 h ahead, no `Date`', clockError: () => 3 * hour, dates: false },
  { name: 'the client’s clock is 3 h behind, no `Date`', clockError: () => -3 * hour, dates: false },
  { name: 'the client’s clock is set 2 h ahead on the way', clockError: (ms) => (ms > 90 * second ? 2 * hour : 0) },
  { name: 'the client’s clock is set 2 h back on the way', clockError: (ms) => (ms > 90 * second ? -2 * hour : 0) },
  { name: 'the API takes 3 s', api: { delayMs: 3 * second } },
  {
    name: 'the API refuses all tokens issued so far, three times',
    api: { withdrawsAtMs: [50, 90, 130].map((s) => s * second) },
  },
  {
    name: 'the API refuses every token for 10 s',
    api: { refusesAllMs: [100 * second, 110 * second] },
    failing: 0.07,
  },
];

/** How long each row is played: three lifetimes. */
export const playedMs = 3 * lifetimeSeconds * second;

/** What is left of a token's life when its refresh-ahead window opens, and the fault begins, by the package's defaults. */
export const remainingMs = 0.4 * lifetimeSeconds * second;

/** How long a user who was signed out takes to sign in again. */
export const signInMs = 5 * second;

const outageMs = 60 * second;
// The longest pause after a failure, and the longest refresh, by the package's defaults.
const longestRefreshMs = 15 * second;
const withoutTokenMs = outageMs - remainingMs + 30 * second + longestRefreshMs;
// As long again, an attempt of the refresh that failed may be answered: no refusal is believed, and one more pause may follow.
const untilSignedInMs = withoutTokenMs + longestRefreshMs + signInMs;

export const shorter: Table = {
  name: 'http-shorter',
  title: 'G3, G16, G17: nobody notices an outage that is over while the token still lives',
  faults: [...outages, ...slow, ...garbled, ...lostReplies],
  lastsMs: 15 * second,
  rounds: 2,
  failing: 0.001,
};

export const longer: Table = {
  name: 'http-longer',
  title: 'G17, G18: an outage that outlasts the token signs nobody out, and all is well after it',
  faults: [
    ...outages,
    ...slow,
    // No server forgives that long.
    ...lostReplies.map((fault) => ({ ...fault, signOuts: 1, failing: untilSignedInMs / playedMs })),
  ],
  lastsMs: outageMs,
  rounds: 1,
  failing: withoutTokenMs / playedMs,
};

export const throughout: Table = {
  name: 'http-throughout',
  title: 'G8, G9, G21: wrong clocks, slow APIs and withdrawn tokens go unnoticed',
  faults: conditions,
  lastsMs: 0,
  rounds: 0,
  failing: 0.001,
};

export const terminal: Table = {
  name: 'http-terminal',
  title: 'G17: a refusal ends the session once, when its token has died',
  faults: refusals.map((fault) => ({ ...fault, signOuts: 1 })),
  lastsMs: 10 * second,
  rounds: 1,
  // Until the user has signed in again.
  failing: 0.05,
};

export const tables: readonly Table[] = [shorter, longer, throughout, terminal];
