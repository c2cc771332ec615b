/** Nothing is left behind in a page (G25). */
import './page.js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { findIn } from '../support/canaries.js';
import { settle } from '../support/clock.js';
import { follow, stage } from '../support/stage.js';

const access = 'Ac7QmZ2xK9vL4tRb8WnPdSyE';
const refreshToken = 'Rf5hJ8cV1bG6yT3kX0sDqLzU';
const renewed = 'Nw9vL4tRb8WnPdSyE7QmZ2xK';
const canaries = [access, refreshToken, renewed];

const touched: string[] = [];
const originals = new Map<string, PropertyDescriptor | undefined>();

/** Counts what is read from and written to a store of the platform. */
function watchStorage(): void {
  for (const name of ['setItem', 'getItem', 'removeItem', 'clear'] as const) {
    const original = Object.getOwnPropertyDescriptor(Storage.prototype, name);
    originals.set(name, original);
    Object.defineProperty(Storage.prototype, name, {
      configurable: true,
      value(this: Storage, ...args: unknown[]): unknown {
        touched.push(`${name} ${String(args[0])}`);
        return (original?.value as (...given: unknown[]) => unknown).apply(this, args);
      },
    });
  }
}
afterEach(() => {
  for (const [name, original] of originals) if (original) Object.defineProperty(Storage.prototype, name, original);
  originals.clear();
  touched.length = 0;
});

const kept = (): string =>
  [
    ...Object.entries(localStorage),
    ...Object.entries(sessionStorage),
    document.cookie,
    document.documentElement.outerHTML,
    location.href,
    window.name,
    JSON.stringify(history.state),
  ].join('\n');

describe('G25 memory by default', () => {
  test('a sign-in, a refresh, a replay and a sign-out leave nothing in the page, nor look for anything', async () => {
    const s = stage(
      () => ({ tokens: { accessToken: access, refreshToken } }),
      () => ({ accessToken: renewed, refreshToken }),
    );
    watchStorage();
    const globals = Object.getOwnPropertyNames(window);
    await s.session.setTokens({ accessToken: access, refreshToken });
    s.api.respond = () => ({ status: s.api.seen.length === 1 ? 401 : 200 });
    await s.api.instance.get('/orders');
    expect(findIn(kept(), canaries)).toStrictEqual([]);
    await s.session.refresh();
    await settle();
    expect(findIn(kept(), canaries)).toStrictEqual([]);
    await s.session.signOut();
    s.session.dispose();
    expect(touched).toStrictEqual([]);
    expect([localStorage.length, sessionStorage.length, document.cookie]).toStrictEqual([0, 0, '']);
    expect(Object.getOwnPropertyNames(window)).toEqual(globals);
  });

  test('the next session of the same page starts from nothing', async () => {
    const first = stage(() => ({ tokens: access }));
    await first.api.instance.get('/orders');
    first.session.dispose();
    const second = stage();
    expect(second.session.status).toBe('signed-out');
    await second.api.instance.get('/orders');
    expect(second.api.seen.map(({ token }) => token)).toStrictEqual([undefined]);
  });

  test('a store is used if it is given, and only that', async () => {
    const s = stage(() => ({
      store: {
        load: () => undefined,
        save: (tokens) => {
          localStorage.setItem('session', JSON.stringify(tokens));
        },
        clear: () => {
          localStorage.removeItem('session');
        },
      },
    }));
    await s.session.setTokens(access);
    expect(Object.keys(localStorage)).toStrictEqual(['session']);
    await s.session.signOut();
    expect(Object.keys(localStorage)).toStrictEqual([]);
  });

  test('a page that forbids storage does not matter', async () => {
    const original = Object.getOwnPropertyDescriptor(window, 'localStorage');
    Object.defineProperty(window, 'localStorage', {
      configurable: true,
      get() {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      },
    });
    const s = stage(() => ({ tokens: access }));
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    if (original) Object.defineProperty(window, 'localStorage', original);
    expect(request.state).toBe('resolved');
  });
});
