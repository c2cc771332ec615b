/** The contract of a store, held by those that we have, and its eye for broken ones. */
import { describe, expect, test } from '@jest/globals';
import { memoryStore, type TokenSet, type TokenStore } from '../../src/index.js';
import { tokenStoreContract, type ContractOptions, type MakeHolders } from '../../src/testing/index.js';
import { sharedPlace } from '../support/shared-store.js';

const oneMemory: MakeHolders = (count) => {
  const store = memoryStore();
  return Array.from({ length: count }, () => store);
};
const onePlace: MakeHolders = (count) => {
  const place = sharedPlace();
  return Array.from({ length: count }, () => place.holder());
};

describe.each([
  ['memoryStore', oneMemory],
  ['the shared place of the tests', onePlace],
])('%s keeps the contract', (_, makeHolders) => {
  for (const { name, run } of tokenStoreContract(makeHolders)) test(name, run);
});

type Complete = Required<TokenStore>;
/** What one holder of a place does wrong. */
type Breaking = (holder: Complete, index: number) => Partial<TokenStore>;

const never = (): Promise<never> => new Promise(() => undefined);
const without =
  (field: keyof TokenSet): Breaking =>
  ({ save }) => ({ save: (tokens) => save({ ...tokens, [field]: undefined }) });
const replacing =
  (replace: (holder: Complete, expected: TokenSet | undefined, next: TokenSet | undefined) => unknown): Breaking =>
  (holder) => ({ replace: async (expected, next) => Boolean(await replace(holder, expected, next)) });
const entering =
  (exclusive: (holder: Complete, work: () => Promise<unknown>, signal: AbortSignal) => unknown): Breaking =>
  (holder) => ({ exclusive: (work, signal) => exclusive(holder, work, signal) as never });
const writeOver = (holder: Complete, next: TokenSet | undefined): unknown =>
  next ? holder.save(next) : holder.clear();

