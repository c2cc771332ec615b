/** `load`, `save` and `clear`. */
import type { TokenSet } from '../types.js';
import { expectHeld, nth, tokensOf, type Rule } from './rule.js';

const everyHolder = 'Every holder of a place must read the same, or two of them refresh one refresh token.';

/** Each field at its fullest. */
export function fullTokens(name: string): TokenSet {
  return {
    ...tokensOf(name),
    expiresAt: Date.now() + 3_600_000,
    audience: ['https://api.example.com', 'https://files.example.com:8443'],
    subject: 'ada|örjan 🙂 "quoted"\\',
  };
}

export const keepingRules: readonly Rule[] = [
  {
    name: 'a place that nobody has written to holds nothing',
    holders: 1,
    async check(stores) {
      await expectHeld(nth(stores, 0), undefined, 'A session would start with tokens that nobody has given it.');
    },
  },
  {
    name: 'what is saved is loaded, every field of it, by every holder',
    holders: 2,
    async check(stores) {
      const given = fullTokens('full');
      await nth(stores, 0).save(given);
      for (const store of stores) await expectHeld(store, given, everyHolder);
    },
  },
  {
    name: 'a lifetime in seconds is kept as it is',
    holders: 1,
    async check(stores) {
      const given = { accessToken: 'access', expiresIn: 3_600 };
      await nth(stores, 0).save(given);
      await expectHeld(nth(stores, 0), given, 'Without it the token counts as one that never expires.');
    },
  },
  {
    name: 'a moment of expiry in the past stays in the past',
    holders: 1,
    async check(stores) {
      const given = { ...tokensOf('dead'), expiresAt: Date.now() - 3_600_000 };
      await nth(stores, 0).save(given);
      await expectHeld(nth(stores, 0), given, 'A token known to have expired is never sent.');
    },
  },
  {
    name: 'long tokens and every character that a token may have are kept',
    holders: 1,
    async check(stores) {
      const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join('');
      const given = { accessToken: visible.repeat(100), refreshToken: `${visible}${visible}` };
      await nth(stores, 0).save(given);
      await expectHeld(nth(stores, 0), given, 'A token that is cut or changed is refused by the server.');
    },
  },
  {
    name: 'what is saved replaces all of what was saved before',
    holders: 2,
    async check(stores) {
      await nth(stores, 0).save(fullTokens('first'));
      await nth(stores, 1).save({ accessToken: 'second' });
      const why = 'A field of the first set beside the second is a refresh token of somebody else.';
      for (const store of stores) await expectHeld(store, { accessToken: 'second' }, why);
    },
  },
  {
    name: 'what is cleared is gone for every holder, and clearing nothing is fine',
    holders: 2,
    async check(stores) {
      await nth(stores, 1).clear();
      await nth(stores, 0).save(tokensOf('first'));
      for (const store of stores) await store.load();
      await nth(stores, 1).clear();
      for (const store of stores) await expectHeld(store, undefined, 'A sign-out is everybody’s.');
      await nth(stores, 0).clear();
    },
  },
  {
    name: 'after a sign-out somebody may sign in again',
    holders: 2,
    async check(stores) {
      await nth(stores, 0).save(tokensOf('first'));
      await nth(stores, 0).clear();
      await nth(stores, 1).save(tokensOf('second'));
      for (const store of stores) await expectHeld(store, tokensOf('second'), everyHolder);
    },
  },
];
