/** What a session is at one moment, and what it becomes: pure. */
import type { TokenError } from '../errors.js';
import type { EventPayload, FailureKind, SessionSnapshot, SessionStatus } from '../types.js';
import { cooldownMs, leftOf, plannedAge, spacingLeft, type Held } from './freshness.js';
import { after, elapsed, type Instant } from './lifetime.js';

/** Whose session it is: a sign-out or another user ends one holder and begins the next. */
export interface Holder {
  readonly id: number;
  readonly subject: string | undefined;
}

/** What a request is given. */
export interface Credential {
  readonly held: Held;
  readonly generation: number;
  readonly holder: Holder;
}

export interface Streak {
  readonly kinds: Readonly<Partial<Record<FailureKind, number>>>;
  /** Moments of the wall clock. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface State<Operation> {
  readonly status: SessionStatus;
  readonly generation: number;
  readonly holder: Holder;
  readonly credential: Credential | undefined;
  /** The refresh in flight. */
  readonly operation: Operation | undefined;
  /** Those that have failed since the last success: an attempt of theirs may still be answered. */
  readonly late: readonly Operation[];
  /** Signed out or refused: nothing refreshes by itself. */
  readonly dormant: boolean;
  /** Refused while the token lives on. */
  readonly ending: TokenError | undefined;
  readonly error: TokenError | undefined;
  readonly failures: number;
  /** The failures since the last success. */
  readonly streak: Streak | undefined;
  /** The streak has been told to the operators: by this holder of the session, or left to another one. */
  readonly escalated: 'here' | 'elsewhere' | undefined;
  /** End of the cooldown: over once either clock says so. A sleep may have stopped one of them. */
  readonly pausedUntil: Instant;
  readonly refreshedAt: Instant | undefined;
  /** The last refresh that a 401 forced. */
  readonly forcedAt: Instant | undefined;
  /** The server's clock minus ours, from the dates of its answers. */
  readonly skewMs: number | undefined;
  readonly disposed: boolean;
}

type Trouble = Omit<EventPayload<'refresh.escalated'>, 'operationId' | 'trigger' | 'error'>;

type Change<Operation> = Partial<State<Operation>>;

export const unpaused: Instant = { wall: -Infinity, monotonic: -Infinity };

const empty = { status: 'signed-out', credential: undefined, operation: undefined, ending: undefined } as const;
const healthy = {
  ending: undefined,
  error: undefined,
  failures: 0,
  streak: undefined,
  escalated: undefined,
  pausedUntil: unpaused,
} as const;
const unrefreshed = { refreshedAt: undefined, forcedAt: undefined, late: [] } as const;

export const initialState = {
  ...empty,
  ...healthy,
  ...unrefreshed,
  generation: 0,
  holder: { id: 0, subject: undefined },
  dormant: false,
  skewMs: undefined,
  disposed: false,
} as const;

export function sameHolder(a: Holder, b: Holder): boolean {
  return a.id === b.id || (a.subject !== undefined && a.subject === b.subject);
}

/** The holder once `subject`'s tokens arrive. Where either is unknown it is taken for the same. */
function holderFor(holder: Holder, subject: string | undefined): Holder {
  if (subject === undefined || subject === holder.subject) return holder;
  return { id: holder.subject === undefined ? holder.id : holder.id + 1, subject };
}

/** Whether tokens would leave the session with whom it is. */
export function isSameUser<O>({ holder }: State<O>, { subject }: Held): boolean {
  return sameHolder(holderFor(holder, subject), holder);
}

/** New tokens. `refreshedAt` is set if a refresh brought them, `forced` if a 401 made it. */
export function adopted<O>(state: State<O>, held: Held, refreshedAt?: Instant, forced = false): Change<O> {
  const generation = state.generation + 1;
  const holder = holderFor(state.holder, held.subject);
  const times = refreshedAt ? { refreshedAt, forcedAt: forced ? refreshedAt : state.forcedAt, late: [] } : unrefreshed;
  const credential = { held, generation, holder };
  return {
    ...healthy,
    ...times,
    status: 'active',
    operation: undefined,
    dormant: false,
    generation,
    holder,
    credential,
  };
}

/** The API refused the current token before its time. */
export function refused<O>({ credential }: State<O>): Change<O> {
  return credential ? { credential: { ...credential, held: { ...credential.held, refused: true } } } : {};
}