const broken: Record<string, readonly [fault: string, breaking: Breaking, message: RegExp][]> = {
  'a place that nobody has written to holds nothing': [
    ['begins with something', ({ load }) => ({ load: async () => (await load()) ?? { accessToken: 'a' } }), /nothing/],
  ],
  'what is saved is loaded, every field of it, by every holder': [
    ['keeps nothing', () => ({ save: () => undefined }), /everything/],
    ['keeps it for itself', (_, index) => (index > 0 ? memoryStore() : {}), /everything/],
    ['loses the refresh token', without('refreshToken'), /refreshToken differ/],
    ['loses the expiry', without('expiresAt'), /expiresAt differ/],
    ['loses the audience', without('audience'), /audience differ/],
    ['loses the subject', without('subject'), /subject differ/],
    [
      'is hours off',
      ({ save }) => ({ save: (tokens) => save({ ...tokens, expiresAt: (tokens.expiresAt ?? 0) + 7_200_000 }) }),
      /expiresAt differ/,
    ],
  ],
  'a lifetime in seconds is kept as it is': [['loses it', without('expiresIn'), /expiresIn differ/]],
  'a moment of expiry in the past stays in the past': [
    [
      'gives dead tokens a life',
      ({ save }) => ({ save: (t) => save({ ...t, expiresAt: Math.max(t.expiresAt ?? 0, Date.now()) }) }),
      /expiresAt differ/,
    ],
  ],
  'long tokens and every character that a token may have are kept': [
    [
      'cuts',
      ({ save }) => ({ save: (t) => save({ ...t, accessToken: t.accessToken.slice(0, 4_096) }) }),
      /accessToken/,
    ],
    [
      'escapes',
      ({ save }) => ({ save: (t) => save({ ...t, refreshToken: encodeURIComponent(t.refreshToken ?? '') }) }),
      /refreshToken/,
    ],
  ],
  'what is saved replaces all of what was saved before': [
    [
      'merges',
      ({ save, load }) => ({ save: async (tokens) => save({ ...(await load()), ...tokens }) }),
      /refreshToken/,
    ],
  ],
  'what is cleared is gone for every holder, and clearing nothing is fine': [
    ['never clears', () => ({ clear: () => undefined }), /nothing/],
    [
      'remembers what it has read',
      ({ load }) => {
        let read: TokenSet | undefined;
        return { load: async () => (read ??= await load()) };
      },
      /nothing/,
    ],
    [
      'throws when there is nothing to clear',
      ({ load, clear }) => ({
        clear: async () => {
          if (!(await load())) throw new Error('no such record');
          return clear();
        },
      }),
      /no such record/,
    ],
  ],
  'after a sign-out somebody may sign in again': [
    [
      'is closed for good',
      ({ clear, save }) => {
        let isClosed = false;
        return {
          clear: () => {
            isClosed = true;
            return clear();
          },
          save: async (tokens) => {
            if (!isClosed) await save(tokens);
          },
          load: () => Promise.resolve(undefined),
        };
      },
      /everything/,
    ],
  ],
  'replace puts the next tokens, all their fields, in the place of the expected ones': [
    ['never does', replacing(() => false), /true/],
    ['only says so', replacing(() => true), /refreshToken/],
    [
      'loses fields',
      replacing((holder, expected, next) =>
        holder.replace(expected, next && { accessToken: next.accessToken, refreshToken: next.refreshToken }),
      ),
      /expiresAt, audience, subject/,
    ],
  ],
  'replace knows the expected tokens by access and refresh token alone': [
    [
      'compares everything',
      replacing(
        async (holder, expected, next) =>
          JSON.stringify(await holder.load()) === JSON.stringify(expected) && holder.replace(expected, next),
      ),
      /whatever the other fields/,
    ],
  ],
  'replace does nothing where the place holds another access token': [
    [
      'looks at the refresh token alone',
      replacing(async (holder, expected, next) => {
        if ((await holder.load())?.refreshToken !== expected?.refreshToken) return false;
        await writeOver(holder, next);
        return true;
      }),
      /false/,
    ],
    [
      'writes and says that it has not',
      replacing(async (holder, _, next) => {
        await writeOver(holder, next);
        return false;
      }),
      /differ/,
    ],
  ],
  'replace does nothing where the place holds another refresh token': [
    [
      'looks at the access token alone',
      replacing(async (holder, expected, next) => {
        if ((await holder.load())?.accessToken !== expected?.accessToken) return false;
        await writeOver(holder, next);
        return true;
      }),
      /false/,
    ],
  ],
  'replace does nothing where the place holds no refresh token': [
    [
      'takes a missing one for any',
      replacing(async (holder, expected, next) => {
        const held = await holder.load();
        const fits = held?.accessToken === expected?.accessToken;
        if (!fits || (held?.refreshToken ?? expected?.refreshToken) !== expected?.refreshToken) return false;
        await writeOver(holder, next);
        return true;
      }),
      /false/,
    ],
  ],
  'replace does nothing where the place holds any tokens and nothing was expected': [
    [
      'takes nothing for anything',
      replacing(async (holder, expected, next) => {
        if (expected) return holder.replace(expected, next);
        await writeOver(holder, next);
        return true;
      }),
      /false/,
    ],
  ],
  'replace does nothing after a sign-out': [
    [
      'fills what has been cleared',
      replacing(async (holder, expected, next) => holder.replace((await holder.load()) && expected, next)),
      /false/,
    ],
  ],
  'replace fills a place that holds nothing, and empties it again': [
    [
      'does not fill',
      replacing((holder, expected, next) => expected && holder.replace(expected, next)),
      /undefined, tok/,
    ],
    [
      'does not empty',
      replacing((holder, expected, next) => next && holder.replace(expected, next)),
      /tokens, undefined/,
    ],
    [
      'only says that it has emptied',
      replacing((holder, expected, next) => (next ? holder.replace(expected, next) : true)),
      /nothing/,
    ],
    [
      'fills once only',
      (holder) => {
        let fills = 0;
        return { replace: async (e, next) => (e ?? fills++ === 0) !== false && holder.replace(e, next) };
      },
      /after an emptying/,
    ],
  ],
  'of replaces that race exactly one wins, and its tokens are held': [
    [
      'looks first and writes then',
      replacing(async (holder, expected, next) => {
        const held = await holder.load();
        if (held?.accessToken !== expected?.accessToken || held?.refreshToken !== expected?.refreshToken) return false;
        await writeOver(holder, next);
        return true;
      }),
      /exactly one of 4/,
    ],
    ['lets nobody win', replacing(() => false), /not 0/],
  ],
  'exclusive runs the work once and passes on what it returns': [
    [
      'runs it twice',
      entering(async (_, work) => {
        await work();
        return work();
      }),
      /one run/,
    ],
    ['returns nothing', entering((holder, work, signal) => holder.exclusive(work, signal).then(() => 0)), /its result/],
    ['never runs it', entering(never), /to be run/],
  ],
  'exclusive passes on what the work throws, and the next one has its turn': [
    [
      'swallows it',
      entering((holder, work, signal) => holder.exclusive(work, signal).catch(() => undefined)),
      /very error/,
    ],
    [
      'wraps it',
      entering((h, work, signal) => h.exclusive(work, signal).catch(() => Promise.reject(new Error('wrapped')))),
      /very error/,
    ],
    [
      'is stuck after a failure',
      entering(
        (holder, work, signal) =>
          new Promise((resolve) => {
            const turn = (): Promise<unknown> => {
              const running = work();
              resolve(running);
              return running.catch(never);
            };
            void holder.exclusive(turn, signal);
          }),
      ),
      /free turn/,
    ],
  ],
  'exclusive lets one holder in at a time, and all of them in the end': [
    ['lets everybody in', entering((_, work) => work()), /not 3|not 6/],
    [
      'excludes other holders only',
      (holder) => {
        let turn: Promise<unknown> | undefined;
        return {
          exclusive: (work, signal) => {
            if (turn) return work();
            const given = holder.exclusive(work, signal);
            turn = given.finally(() => (turn = undefined));
            return given;
          },
        };
      },
      /one holder inside/,
    ],
    [
      'forgets who waits',
      (holder) => {
        let isBusy = false;
        return {
          exclusive: (work, signal) => {
            if (isBusy) return never();
            isBusy = true;
            return holder.exclusive(work, signal).finally(() => (isBusy = false));
          },
        };
      },
      /short turns/,
    ],
  ],
  'exclusive waits as long as another’s work goes on': [
    [
      'waits for 20 ms only',
      entering((holder, work, signal) => {
        const waiting = new AbortController();
        let running: Promise<unknown> | undefined;
        const run = (): Promise<unknown> => (running ??= work());
        setTimeout(() => waiting.abort(), 20);
        return holder.exclusive(run, running ? signal : waiting.signal).catch(run);
      }),
      /to wait for the first/,
    ],
  ],
  'an abort ends the wait for a turn: exclusive rejects, and the work is never run': [
    ['does not listen', entering((holder, work) => holder.exclusive(work, new AbortController().signal)), /to settle/],
    [
      'resolves',
      entering((holder, work, signal) => holder.exclusive(work, signal).catch(() => undefined)),
      /to reject/,
    ],
    [
      'runs it all the same',
      entering((holder, work, signal) => {
        const aborted = new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
        return Promise.race([holder.exclusive(work, new AbortController().signal), aborted]);
      }),
      /not to be run/,
    ],
    [
      'keeps a place in the queue for who has left',
      entering((holder, work, signal) => {
        const aborted = new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
        const stay = (): Promise<unknown> => (signal.aborted ? never() : work());
        return Promise.race([holder.exclusive(stay, new AbortController().signal), aborted]);
      }),
      /free turn/,
    ],
  ],
  'an abort during the work does not cut it short': [
    [
      'cuts it short',
      entering((holder, work, signal) => {
        const cut = new Promise((resolve) => signal.addEventListener('abort', () => resolve('cut')));
        return holder.exclusive(() => Promise.race([work(), cut]), new AbortController().signal);
      }),
      /until the work ends/,
    ],
  ],
  'another holder’s save is heard': [
    ['never tells', () => ({ subscribe: () => () => undefined }), /another’s writing/],
    [
      'tells of a while only',
      ({ subscribe }) => ({
        subscribe: (changed) => {
          let left = 1;
          return subscribe(() => {
            if (left-- > 0) changed();
          });
        },
      }),
      /another’s save/,
    ],
  ],
  'another holder’s clear is heard': [
    [
      'tells of tokens only',
      ({ subscribe, load }) => ({
        subscribe: (changed) =>
          subscribe(() => {
            void Promise.resolve(load()).then((tokens) => tokens && changed());
          }),
      }),
      /another’s clear/,
    ],
  ],
  'another holder’s replace is heard': [
    [
      'tells of what is saved only',
      ({ subscribe, load }) => ({
        subscribe: (changed) =>
          subscribe(() => {
            void Promise.resolve(load()).then((tokens) => tokens?.accessToken !== 'access-new' && changed());
          }),
      }),
      /another’s replace/,
    ],
  ],
  'who has unsubscribed hears no more, and the others still do': [
    [
      'cannot be left',
      ({ subscribe }) => ({
        subscribe: (changed) => {
          subscribe(changed);
          return () => undefined;
        },
      }),
      /no word after/,
    ],
    [
      'is left by all at once',
      (() => {
        let isOver = false;
        const breaking: Breaking = ({ subscribe }) => {
          isOver = false;
          return {
            subscribe: (changed) => {
              subscribe(() => {
                if (!isOver) changed();
              });
              return () => (isOver = true);
            },
          };
        };
        return breaking;
      })(),
      /still to be told/,
    ],
  ],
  'one of several holders is the first to claim': [
    ['lets everybody be the first', () => ({ claim: () => Promise.resolve(true) }), /no second holder/],
    ['lets nobody be the first', () => ({ claim: () => Promise.resolve(false) }), /one holder to be the first/],
    [
      'forgets who was the first',
      (() => {
        const answers = [true, false, false, true, false, false];
        return () => ({ claim: () => Promise.resolve(answers.shift() ?? false) });
      })(),
      /a second time/,
    ],
  ],
  'what is written afterwards can be claimed anew': [
    [
      'remembers a claim for ever',
      (() => {
        let isClaimed = false;
        return () => ({
          claim: () => {
            const isFirst = !isClaimed;
            isClaimed = true;
            return Promise.resolve(isFirst);
          },
        });
      })(),
      /again after a save/,
    ],
    ...(['replace', 'clear'] as const).map((method): [fault: string, breaking: Breaking, message: RegExp] => [
      `keeps a claim over ${method}()`,
      (() => {
        let isClaimed = false;
        const breaking: Breaking = (holder) => ({
          claim: () => {
            const isFirst = !isClaimed;
            isClaimed = true;
            return Promise.resolve(isFirst);
          },
          save: async (tokens) => {
            isClaimed &&= method === 'clear' && (await holder.load()) === undefined;
            await holder.save(tokens);
          },
          replace: (expected, next) => {
            isClaimed &&= method === 'replace';
            return holder.replace(expected, next);
          },
        });
        return breaking;
      })(),
      new RegExp(`again after a ${method}`),
    ]),
  ],
};

