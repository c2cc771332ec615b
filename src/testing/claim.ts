/** `claim`: of a trouble that all holders share, one of them tells. */
import { expect, nth, tokensOf, type Rule } from './rule.js';
import type { TokenStore } from '../types.js';

const twice = 'Operators would be called once per holder.';
const never = 'Operators would not be called at all.';

function claim(store: TokenStore): Promise<boolean> {
  if (!store.claim) throw new TypeError('The store has no method "claim".');
  return store.claim('escalation');
}

async function claims(stores: readonly TokenStore[]): Promise<number> {
  const answers = await Promise.all(stores.map((store) => claim(store)));
  return answers.filter(Boolean).length;
}

export const claimRules: readonly Rule[] = [
  {
    name: 'one of several holders is the first to claim',
    method: 'claim',
    holders: 3,
    async check(stores) {
      await nth(stores, 0).save(tokensOf('held'));
      for (const store of stores) await store.load();
      const first = await claims(stores);
      expect(first > 0, 'one holder to be the first', never);
      expect(first === 1, 'no second holder to be the first', twice);
      expect((await claims(stores)) === 0, 'nobody to be the first a second time', twice);
    },
  },
  {
    name: 'what is written afterwards can be claimed anew',
    method: 'claim',
    holders: 2,
    async check(stores) {
      const [first, second] = [nth(stores, 0), nth(stores, 1)];
      await first.save(tokensOf('held'));
      await second.load();
      await claim(first);
      await second.save(tokensOf('new'));
      await first.load();
      expect((await claims(stores)) === 1, 'one holder to be the first again after a save()', never);
      if (second.replace) {
        await second.replace(tokensOf('new'), tokensOf('newer'));
        await first.load();
        expect((await claims(stores)) === 1, 'one holder to be the first again after a replace()', never);
      }
      await first.clear();
      await first.save(tokensOf('newest'));
      await second.load();
      expect((await claims(stores)) === 1, 'one holder to be the first again after a clear() and a save()', never);
    },
  },
];
