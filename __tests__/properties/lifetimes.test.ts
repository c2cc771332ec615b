import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { withJitter } from './jitter.js';
import { pause, second, watch, world } from './world.js';

const runs = 150;
const tenYears = 10 * 365 * 86_400;

const window = fc.record({
  maxMs: fc.oneof(fc.integer({ min: 1, max: 600_000 }), fc.constant(Number.MAX_SAFE_INTEGER)),
  ttlFraction: fc.double({ min: 0.001, max: 1, noNaN: true }),
});

describe('G4, G6 over random lifetimes and windows', () => {
  test('refreshes of living tokens are at least max(1 s, 10 %) apart, and every request leaves with a living one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          ttlSeconds: fc.oneof(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: tenYears })),
          // How much of its life a token has behind it when it arrives.
          spent: fc.constantFrom(0, 0, 0.5, 0.9, 0.99),
          delayMs: fc.integer({ min: 0, max: 200 }),
          schedule: fc.boolean(),
          refreshWindow: window,
          refreshAhead: fc.oneof(fc.constant(false as const), window),
        }),
        // When requests are made, in parts of a lifetime after the one before.
        fc.array(fc.double({ min: 0, max: 0.4, noNaN: true }), { minLength: 1, maxLength: 40, size: 'max' }),
        fc.integer(),
        ({ ttlSeconds, spent, delayMs, ...windows }, distances, seed) =>
          withJitter(seed, async () => {
            const lifetimeMs = ttlSeconds * second;
            // A day at most of a timer's short steps.
            const schedule = windows.schedule && ttlSeconds < 3_600;
            const deaths = new Map<string, number>();
            const w = world({
              ...windows,
              schedule,
              tokens: null,
              whenMissing: 'refresh',
              refresh: async (_context, { clock, issue }) => {
                await pause(clock, delayMs);
                const iat = clock.now() / second - ttlSeconds * spent;
                const expiresAt = (iat + ttlSeconds) * second;
                // Of a JWT that is not new its own dates would be taken for a clock that is off.
                const accessToken =
                  spent > 0 ? `opaque-${String(deaths.size)}` : issue(ttlSeconds, { iat, exp: iat + ttlSeconds });
                deaths.set(accessToken, expiresAt);
                return { accessToken, expiresAt };
              },
            });
            let refreshedAt = -Infinity;
            let deadAt = -Infinity;
            w.session.on('refresh.succeeded', ({ at }) => {
              refreshedAt = at;
              deadAt = w.session.getSnapshot().expiresAt ?? Infinity;
            });
            w.session.on('refresh.started', ({ at }) => {
              const gap = at - refreshedAt;
              const least = Math.max(second, lifetimeMs * (1 - spent) * 0.1);
              if (at < deadAt && gap < least - 1)
                throw new Error(`${String(gap)} ms after the refresh before: ${String(least)} expected`);
            });
            const faults: unknown[] = [];
            w.session.on('listener.failed', ({ error }) => faults.push(error));
            w.api.respond = (_config, token) => {
              if (token === undefined) faults.push('sent without a token');
              else if ((deaths.get(token) ?? 0) <= w.clock.now() - 0.01) faults.push('sent with a dead token');
              return {};
            };
            const requests = [];
            for (const distance of distances) {
              requests.push(watch(w.instance.get('/orders')));
              await w.clock.advance(distance * lifetimeMs);
            }
            await w.clock.advance(second);
            for (const { state, error } of requests)
              // A token whose last moments are shorter than the way to us cannot be had.
              if (state === 'pending' || (state === 'rejected' && lifetimeMs * (1 - spent) > 2 * delayMs))
                faults.push(error ?? state);
            if (faults.length > 0) throw faults[0] instanceof Error ? faults[0] : new Error(String(faults[0]));
            w.session.dispose();
          }),
      ),
      { numRuns: runs },
    );
  }, 60_000);
});
