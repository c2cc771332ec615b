import { afterEach, describe, expect, test } from '@jest/globals';
import createDebug from 'debug';
import type { TokenEvent, TokenEventType, TokenSession } from '../../src/index.js';
import { settle } from '../support/clock.js';
import { follow, lone, stage, type Stage } from '../support/stage.js';

const hour = 3_600_000;
const signedIn = (): Stage => stage(({ issue }) => ({ tokens: issue(), retry: false }));

/** Faults that a listener finds by itself. */
const faults: readonly (readonly [what: string, listener: () => unknown])[] = [
  [
    'throws an Error',
    () => {
      throw new Error('no');
    },
  ],
  [
    'throws undefined',
    () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a user's listener may do
      throw undefined;
    },
  ],
  [
    'throws what cannot be read',
    () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a user's listener may do
      throw new Proxy(
        {},
        {
          get() {
            throw new Error('no');
          },
        },
      );
    },
  ],
  [
    'is async and rejects',
    async () => {
      throw new Error('no');
    },
  ],
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a user's listener may do
  ['rejects with nothing', () => Promise.reject(undefined)],
  [
    'returns a thenable that throws',
    () => ({
      then() {
        throw new Error('no');
      },
    }),
  ],
];
/** Ways to be slow or odd that are no fault. */
const oddities: readonly (readonly [what: string, listener: () => unknown])[] = [
  ['never settles', () => new Promise(() => undefined)],
  ['returns a number', () => 5],
  ['returns a thenable that never calls back', () => ({ then: () => undefined })],
  ['returns something whose then is no function', () => ({ then: 5 })],
];

/** Signs in, refreshes, replays after a 401, signs out. */
async function live(s: Stage): Promise<unknown> {
  await s.session.setTokens(s.issue());
  await s.clock.advance(hour - 60_000);
  await s.api.instance.get('/a');
  s.api.respond = (config) => ({ status: config.url === '/b' && s.api.seen.length === 2 ? 401 : 200 });
  await s.api.instance.get('/b');
  await s.session.signOut();
  await settle();
  return { seen: s.api.seen.map(({ url }) => url), calls: s.calls.length, snapshot: s.session.getSnapshot() };
}

describe('G29 a listener that fails changes nothing', () => {
  test.each(faults)('on every event, and it %s', async (_what, listener) => {
    const expected = await live(signedIn());
    const s = signedIn();
    s.session.on('event', listener);
    for (const type of new Set(s.types())) s.session.on(type as TokenEventType, listener);
    s.session.on('refresh.started', listener).on('tokens.changed', listener).on('request.queued', listener);
    expect(await live(s)).toEqual(expected);
  });

  test.each(faults)(
    'it %s: listener.failed says where, and everybody else hears of the event',
    async (_what, listener) => {
      const session = lone();
      const heard: string[] = [];
      session.on('tokens.changed', () => void heard.push('before'));
      session.on('tokens.changed', listener);
      session.on('tokens.changed', () => void heard.push('after'));
      const failed: TokenEvent<'listener.failed'>[] = [];
      session.on('listener.failed', (event) => void failed.push(event));
      await session.setTokens('abc');
      await settle();
      expect(heard).toStrictEqual(['before', 'after']);
      expect(failed).toStrictEqual([expect.objectContaining({ type: 'listener.failed', source: 'tokens.changed' })]);
      expect(failed[0]?.error).toBeInstanceOf(Error);
      expect(Object.isFrozen(failed[0])).toBe(true);
    },
  );

  test.each(faults)('one of listener.failed that %s is not told of itself for ever', async (_what, listener) => {
    const session = lone();
    let count = 0;
    const counting = (): unknown => {
      count++;
      return listener();
    };
    session.on('tokens.changed', listener).on('listener.failed', counting).on('event', counting);
    await session.setTokens('abc');
    await settle();
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(20);
    await session.setTokens('def');
    expect(await session.getAccessToken()).toBe('def');
  });

  test.each(faults)('a subscriber that %s: told, and the others hear of the change', async (_what, listener) => {
    const session = lone();
    let heard = 0;
    const failed: string[] = [];
    session.on('listener.failed', ({ source }) => void failed.push(source));
    session.subscribe(listener);
    session.subscribe(() => void (heard += 1));
    await session.setTokens('abc');
    await settle();
    expect(heard).toBeGreaterThan(0);
    expect(new Set(failed)).toEqual(new Set(['subscribe']));
    expect(await session.getAccessToken()).toBe('abc');
  });

  test('one function for several events: the fault is told with the event that it was', async () => {
    const session = lone();
    const failed: string[] = [];
    const listener = ({ type }: TokenEvent): void => {
      if (type === 'tokens.changed') throw new Error('no');
    };
    session.on('session.started', listener).on('tokens.changed', listener);
    session.on('listener.failed', ({ source }) => void failed.push(source));
    await session.setTokens('abc');
    expect(failed).toStrictEqual(['tokens.changed']);
  });
});

