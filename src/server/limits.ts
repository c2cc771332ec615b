/** Rate limits. The only file that loads rate-limiter-flexible. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { checked, hasMethods, type Rule } from '../core/checks.js';
import { field } from '../core/redact.js';
import { rate } from './checks.js';
import { bounded } from './deadline.js';

/** Any limiter of rate-limiter-flexible, over memory, Redis or PostgreSQL. */
export interface Limiter {
  /** Takes one point. Rejects with `{ msBeforeNext }` when none is left, and with an `Error` when it is out of order. */
  consume(key: string): Promise<unknown>;
}

/** So many requests of one key in so much time. */
export interface Limit {
  /** 1 to 1_000_000_000. */
  readonly points: number;
  /** Milliseconds, a whole number of at least 1000. */
  readonly durationMs: number;
}

export interface LimitOptions {
  /** Per address; IPv6 addresses count by their first 56 bits. @default `{ points: 60, durationMs: 60_000 }` */
  readonly byIp?: Limit | Limiter | false;
  /** Per session, that is per family of tokens. @default `{ points: 30, durationMs: 60_000 }` */
  readonly byFamily?: Limit | Limiter | false;
}

export type LimitName = keyof LimitOptions;

export interface Exceeded {
  readonly retryAfterMs: number;
  /** The first time for this key within a minute: what follows is not told again. */
  readonly isNews: boolean;
}

export interface Limits {
  /** Takes one point of `key`; `undefined` if there was one. */
  take(name: LimitName, key: string): Promise<Exceeded | undefined>;
}

const limit: Rule = [
  `a limiter with consume(), false, or ${rate[0]}`,
  (value) => value === false || hasMethods(value, ['consume']) || rate[1](value),
];

const defaultLimits: Readonly<Record<LimitName, Limit>> = {
  byIp: { points: 60, durationMs: 60_000 },
  byFamily: { points: 30, durationMs: 60_000 },
};

/**
 * @param fault told of a limiter that is out of order
 * @throws {TypeError} naming the option
 */
export function createLimits(given: LimitOptions = {}, fault: (error: unknown) => void): Limits {
  const rules = { byIp: limit, byFamily: limit };
  const { byIp, byFamily } = { ...defaultLimits, ...checked<LimitOptions>(given, rules, { path: 'limits' }) };
  const limiters = { byIp: limiterOf(byIp), byFamily: limiterOf(byFamily) };
  // While the shared store of a limiter is down, each process counts for itself: neither an open door nor a closed one.
  const insurance = { byIp: memoryLimiter(defaultLimits.byIp), byFamily: memoryLimiter(defaultLimits.byFamily) };
  const announced = memoryLimiter({ points: 1, durationMs: 60_000 });

  async function waitOf(limiter: Limiter, key: string): Promise<number | undefined> {
    try {
      await limiter.consume(key);
      return undefined;
    } catch (rejection) {
      const wait = field(rejection, 'msBeforeNext');
      if (rejection instanceof Error || typeof wait !== 'number') throw rejection;
      return wait;
    }
  }

  return {
    async take(name, key) {
      const limiter = limiters[name];
      if (limiter === false) return undefined;
      const retryAfterMs = await waitOf(limiter, key).catch((error: unknown) => {
        fault(error);
        return waitOf(insurance[name], key);
      });
      if (retryAfterMs === undefined) return undefined;
      return { retryAfterMs, isNews: (await waitOf(announced, `${name} ${key}`)) === undefined };
    },
  };
}

/** Counts something by key. Whether that makes `points` times within the duration: once per duration. */
export function createCounter(limit: Limit): (key: string) => Promise<boolean> {
  const counter = memoryLimiter(limit);
  return async (key) => (await counter.penalty(key)).consumedPoints === limit.points;
}

/** Longest wait for a limiter that has a store behind it, in milliseconds. */
const longestWaitMs = 1_000;

function limiterOf(option: Limit | Limiter | false): Limiter | false {
  if (option === false) return false;
  if (!('consume' in option)) return memoryLimiter(option);
  return { consume: (key) => bounded(longestWaitMs, 'The limiter', () => option.consume(key)) };
}

const memoryLimiter = ({ points, durationMs }: Limit): RateLimiterMemory =>
  new RateLimiterMemory({ points, duration: durationMs / 1000 });
