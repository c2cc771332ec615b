import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { HoldersScene, type FaultKind, type Outcome, type Step, type StoreMethod } from './holders-scene.js';
import { withJitter } from './jitter.js';

const runs = 400;
const at = fc.integer({ min: 0, max: 3 });

const peaceful: fc.WeightedArbitrary<Step>[] = [
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('request' as const), at }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('refresh' as const), at }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 500, max: 7_000 }), fc.constant(61_000)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('sign-in' as const),
      at,
      user: fc.constantFrom('ada' as const, 'bob' as const),
      dead: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sign-out' as const), at }) },
];

const troubled: fc.WeightedArbitrary<Step>[] = [
  ...peaceful,
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('deafen' as const, 'undeafen' as const), at }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      at,
      method: fc.constantFrom<StoreMethod[]>('load', 'save', 'clear', 'replace', 'exclusive'),
      how: fc.constantFrom<FaultKind[]>('before', 'after', 'never'),
    }),
  },
];

const outcome: fc.Arbitrary<Outcome> = fc.record({
  kind: fc.constantFrom<Outcome['kind'][]>('ok', 'ok', 'ok', 'ok', 'unreachable', 'lost', 'refused', 'hang'),
  delayMs: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 500, max: 9_000 })),
});

describe('G7, G10, G11, G26 several holders of one place over random schedules', () => {
  test.each([
    ['that works', peaceful],
    ['that fails, and loses word of changes', troubled],
  ])(
    'on a store %s: one refresh at a time, sign-ins and sign-outs stand, everybody settles',
    async (_, steps) => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 2, max: 4 }),
          fc.array(outcome, { maxLength: 12 }),
          fc.array(fc.oneof(...steps), { minLength: 1, maxLength: 25, size: 'max' }),
          fc.integer(),
          async (holders, outcomes, schedule, seed) => {
            await withJitter(seed, () => new HoldersScene(holders, outcomes).play(schedule));
          },
        ),
        { numRuns: runs },
      );
    },
    60_000,
  );
});