describe('the contract notices a store that', () => {
  const names = tokenStoreContract(onePlace).map(({ name }) => name);

  test('is broken in any of its rules: each has an example here', () => {
    expect(Object.keys(broken).sort()).toStrictEqual([...names].sort());
  });

  describe.each(Object.entries(broken))('%s', (name, faults) => {
    test.each(faults)('%s', async (_, breaking, message) => {
      const makeHolders: MakeHolders = (count) => {
        const place = sharedPlace();
        return Array.from({ length: count }, (_, index) => {
          const holder = place.holder();
          return { ...holder, ...breaking(holder, index) };
        });
      };
      const found = tokenStoreContract(makeHolders, { patienceMs: 200 }).find((rule) => rule.name === name);
      await expect(found?.run()).rejects.toThrow(message);
    });
  });

  const faulty: [string, Breaking, RegExp][] = [
    ['never answers', () => ({ load: never }), /load\(\) to settle within 100 ms/],
    [
      'throws a string',
      () => ({ save: () => ({ then: (_: unknown, reject: (reason: string) => void) => reject('nope') }) as never }),
      /not to fail/,
    ],
    ['returns null for nothing', ({ load }) => ({ load: async () => (await load()) ?? (null as never) }), /not null/],
    ['returns nothing from subscribe', () => ({ subscribe: () => undefined as never }), /what ends it/],
    [
      'rejects when aborted during the work',
      entering((_, work, signal) => {
        const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))));
        return Promise.race([work(), aborted]);
      }),
      /not to reject while the work goes on/,
    ],
  ];
  test.each(faulty)('%s: a case fails with a sentence', async (_, breaking, message) => {
    const makeHolders: MakeHolders = (count) => {
      const place = sharedPlace();
      return Array.from({ length: count }, (_, index) => {
        const holder = place.holder();
        return { ...holder, ...breaking(holder, index) };
      });
    };
    const cases = tokenStoreContract(makeHolders, { patienceMs: 100 });
    const reasons = await Promise.all(cases.map(({ run }) => run().catch((reason: unknown) => reason)));
    expect(reasons.filter((reason) => reason !== undefined && !(reason instanceof Error))).toStrictEqual([]);
    expect(reasons.map(String).join('\n')).toMatch(message);
  });

  test.each([
    ['patienceMs of 0', { patienceMs: 0 }, 'patienceMs'],
    ['patienceMs of 60', { patienceMs: 60 }, 'patienceMs'],
    ['patienceMs of NaN', { patienceMs: NaN }, 'patienceMs'],
    ['patienceMs of Infinity', { patienceMs: Infinity }, 'patienceMs'],
    ['an unknown option', { patience: 100 }, 'patience'],
  ])('is given %s: a TypeError that names it', (_, options, name) => {
    expect(() => tokenStoreContract(onePlace, options as ContractOptions)).toThrow(TypeError);
    expect(() => tokenStoreContract(onePlace, options as ContractOptions)).toThrow(name);
  });

  test('is made by nobody', () => {
    expect(() => tokenStoreContract(null as unknown as MakeHolders)).toThrow(
      new TypeError('tokenStoreContract expects a function makeHolders.'),
    );
  });

  test('is made in the wrong number', async () => {
    const [first] = tokenStoreContract(() => []);
    await expect(first?.run()).rejects.toThrow(new TypeError('makeHolders(1) must return 1 stores, got 0.'));
  });
});
