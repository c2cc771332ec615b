/** `replace`: one step, and only where nobody has written meanwhile. */
import type { TokenSet, TokenStore } from '../types.js';
import { fullTokens } from './keeping.js';
import { expect, expectHeld, nth, tokensOf, type Rule } from './rule.js';

const noUndoing = 'A slow refresh must not undo a sign-in or a sign-out of another holder.';
const rounds = 10;

function replace(store: TokenStore, expected: TokenSet | undefined, next: TokenSet | undefined): Promise<boolean> {
  if (!store.replace) throw new TypeError('The store has no method "replace".');
  return store.replace(expected, next);
}

export const replaceRules: readonly Rule[] = [
  {
    name: 'replace puts the next tokens, all their fields, in the place of the expected ones',
    method: 'replace',
    holders: 2,
    async check(stores) {
      await nth(stores, 0).save(tokensOf('first'));
      const next = fullTokens('next');
      const stands = await replace(nth(stores, 1), tokensOf('first'), next);
      expect(stands, 'replace() to resolve to true when the expected tokens are held', 'The refresh was not stored.');
      for (const store of stores) await expectHeld(store, next, 'Others would refresh with a spent refresh token.');
    },
  },
  {
    name: 'replace knows the expected tokens by access and refresh token alone',
    method: 'replace',
    holders: 1,
    async check(stores) {
      const store = nth(stores, 0);
      await store.save(fullTokens('first'));
      const stands = await replace(store, tokensOf('first'), tokensOf('next'));
      const why = 'The session remembers other fields differently, `expiresAt` above all.';
      expect(stands, 'replace() to resolve to true whatever the other fields are', why);
    },
  },
  ...(
    [
      ['another access token', tokensOf('first'), { ...tokensOf('first'), accessToken: 'other' }],
      ['another refresh token', tokensOf('first'), { ...tokensOf('first'), refreshToken: 'other' }],
      ['no refresh token', { accessToken: 'access-first' }, tokensOf('first')],
      ['any tokens', tokensOf('first'), undefined],
    ] as const
  ).map(([held, stored, expected]): Rule => ({
    name: `replace does nothing where the place holds ${held}${expected ? '' : ' and nothing was expected'}`,
    method: 'replace',
    holders: 2,
    async check(stores) {
      await nth(stores, 0).save(stored);
      for (const next of [tokensOf('next'), undefined]) {
        const stands = await replace(nth(stores, 1), expected, next);
        expect(!stands, 'replace() to resolve to false when other tokens are held', noUndoing);
        await expectHeld(nth(stores, 1), stored, noUndoing);
      }
    },
  })),
  {
    name: 'replace does nothing after a sign-out',
    method: 'replace',
    holders: 2,
    async check(stores) {
      await nth(stores, 0).save(tokensOf('first'));
      await nth(stores, 1).load();
      await nth(stores, 0).clear();
      const stands = await replace(nth(stores, 1), tokensOf('first'), tokensOf('next'));
      expect(!stands, 'replace() to resolve to false after clear()', noUndoing);
      await expectHeld(nth(stores, 1), undefined, noUndoing);
    },
  },
  {
    name: 'replace fills a place that holds nothing, and empties it again',
    method: 'replace',
    holders: 2,
    async check(stores) {
      const filled = await replace(nth(stores, 0), undefined, tokensOf('first'));
      expect(filled, 'replace(undefined, tokens) to resolve to true', 'A session restored without a store is lost.');
      const emptied = await replace(nth(stores, 1), tokensOf('first'), undefined);
      expect(emptied, 'replace(tokens, undefined) to resolve to true', 'An expiry would not be stored.');
      for (const store of stores) await expectHeld(store, undefined, 'An expired session would come back.');
      const refilled = await replace(nth(stores, 0), undefined, tokensOf('second'));
      expect(refilled, 'replace(undefined, tokens) to resolve to true after an emptying', 'Nobody could start anew.');
    },
  },
  {
    name: 'of replaces that race exactly one wins, and its tokens are held',
    method: 'replace',
    holders: 4,
    async check(stores) {
      let current: TokenSet | undefined;
      for (let round = 0; round < rounds; round += 1) {
        const offers = stores.map((store, index) => ({ store, next: tokensOf(`${round}-${index}`) }));
        const stood = await Promise.all(offers.map(({ store, next }) => replace(store, current, next)));
        const winners = offers.filter((_, index) => stood[index]);
        const why = 'Two holders would each believe that their refresh token is the next one.';
        expect(winners.length === 1, `exactly one of ${stores.length} replaces to win, not ${winners.length}`, why);
        current = nth(winners, 0).next;
        for (const store of stores) await expectHeld(store, current, why);
      }
    },
  },
];
