/** `useTokenSession` in a page: what it shows, and when the page renders again. */
import { act, startTransition, Suspense, useState, version, type ReactNode } from 'react';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createTokenSession, type TokenSession } from '../../src/index.js';
import { useTokenSession } from '../../src/react/index.js';
import { fakeClock } from '../support/clock.js';
import { deferred, rejection } from '../support/stage.js';
import { open, reactMajor, signedIn, watcher, type Page } from './page.js';

const hour = 3_600_000;
const refused = (): never => {
  throw Object.assign(new Error('no'), { response: { status: 401, data: {} } });
};

const pages: Page[] = [];
const opened = async (...given: Parameters<typeof open>): Promise<Page> => {
  const page = await open(...given);
  pages.push(page);
  return page;
};
afterEach(async () => {
  for (const page of pages.splice(0)) await page.close();
});

test('the React that is tested is the one that is meant', () => {
  expect(Number.parseInt(version, 10)).toBe(reactMajor);
});

describe('useTokenSession shows', () => {
  test('a sign-in, a refresh and a sign-out', async () => {
    const answer = deferred<string>();
    const session = createTokenSession({ refresh: () => answer.promise });
    const { Status } = watcher();
    const page = await opened(<Status session={session} />);
    expect(page.text()).toBe('signed-out');
    await act(async () => session.setTokens('first'));
    expect(page.text()).toBe('active');
    await act(async () => void session.refresh());
    expect(page.text()).toBe('active, refreshing');
    await act(async () => answer.resolve('second'));
    expect(page.text()).toBe('active');
    await act(async () => session.signOut());
    expect(page.text()).toBe('signed-out');
  });

  test('a store that is still being read', async () => {
    const stored = deferred<string>();
    const store = {
      load: async () => ({ accessToken: await stored.promise }),
      save: () => undefined,
      clear: () => undefined,
    };
    const session = createTokenSession({ refresh: () => 'renewed', store });
    const page = await opened(<Words session={session} />);
    expect(page.text()).toBe('loading');
    await act(async () => stored.resolve('first'));
    expect(page.text()).toBe('active');
  });

  test('when a session ends whose refresh has been refused, why, and that it has ended', async () => {
    const clock = fakeClock();
    const session = signedIn({ refresh: refused, clock, tokens: { accessToken: 'first', expiresIn: 3_600 } });
    const page = await opened(<Words session={session} />);
    const end = clock.now() + hour;
    expect(page.text()).toBe(`active, expires ${end}`);
    await act(async () => {
      await rejection(session.refresh());
    });
    expect(page.text()).toBe(`active, expires ${end}, ends ${end}, AUTH_SESSION_EXPIRED`);
    await act(async () => clock.advance(hour));
    expect(page.text()).toBe('expired, AUTH_SESSION_EXPIRED');
    await act(async () => session.setTokens('again'));
    expect(page.text()).toBe('active');
  });

  test('a new expiry, and nothing else of the new tokens', async () => {
    const clock = fakeClock();
    const session = signedIn({ clock, tokens: { accessToken: 'first', expiresIn: 60 } });
    const page = await opened(<Words session={session} />);
    await act(async () => session.setTokens({ accessToken: 'second', expiresIn: 3_600 }));
    expect(page.text()).toBe(`active, expires ${clock.now() + hour}`);
  });

  test('what has happened while nobody looked', async () => {
    const clock = fakeClock();
    const session = signedIn({ clock, refresh: () => Promise.reject(new Error('no')) });
    const before = await open(<Words session={session} />);
    expect(before.text()).toBe('active');
    await before.close();
    await rejection(session.refresh());
    const after = await opened(<Words session={session} />);
    expect(after.text()).toBe('active, AUTH_TOKEN_REFRESH_FAILED');
  });

  test('another session when it is given another', async () => {
    const { Status } = watcher();
    const [first, second] = [signedIn(), createTokenSession({ refresh: () => 'renewed' })];
    const page = await opened(<Status session={first} />);
    await page.render(<Status session={second} />);
    expect(page.text()).toBe('signed-out');
    await act(async () => first.signOut());
    await act(async () => second.setTokens('first'));
    expect(page.text()).toBe('active');
  });

  test('the last of a session that is disposed of', async () => {
    const { Status } = watcher();
    const session = signedIn();
    const page = await opened(<Status session={session} />);
    await act(async () => session.dispose());
    expect(page.text()).toBe('active');
  });
});

describe('a page renders again', () => {
  test('for nothing but a change of what it shows', async () => {
    const clock = fakeClock();
    const session = signedIn({ clock, refresh: () => 'renewed', tokens: 'first' });
    const { Status, views } = watcher();
    await opened(<Status session={session} />);
    let changes = 0;
    session.subscribe(() => {
      changes += 1;
    });
    const [view] = views;
    expect(views).toHaveLength(1);
    for (const token of ['second', 'third']) await act(async () => session.setTokens(token));
    expect(session.getSnapshot().generation).toBe(3);
    expect(changes).toBeGreaterThan(1);
    expect(views).toStrictEqual([view]);
  });

  test('once for a refresh that begins and once for its end, however many requests wait for it', async () => {
    const answer = deferred<string>();
    const session = createTokenSession({
      refresh: () => answer.promise,
      tokens: { accessToken: 'dead', expiresIn: 0 },
    });
    const { Status, views } = watcher();
    await opened(<Status session={session} />);
    const before = views.length;
    const waiting: Promise<string>[] = [];
    for (let count = 0; count < 5; count += 1) {
      await act(async () => void waiting.push(session.getAccessToken()));
    }
    expect(session.getSnapshot().waiting).toBe(5);
    expect(views.length - before).toBe(1);
    await act(async () => answer.resolve('second'));
    await Promise.all(waiting);
    expect(views.length - before).toBe(2);
  });

  test('with the very object that it had, wherever the hook is called', async () => {
    const session = signedIn();
    const { Status, views } = watcher();
    const page = await opened([<Status key="a" session={session} />, <Status key="b" session={session} />]);
    await page.render([<Status key="a" session={session} />, <Status key="b" session={session} />]);
    await act(async () => session.setTokens('second'));
    expect(views.length).toBeGreaterThanOrEqual(4);
    expect(new Set(views).size).toBe(1);
    expect(Object.isFrozen(views[0])).toBe(true);
    expect(Object.keys(views[0] ?? {})).toStrictEqual(['status', 'isRefreshing', 'expiresAt', 'endsAt', 'error']);
  });
});

