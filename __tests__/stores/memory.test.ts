/** What tabs with tokens of their own share: who is signed in, and no token (G26). */
import { describe, expect, test } from '@jest/globals';
import type { TokenSet } from '../../src/index.js';
import { Keeper } from '../../src/stores/browser/keeper.js';
import { MemoryKeeper } from '../../src/stores/browser/memory.js';
import { jwt } from '../support/jwt.js';

interface Shared {
  content: unknown;
  isBroken: boolean;
  tab(): MemoryKeeper;
}

function shared(): Shared {
  const here: Shared = {
    content: undefined,
    isBroken: false,
    tab: () =>
      new MemoryKeeper(
        new Keeper(
          {
            async read() {
              if (here.isBroken) throw new DOMException('no', 'UnknownError');
              return here.content;
            },
            async update(next) {
              if (here.isBroken) throw new DOMException('no', 'UnknownError');
              here.content = next(here.content) ?? here.content;
            },
            release: () => undefined,
          },
          () => undefined,
        ),
      ),
  };
  return here;
}

const of = (subject: string | undefined, accessToken: string): TokenSet => ({ accessToken, subject });

describe('who is signed in', () => {
  test('a tab without tokens takes over a stand-in, dead and without secrets', async () => {
    const here = shared();
    await here.tab().write({ ...of('Zoë', 'secret'), refreshToken: 'secret' });
    expect(JSON.stringify(here.content)).not.toContain('secret');
    expect(await here.tab().load()).toEqual({ accessToken: 'signed-in:Zo%C3%AB', expiresAt: 0, subject: 'Zoë' });
  });

  test('a tab of the same user keeps its tokens; one of another user loses them', async () => {
    const here = shared();
    const [alice, bob] = [here.tab(), here.tab()];
    await alice.write(of('alice', 'of-alice'));
    await bob.write(of('alice', 'of-alice-too'));
    expect(await alice.load()).toMatchObject({ accessToken: 'of-alice' });
    await bob.write(of('bob', 'of-bob'));
    expect(await alice.load()).toMatchObject({ subject: 'bob', expiresAt: 0 });
    expect(await bob.load()).toMatchObject({ accessToken: 'of-bob' });
  });

  test('the subject of a JWT counts where none is given; unknown is taken for the same', async () => {
    const here = shared();
    const [first, second] = [here.tab(), here.tab()];
    const token = jwt({ sub: 'alice' });
    await first.write(of(undefined, token));
    await second.write(of(undefined, 'opaque'));
    expect(await first.load()).toMatchObject({ accessToken: token });
    await second.write(of(undefined, jwt({ sub: 'bob' })));
    expect(await first.load()).toMatchObject({ expiresAt: 0, subject: 'bob' });
  });

  test('a sign-out is everybody’s, and a refresh that ends after it is not kept', async () => {
    const here = shared();
    const [first, second] = [here.tab(), here.tab()];
    await first.write(of('alice', '1'));
    const asked = await second.load();
    await first.write(undefined);
    expect(await second.replace(asked, of('alice', '2'))).toBe(false);
    expect(await second.load()).toBeUndefined();
  });

  test('tabs refresh one after the other, each for itself', async () => {
    const here = shared();
    const [first, second] = [here.tab(), here.tab()];
    await first.write(of('alice', '1'));
    const asked = await second.load();
    expect(await first.replace(of('alice', '1'), of('alice', '1+'))).toBe(true);
    expect(await second.replace(asked, of('alice', '2+'))).toBe(true);
    expect([await first.load(), await second.load()]).toMatchObject([{ accessToken: '1+' }, { accessToken: '2+' }]);
  });

  test('where nothing can be shared, each tab goes on with what it got last', async () => {
    const here = shared();
    const tab = here.tab();
    await tab.write(of('alice', '1'));
    here.isBroken = true;
    await expect(tab.replace(of('alice', '1'), of('alice', '2'))).rejects.toMatchObject({ name: 'UnknownError' });
    expect(await tab.load()).toMatchObject({ accessToken: '2' });
    expect(await tab.replace(of('alice', '2'), of('alice', '3'))).toBe(true);
    expect(await tab.load()).toMatchObject({ accessToken: '3' });
  });
});
