/** The headline, the countdown and the notice: how the session is, in one glance. */
import type { SessionSnapshot } from 'axios-token-refresh';
import { describeError } from 'axios-token-refresh/messages';
import { find, say } from './elements.js';
import { off } from './words.js';

export interface Situation {
  readonly snapshot: SessionSnapshot;
  readonly user: string | undefined;
  /** By the session's clock. */
  readonly now: number;
  readonly isOffline: boolean;
  readonly tabs: number;
}

interface Notice {
  readonly text: string;
  readonly offersSignIn: boolean;
}

export function createStatus(): (situation: Situation) => void {
  const headline = find('headline', HTMLElement);
  const detail = find('detail', HTMLElement);
  const notice = find('notice', HTMLElement);
  const noticeText = find('notice-text', HTMLElement);
  const again = find('again', HTMLButtonElement);
  const state = find('state', HTMLElement);

  return (situation) => {
    const { snapshot, user, isOffline } = situation;
    state.dataset['status'] = isOffline ? 'offline' : snapshot.status;
    say(headline, headlineOf(snapshot, user));
    say(detail, detailOf(situation));
    const told = noticeOf(situation);
    notice.hidden = told === undefined;
    say(noticeText, told?.text ?? '');
    again.hidden = !told?.offersSignIn;
    say(again, `Sign in again as ${nameOf(user ?? 'alice')}`);
  };
}

export const nameOf = (user: string): string => user.charAt(0).toUpperCase() + user.slice(1);

function headlineOf({ status }: SessionSnapshot, user: string | undefined): string {
  switch (status) {
    case 'loading':
      return 'One moment…';
    case 'signed-out':
      return 'Signed out';
    case 'expired':
      return 'Session ended';
    case 'active':
      return user === undefined ? 'Restoring the session…' : `Signed in as ${nameOf(user)}`;
  }
}

function detailOf({ snapshot, now, tabs }: Situation): string {
  const { status, expiresAt, isRefreshing, waiting, clockSkewMs = 0 } = snapshot;
  const leftMs = (expiresAt ?? 0) - now;
  const parts = [
    status === 'active' && (leftMs > 0 ? `Token valid for ${Math.ceil(leftMs / 1_000)} s` : 'Token has expired'),
    status === 'signed-out' && 'Sign in as Alice or Bob',
    isRefreshing && 'refreshing',
    waiting > 0 && `${waiting} waiting`,
    tabs > 1 && `shared by ${tabs} tabs`,
    Math.abs(clockSkewMs) > 30_000 && `this clock is ${off(clockSkewMs)} the server's`,
  ];
  return parts.filter((part) => part !== false).join(' · ');
}

/** Said once by a screen reader: without the seconds, which are in the detail. */
function noticeOf({ snapshot, isOffline }: Situation): Notice | undefined {
  const { status, error, endsAt } = snapshot;
  if (status === 'expired') return { text: describeError(error).message, offersSignIn: true };
  if (isOffline) return { text: 'You are offline. Your session is kept.', offersSignIn: false };
  if (status !== 'active') return undefined;
  if (endsAt !== undefined) return { text: 'Your session ends with this token.', offersSignIn: true };
  return error && { text: describeError(error).message, offersSignIn: false };
}
