/** What happens, in words. */
import { isAxiosError } from 'axios';
import type { RefreshTrigger, SessionStatus, TokenEvent } from 'axios-token-refresh';
import { describeError } from 'axios-token-refresh/messages';

export type Tone = 'plain' | 'good' | 'waiting' | 'replayed' | 'bad';

export interface Line {
  readonly text: string;
  readonly tone: Tone;
}

const reasons: Readonly<Record<RefreshTrigger, string>> = {
  request: 'a request needs a token',
  ahead: 'ahead of time, in the background',
  unauthorized: 'the API refused the token',
  timer: 'by timer',
  manual: 'asked for by the page',
};

export const nobody = 'Nobody is signed in here.';

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** For a line of the log; `undefined` for what another line already says. */
export function lineOf(event: TokenEvent): Line | undefined {
  switch (event.type) {
    case 'refresh.started':
      return { text: `Refresh: ${reasons[event.trigger]}.`, tone: 'plain' };
    case 'refresh.retried':
      return { text: `Attempt ${event.attempt} of the refresh follows in ${seconds(event.delayMs)}.`, tone: 'waiting' };
    case 'refresh.succeeded':
      return { text: `New token after ${seconds(event.durationMs)}.`, tone: 'good' };
    case 'refresh.failed': {
      const rest = event.servedCurrent ? 'the current one still serves.' : describeError(event.error).message;
      return { text: `No new token: ${rest}`, tone: 'bad' };
    }
    case 'refresh.escalated':
      return { text: `${event.consecutiveFailures} refreshes in a row have failed.`, tone: 'bad' };
    case 'refresh.recovered':
      return { text: 'Refreshes work again.', tone: 'good' };
    case 'session.started':
      return { text: 'The session has started.', tone: 'good' };
    case 'session.ending':
      return { text: 'The session ends with this token: the refresh was refused for good.', tone: 'bad' };
    case 'session.expired':
      return { text: 'The session has ended.', tone: 'bad' };
    case 'session.cleared':
      return { text: 'Signed out.', tone: 'plain' };
    case 'request.queued':
      return { text: 'Waiting for the new token.', tone: 'waiting' };
    case 'request.replayed':
      return { text: 'A refused request is sent again.', tone: 'replayed' };
    case 'clock.skewed':
      return { text: `This clock is ${off(event.skewMs)} the server's.`, tone: 'waiting' };
    case 'store.failed':
      return { text: 'The tabs cannot share the session: the store does not work here.', tone: 'bad' };
    case 'listener.failed':
    case 'request.released':
    case 'tokens.changed':
      return undefined;
  }
}

/** @param skewMs the server's clock minus this one */
export function off(skewMs: number): string {
  const away = Math.abs(skewMs) / 1_000;
  const amount = away < 90 ? `${Math.round(away)} s` : `${Math.round(away / 60)} min`;
  return `${amount} ${skewMs > 0 ? 'behind' : 'ahead of'}`;
}

/** Why a request was not answered, for the person who wanted it. */
export function failureOf(error: unknown, status: SessionStatus): string {
  const described = describeError(error);
  // Who never was signed in has no session that could have ended.
  if (status === 'signed-out' && described.action === 'sign-in') return nobody;
  if (described.code !== 'UNKNOWN' || !isAxiosError(error)) return described.message;
  if (!error.response) return 'There is no connection.';
  const { status: answered } = error.response;
  return answered < 500 ? nobody : `The server cannot answer now (${answered}).`;
}
