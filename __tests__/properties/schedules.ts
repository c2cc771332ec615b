/** Random schedules: what the app does, what the servers answer, what the clocks do, and how the session is set up. */
import fc from 'fast-check';
import type { Rotation, User } from './authority.js';
import { retryAfters, type Outcome, type OutcomeKind } from './outcomes.js';
import { hour, minute } from './world.js';

export interface RequestStep {
  readonly kind: 'request';
  /** Which of the two instances on the session sends it. */
  readonly instance: 'first' | 'second';
  readonly body: 'none' | 'json' | 'wrapped' | 'form' | 'bytes' | 'stream';
  readonly text: string;
  /** How long the API takes. */
  readonly apiMs: number;
  /** Whether the API looks at the token when the request arrives, when it answers, or refuses whatever it is. */
  readonly judged: 'arriving' | 'answering' | 'never';
  readonly timeoutMs: number | undefined;
  readonly abortMs: number | undefined;
  /** How long the app's own interceptor takes, between ours and the wire. */
  readonly slowMs: number;
  /** If the next step is a request too, it comes in the same tick. */
  readonly together: boolean;
}

export type Step =
  | RequestStep
  | { readonly kind: 'advance' | 'sleep' | 'set-clock'; readonly ms: number }
  | { readonly kind: 'sign-in'; readonly user: User; readonly dead: boolean }
  | { readonly kind: 'sign-out' | 'revoke' | 'refresh' | 'token' };

export interface Setup {
  readonly ttlSeconds: number;
  readonly rotation: Rotation;
  /** Access tokens do not tell whose they are: the app signs one user out before another signs in. */
  readonly opaque: boolean;
  readonly whenMissing: 'send' | 'refresh' | 'reject';
  readonly retry: false | { readonly retries: number };
  readonly schedule: boolean;
  readonly refreshAhead: false | { readonly maxMs: number; readonly ttlFraction: number };
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
}

export interface Schedule {
  readonly setup: Setup;
  /** What becomes of the calls of the refresh callback, in order; those after the last succeed. */
  readonly outcomes: readonly Outcome[];
  readonly steps: readonly Step[];
  /** Of the session's own jitter. */
  readonly jitter: number;
}

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 3 });
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<T> => ({ weight, arbitrary });
const between = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const moment = <K extends 'advance' | 'sleep' | 'set-clock'>(
  kind: K,
  ms: fc.Arbitrary<number>,
): fc.Arbitrary<{ kind: K; ms: number }> => fc.record({ kind: fc.constant(kind), ms });

const request: fc.Arbitrary<RequestStep> = fc.record({
  kind: fc.constant('request' as const),
  instance: fc.constantFrom('first', 'second'),
  body: fc.constantFrom('none', 'none', 'json', 'wrapped', 'form', 'bytes', 'stream'),
  text: fc.string({ maxLength: 12, unit: 'grapheme' }),
  apiMs: fc.oneof(weighted(3, fc.constant(0)), weighted(1, between(1, 8_000))),
  judged: fc.constantFrom('answering', 'answering', 'arriving', 'arriving', 'arriving', 'never'),
  timeoutMs: optional(between(1, 20_000)),
  abortMs: optional(between(0, 6_000)),
  slowMs: fc.oneof(weighted(4, fc.constant(0)), weighted(1, between(1, 6_000))),
  together: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(8, request),
  weighted(7, moment('advance', fc.oneof(fc.constant(0), between(1, 500), between(500, 40_000)))),
  weighted(1, moment('sleep', fc.oneof(between(1, 90_000), between(1, 12 * hour)))),
  weighted(1, moment('set-clock', fc.oneof(between(-10 * minute, 10 * minute), between(-12 * hour, 12 * hour)))),
  weighted(
    2,
    fc.record({
      kind: fc.constant('sign-in' as const),
      user: fc.constantFrom('ada' as const, 'bob' as const),
      dead: fc.boolean(),
    }),
  ),
  weighted(1, fc.constant<Step>({ kind: 'sign-out' })),
  weighted(2, fc.constant<Step>({ kind: 'revoke' })),
  weighted(1, fc.constant<Step>({ kind: 'refresh' })),
  weighted(1, fc.constant<Step>({ kind: 'token' })),
);

const failing: readonly OutcomeKind[] = [
  'unreachable',
  'reset',
  'lost',
  'timed-out',
  'throttled',
  'unavailable',
  'gateway',
  'refused',
  'garbled',
  'nonsense',
  'same',
  'dead',
  'other-user',
  'throws',
  'hang',
];

const outcome: fc.Arbitrary<Outcome> = fc.record({
  kind: fc.oneof(weighted(1, fc.constant<OutcomeKind>('ok')), weighted(4, fc.constantFrom<OutcomeKind[]>(...failing))),
  // Up to what is late for an attempt, for an operation, and for anybody.
  delayMs: fc.oneof(between(0, 500), between(500, 40_000)),
  retryAfter: fc.constantFrom(...retryAfters),
});

const setup: fc.Arbitrary<Setup> = fc.record({
  ttlSeconds: fc.constantFrom(2, 10, 30, 60, 60, 600, 600),
  opaque: fc.constantFrom(false, false, true),
  rotation: fc.constantFrom('forgiving', 'refusing', 'revoking'),
  whenMissing: fc.constantFrom('send', 'send', 'refresh', 'reject'),
  retry: fc.constantFrom<(false | { retries: number })[]>(false, { retries: 2 }, { retries: 5 }),
  schedule: fc.constantFrom(false, false, true),
  refreshAhead: fc.constantFrom<Setup['refreshAhead'][]>(false, { maxMs: 300_000, ttlFraction: 0.4 }),
  maxWaiting: fc.constantFrom(1, 3, 1_000),
  maxWaitMs: fc.constantFrom(1_000, 15_000, 40_000),
});

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  setup,
  outcomes: fc.array(outcome, { maxLength: 12 }),
  steps: fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }),
  jitter: fc.integer(),
});
