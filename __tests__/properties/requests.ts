/** What must hold for each request: when it is sent, refused, and over. */
import { isAxiosError, isCancel, type InternalAxiosRequestConfig } from 'axios';
import { isTokenError } from '../../src/index.js';
import type { FakeClock } from '../support/clock.js';
import type { Authority, User } from './authority.js';
import { arrived, bytesOf } from './bodies.js';
import type { Ledger } from './ledger.js';
import type { RequestStep } from './schedules.js';
import { noiseMs, type Time } from './time.js';
import { second, type Watched } from './world.js';

/** One request of the app, and what has become of it. */
export interface Sent {
  readonly name: string;
  readonly request: RequestStep;
  /** Who was signed in when the request was made. */
  readonly user: User | undefined;
  readonly outcome: Watched<unknown>;
  readonly signal: AbortSignal;
  /** The living token that it could have left with when it was made, if nobody else held it up. */
  readonly couldLeaveWith: string | undefined;
  /** How often the clock had leapt, and the user signed out, when it was made. */
  readonly leaps: number;
  readonly signOuts: number;
  /** All that the API could see of it, each time. */
  readonly copies: string[];
  /** How often the app's own interceptors have seen it, on the way out and on the way back. */
  readonly seen: { out: number; back: number };
  /** Held by the app's interceptor or by the API: not ours to settle. */
  elsewhere: number;
  /** Since when it waits for us alone, on the monotonic clock. */
  waitingSince: number | undefined;
  aborted: boolean;
}

/** The world around the requests. */
export interface Parts {
  readonly ledger: Ledger;
  readonly authority: Authority;
  readonly time: Time;
  readonly clock: FakeClock;
  readonly maxWaitMs: number;
}

export function checkSending(
  sent: Sent,
  parts: Parts,
  config: InternalAxiosRequestConfig,
  token: string | undefined,
): void {
  const { ledger, authority } = parts;
  const { name, copies, user, request } = sent;
  checkWait(sent, parts);
  const bytes = bytesOf(config.data);
  const { method = '' } = config;
  const params: unknown = config.params;
  const copy = [method, JSON.stringify(params), config.headers.get('Content-Type'), bytes].map(String).join(' ');
  copies.push(copy);
  ledger.expect(
    copies.length <= (request.body === 'stream' ? 1 : 2),
    `G9: ${name} was sent ${String(copies.length)} times`,
  );
  ledger.expect(copy === copies[0], `G15: ${name} was replayed as ${copy} after ${String(copies[0])}`);
  ledger.expect(bytes === arrived[request.body](request.text), `G15: ${name} was sent with the body ${bytes}`);
  ledger.expect(!sent.aborted, `G10: ${name} was sent after its abort`);
  if (token === undefined) {
    ledger.expect(user === undefined, `G11: ${name} of ${String(user)} was sent as nobody's`);
    ledger.expect(!ledger.isAlive, `G3: ${name} was sent without the token that lives`);
    return;
  }
  ledger.expect(!ledger.isKnownDead(token), `G4: ${name} was sent with an expired token`);
  ledger.expect(token === ledger.accessToken, `${name} was sent with another token than the session's newest`);
  const owner = authority.userOf(token);
  ledger.expect(user === undefined || owner === user, `G11: ${name} of ${String(user)} was sent as ${String(owner)}`);
}

function checkWait(sent: Sent, parts: Parts): void {
  const { ledger, time, maxWaitMs } = parts;
  const { name, waitingSince = time.monotonic, request } = sent;
  const waitedMs = time.monotonic - waitingSince;
  // An operation that ends together with a wait settles it itself, within a second.
  const longestMs = Math.min(maxWaitMs, request.timeoutMs ?? Infinity) + second + noiseMs;
  ledger.expect(waitedMs <= longestMs, `G10: ${name} waited for ${String(waitedMs)} ms`);
  sent.waitingSince = undefined;
}

/** A 401 for a token that is no longer current: sent again at once, with the current one, unless G11 forbids it. */
export function checkReplay(sent: Sent, parts: Parts, token: string | undefined): void {
  const { ledger } = parts;
  const { accessToken, user, isAlive, attempts } = ledger;
  const { copies, request, aborted, name } = sent;
  const late =
    token !== undefined && token !== accessToken && isAlive && sent.user === user && sent.signOuts === ledger.signOuts;
  if (!late || aborted || copies.length > 1 || request.body === 'stream') return;
  const made = attempts.count;
  setImmediate(() => {
    ledger.expect(
      copies.length === 2 || ledger.accessToken !== accessToken,
      `G8: a late 401 did not replay ${name} at once`,
    );
    ledger.expect(attempts.count === made, `G8: a late 401 of ${name} made a second refresh`);
  });
}

export function checkRejection(sent: Sent, parts: Parts, error: unknown): void {
  const { ledger, time } = parts;
  const { name, copies, user } = sent;
  checkWait(sent, parts);
  if (isCancel(error)) {
    ledger.expect(sent.aborted, `${name} was cancelled by nobody`);
    return;
  }
  if (isAxiosError(error)) {
    ledger.expect(error.response?.status === 401, `${name} failed with ${error.message}`);
    return;
  }
  ledger.expect(isTokenError(error), `${name} failed with ${String(error)}`);
  if (!isTokenError(error)) return;
  ledger.expect(copies.length === 0, `${name} had its 401, and was rejected with ${error.code} instead`);
  if (error.code === 'AUTH_SESSION_CLEARED') {
    const stays = user !== undefined && user === ledger.user && sent.signOuts === ledger.signOuts;
    ledger.expect(!stays, `G11: ${name} was cleared though ${String(user)} is still there`);
    return;
  }
  const { couldLeaveWith } = sent;
  const withheld = couldLeaveWith !== undefined && couldLeaveWith === ledger.accessToken && sent.leaps === time.leaps;
  ledger.expect(!withheld, `G3: ${name} was rejected with ${error.code} though it could have left`);
  ledger.expect(
    !ledger.isAlive || user !== ledger.user,
    `G3: ${name} was rejected with ${error.code} while the token lives`,
  );
}