describe('in StrictMode', () => {
  test('it shows the same, and hears of the session once per component', async () => {
    const session = signedIn();
    const { subscribed, listening } = counted(session);
    const { Status } = watcher();
    const page = await open(<Status session={subscribed} />, { strict: true });
    expect(listening()).toBe(1);
    await act(async () => session.signOut());
    expect(page.text()).toBe('signed-out');
    await page.close();
    expect(listening()).toBe(0);
  });

  test('React has nothing to complain of', async () => {
    const complaints = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const { Status } = watcher();
    const session = signedIn();
    const page = await open(<Status session={session} />, { strict: true });
    await act(async () => session.setTokens('second'));
    await act(async () => session.signOut());
    await page.close();
    expect(complaints.mock.calls).toStrictEqual([]);
    complaints.mockRestore();
  });

  test('a page that renders again keeps its one subscription', async () => {
    const session = signedIn();
    const { subscribed, listening, subscriptions } = counted(session);
    const { Status } = watcher();
    const page = await opened(<Status session={subscribed} />);
    for (let count = 0; count < 3; count += 1) await page.render(<Status session={subscribed} />);
    expect([listening(), subscriptions()]).toStrictEqual([1, 1]);
  });
});

describe('in concurrent rendering', () => {
  test('all parts of a page show one state, though the session changes while it is rendered', async () => {
    const session = signedIn();
    const never = deferred<undefined>();
    let show: (shown: boolean) => void = () => undefined;
    let interrupted = false;
    function Slow({ id }: { readonly id: number }): ReactNode {
      const { status } = useTokenSession(session);
      // The session ends while React is between two parts of the page.
      if (id === 1 && !interrupted) {
        interrupted = true;
        void session.signOut();
      }
      return <i>{status}</i>;
    }
    function Parts(): ReactNode {
      const [shown, setShown] = useState(false);
      show = setShown;
      return <Suspense fallback="…">{shown && [0, 1, 2, 3].map((id) => <Slow key={id} id={id} />)}</Suspense>;
    }
    const page = await opened(<Parts />);
    await act(async () => startTransition(() => show(true)));
    await act(async () => never.resolve(undefined));
    expect([...page.container.querySelectorAll('i')].map(({ textContent }) => textContent)).toEqual(
      Array(4).fill('signed-out'),
    );
  });

  test('a request that is made in a render may begin a refresh: it is shown, and React has nothing to complain of', async () => {
    const complaints = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const clock = fakeClock();
    const never = deferred<string>();
    const session = signedIn({
      clock,
      refresh: () => never.promise,
      tokens: { accessToken: 'first', expiresIn: 3_600 },
    });
    const { Status } = watcher();
    function Asks(): ReactNode {
      void session.getAccessToken();
      return null;
    }
    const status = <Status key="status" session={session} />;
    const page = await opened([status]);
    await clock.advance(hour - 200_000);
    await page.render([status, <Asks key="asks" />]);
    expect(page.text()).toBe('active, refreshing');
    expect(complaints).not.toHaveBeenCalled();
    complaints.mockRestore();
  });

  test('a change between the render and the effect is not missed', async () => {
    const session = signedIn();
    const { Status } = watcher();
    function SignsOut(): ReactNode {
      return (
        <span
          ref={() => {
            void session.signOut();
          }}
        />
      );
    }
    const page = await opened([<Status key="status" session={session} />, <SignsOut key="signs-out" />]);
    expect(page.text()).toBe('signed-out');
  });
});

test('without a session it says what is missing', async () => {
  const complaints = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const { Status } = watcher();
  for (const none of [undefined, null]) {
    await expect(open(<Status session={none as unknown as TokenSession} />)).rejects.toThrow(
      new TypeError('useTokenSession expects a session. Is it missing from the context that it is read from?'),
    );
  }
  complaints.mockRestore();
});

function Words({ session }: { readonly session: TokenSession }): ReactNode {
  const { status, expiresAt, endsAt, error } = useTokenSession(session);
  return [
    status,
    expiresAt !== undefined && `expires ${expiresAt}`,
    endsAt !== undefined && `ends ${endsAt}`,
    error?.code,
  ]
    .filter((word) => typeof word === 'string')
    .join(', ');
}

/** A session that counts who listens to it. */
function counted(session: TokenSession): {
  subscribed: TokenSession;
  listening: () => number;
  subscriptions: () => number;
} {
  let [listening, subscriptions] = [0, 0];
  const subscribed: TokenSession = {
    ...session,
    subscribe(listener) {
      listening += 1;
      subscriptions += 1;
      const end = session.subscribe(listener);
      return () => {
        listening -= 1;
        end();
      };
    },
  };
  return { subscribed, listening: () => listening, subscriptions: () => subscriptions };
}