describe('G29 a listener is never awaited', () => {
  test.each([...faults, ...oddities])('nobody waits for one that %s', async (_what, listener) => {
    const s = signedIn();
    s.session.on('event', listener);
    s.session.subscribe(listener);
    await s.clock.advance(hour);
    const request = follow(s.api.instance.get('/orders'));
    await settle();
    expect(request.state).toBe('resolved');
  });

  test.each(oddities)('one that %s is no fault', async (_what, listener) => {
    const s = signedIn();
    s.session.on('event', listener);
    s.session.subscribe(listener);
    await s.session.refresh();
    await settle();
    expect(s.types()).not.toContain('listener.failed');
  });

  test('what it returns to is the past: a slow one gets the event as it was', async () => {
    const s = signedIn();
    const generations: number[] = [];
    const slow = async (event: TokenEvent): Promise<void> => {
      await settle();
      generations.push(event.generation, s.session.getSnapshot().generation);
    };
    s.session.on('tokens.changed', (event): unknown => slow(event));
    await s.session.setTokens(s.issue());
    await s.session.setTokens(s.issue());
    await settle();
    await settle();
    expect(generations).toStrictEqual([2, 3, 3, 3]);
  });
});

describe('G29 a listener that changes the session', () => {
  const acts: readonly (readonly [what: string, act: (session: TokenSession) => unknown])[] = [
    ['signs out', (session) => session.signOut()],
    ['signs in', (session) => session.setTokens('mine')],
    ['refreshes', (session) => session.refresh()],
    ['asks for a token', (session) => session.getAccessToken()],
    ['takes itself off', (session) => session.off('event', () => undefined)],
    [
      'disposes of it',
      (session) => {
        session.dispose();
      },
    ],
  ];
  const events = [
    'refresh.succeeded',
    'tokens.changed',
    'session.started',
    'request.released',
    'refresh.failed',
  ] as const;

  for (const event of events) {
    test.each(acts)(`at ${event} and %s: nobody waits for ever`, async (_what, act) => {
      let down = true;
      const s = stage(
        ({ issue }) => ({ tokens: issue(), retry: false }),
        (_context, { issue }) => {
          down = !down;
          if (down) throw new Error('no');
          return issue();
        },
      );
      let left = 3;
      s.session.on(event, () => {
        if (left-- > 0) follow(Promise.resolve(act(s.session)));
      });
      await s.clock.advance(hour);
      const waiting = [follow<unknown>(s.api.instance.get('/a')), follow<unknown>(s.session.getAccessToken())];
      await settle();
      const again = follow<unknown>(s.session.refresh().then(() => s.session.refresh()));
      await s.clock.advance(60_000);
      expect([...waiting, again].map(({ state }) => state)).not.toContain('pending');
      expect(s.session.getSnapshot()).toMatchObject({ waiting: 0, isRefreshing: false });
      s.session.dispose();
    });
  }

  test('events never overtake each other: each is told to all before the next', async () => {
    const session = lone({ refresh: () => 'renewed' });
    const told: string[] = [];
    session.on('event', ({ type }) => {
      told.push(`1 ${type}`);
      if (type === 'session.started') void session.signOut();
    });
    session.on('event', ({ type }) => void told.push(`2 ${type}`));
    await session.setTokens('abc');
    await settle();
    expect(told).toEqual(
      ['session.started', 'tokens.changed', 'session.cleared']
        .sort((a, b) => told.indexOf(`1 ${a}`) - told.indexOf(`1 ${b}`))
        .flatMap((type) => [`1 ${type}`, `2 ${type}`]),
    );
  });
});

describe('G29 a subscriber that subscribes anew each time it is told', () => {
  test('is told once of each change', async () => {
    const session = lone();
    let told = 0;
    const arm = (): void => {
      const stop = session.subscribe(() => {
        stop();
        told += 1;
        if (told < 100) arm();
      });
    };
    arm();
    await session.setTokens('abc');
    expect(told).toBe(1);
  });

  test('and one that another takes off is told no more', async () => {
    const session = lone();
    let told = 0;
    session.subscribe(() => stop());
    const stop = session.subscribe(() => (told += 1));
    await session.setTokens('abc');
    expect(told).toBe(0);
  });
});

describe('G29 a debug log that fails changes nothing', () => {
  const { log } = createDebug;
  afterEach(() => {
    createDebug.log = log;
    createDebug.disable();
  });

  test('it throws: requests, refreshes and listeners go on', async () => {
    createDebug.enable('axios-token-refresh*');
    createDebug.log = () => {
      throw new Error('EPIPE');
    };
    const s = signedIn();
    await expect(s.session.refresh()).resolves.toEqual(expect.any(String));
    createDebug.disable();
    await s.session.setTokens(s.issue());
    await s.api.instance.get('/orders');
    expect(s.types()).toContain('tokens.changed');
  });

  test('one line for each event, by its name, and none unless it is asked for', async () => {
    const lines: string[] = [];
    createDebug.log = (...args: unknown[]) => void lines.push(args.map(String).join(' '));
    const s = signedIn();
    await s.session.refresh();
    expect(lines).toStrictEqual([]);
    createDebug.enable('axios-token-refresh*');
    const before = s.events.length;
    await s.session.refresh();
    const types = s.types().slice(before);
    expect(lines).toHaveLength(types.length);
    for (const type of types) expect(lines.join('\n')).toContain(type);
  });
});
