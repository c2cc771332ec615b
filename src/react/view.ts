/** What a component is shown of a session: the same object until that changes, whatever else goes on. */
import type { TokenError } from '../errors.js';
import type { SessionSnapshot, SessionStatus } from '../types.js';

/** The part of a session's snapshot that a page shows. Frozen, without secrets. */
export interface TokenSessionView {
  /** `loading` on the server, while a page is hydrated, and while an asynchronous store is read. */
  readonly status: SessionStatus;
  /** A refresh is in flight. */
  readonly isRefreshing: boolean;
  /** When the access token expires, in milliseconds since the epoch; `undefined` if unknown. */
  readonly expiresAt: number | undefined;
  /**
   * When the session ends, in milliseconds since the epoch: the refresh has been refused, and the token lives on until
   * then. `undefined` while the session goes on, and where the token's expiry is unknown.
   */
  readonly endsAt: number | undefined;
  /** The last refresh failure; `undefined` after a success. */
  readonly error: TokenError | undefined;
}

/** What `viewOf` needs of a session. */
export interface Snapshots {
  getSnapshot(): SessionSnapshot;
}

/** What a server renders, and a page until it is hydrated: who is signed in is known in the browser alone. */
export const unknownYet: TokenSessionView = Object.freeze({
  status: 'loading',
  isRefreshing: false,
  expiresAt: undefined,
  endsAt: undefined,
  error: undefined,
});

// One view for all components of a session, also when React throws a render away.
const views = new WeakMap<Snapshots, TokenSessionView>();

export function viewOf(session: Snapshots): TokenSessionView {
  const { status, isRefreshing, expiresAt, endsAt, error } = session.getSnapshot();
  const last = views.get(session);
  const isSame =
    last?.status === status &&
    last.isRefreshing === isRefreshing &&
    last.expiresAt === expiresAt &&
    last.endsAt === endsAt &&
    last.error === error;
  if (isSame) return last;
  const view = Object.freeze({ status, isRefreshing, expiresAt, endsAt, error });
  views.set(session, view);
  return view;
}