/** Another refresh token beside the same access token. */
export function rotated<O>({ credential }: State<O>, refreshToken: string): Change<O> {
  if (!credential) return {};
  const { held } = credential;
  const tokens = Object.freeze({ ...held.tokens, refreshToken });
  return { credential: { ...credential, held: Object.freeze({ ...held, tokens }) } };
}

/** A failed operation, before what it means for the session. The server may ask for a longer pause. */
export function failed<O>(
  state: State<O>,
  error: TokenError,
  now: Instant,
  random: number,
  retryAfterMs: number,
): Change<O> {
  const failures = state.failures + 1;
  const leftMs = state.credential ? leftOf(state.credential.held, now) : 0;
  return {
    operation: undefined,
    late: state.operation ? [...state.late, state.operation] : state.late,
    error,
    failures,
    streak: lengthened(state.streak, error.kind ?? 'callback', now.wall),
    pausedUntil: after(now, Math.max(cooldownMs(failures, leftMs, random), retryAfterMs)),
  };
}

function lengthened(streak: Streak | undefined, kind: FailureKind, at: number): Streak {
  const kinds = Object.freeze({ ...streak?.kinds, [kind]: (streak?.kinds[kind] ?? 0) + 1 });
  return { kinds, firstAt: streak?.firstAt ?? at, lastAt: at };
}

/** What operators are told of a streak. */
export function troubleOf({ failures, streak, credential }: State<unknown>, now: Instant): Trouble {
  const leftMs = credential ? Math.max(0, leftOf(credential.held, now)) : 0;
  return {
    consecutiveFailures: failures,
    kinds: streak?.kinds ?? {},
    firstFailureAt: streak?.firstAt ?? now.wall,
    lastFailureAt: streak?.lastAt ?? now.wall,
    leftMs: Number.isFinite(leftMs) ? leftMs : undefined,
  };
}

/**
 * Refused for good, and no living token left. Who never was signed in is still signed out; a service that starts from
 * nothing has a session to lose.
 */
export function expired<O>(state: State<O>, error: TokenError, startsFromNothing: boolean): Change<O> {
  const existed = state.status !== 'signed-out' || startsFromNothing;
  return {
    ...empty,
    status: existed ? 'expired' : 'signed-out',
    error,
    dormant: true,
    generation: state.generation + (state.credential ? 1 : 0),
  };
}

export function signedOut<O>(state: State<O>): Change<O> {
  const generation = state.generation + (state.credential ? 1 : 0);
  return {
    ...empty,
    ...healthy,
    ...unrefreshed,
    dormant: true,
    generation,
    holder: { id: state.holder.id + 1, subject: undefined },
  };
}

/**
 * Milliseconds until something is due without a request, `Infinity` for never: the death of a refused token, a planned
 * refresh, or the end of a cooldown (nothing happens then, but the network may come back before).
 */
export function nextLookMs(state: State<unknown>, now: Instant, scheduled: boolean, random: number): number {
  const { credential, ending, pausedUntil, refreshedAt } = state;
  const pauseMs = -elapsed(pausedUntil, now);
  if (credential && ending) return leftOf(credential.held, now);
  if (!credential || !scheduled) return pauseMs > 0 ? pauseMs : Infinity;
  const { held } = credential;
  return Math.max(plannedAge(held, random) - elapsed(held.anchor, now), pauseMs, spacingLeft(refreshedAt, held, now));
}

/** What is shown of it: `before` itself, where that says the same. */
export function pictureOf(state: State<unknown>, waiting: number, before?: SessionSnapshot): SessionSnapshot {
  const held = state.credential?.held;
  const at = (age: number): number | undefined => (held && Number.isFinite(age) ? held.anchor.wall + age : undefined);
  const expiresAt = held && at(held.expiryAge);
  const picture: SessionSnapshot = {
    status: state.status,
    isRefreshing: state.operation !== undefined,
    generation: state.generation,
    expiresAt,
    endsAt: state.ending && expiresAt,
    refreshAt: held && at(held.aheadAge),
    waiting,
    consecutiveFailures: state.failures,
    clockSkewMs: state.skewMs ?? held?.skewMs,
    error: state.error,
  };
  const names = Object.keys(picture) as (keyof SessionSnapshot)[];
  return before && names.every((name) => picture[name] === before[name]) ? before : Object.freeze(picture);
}
