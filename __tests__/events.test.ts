/** What a session tells, when, and in which order. */
import { describe, expect, test } from '@jest/globals';
import type { TokenEvent, TokenEventType, TokenSession, TokenStore } from '../src/index.js';
import { settle } from './support/clock.js';
import { deferred, follow, lone, stage, type Refresh, type Stage } from './support/stage.js';

const hour = 3_600_000;
const signedIn = (refresh?: Refresh, options: object = {}): Stage =>
  stage(({ issue }) => ({ tokens: issue(), retry: false, ...options }), refresh);

const refused = (): never => {
  throw Object.assign(new Error('no'), { response: { status: 400, data: { error: 'invalid_grant' } } });
};
const unreachable = (): never => {
  throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
};
const attempt = async (work: Promise<unknown>): Promise<void> => {
  follow(work);
  await settle();
};

interface Scene {
  readonly what: string;
  readonly play: () => Promise<Stage>;
  readonly types: readonly TokenEventType[];
}

/** Each scene with all that is told in it, from the moment that somebody can listen. */
const scenes: readonly Scene[] = [
  {
    what: 'a sign-in',
    play: async () => {
      const s = stage();
      await s.session.setTokens(s.issue());
      return s;
    },
    types: ['session.started', 'tokens.changed'],
  },
  {
    what: 'new tokens of the same user',
    play: async () => {
      const s = signedIn();
      await s.session.setTokens(s.issue());
      return s;
    },
    types: ['tokens.changed'],
  },
  {
    what: 'a sign-in as another user',
    play: async () => {
      const s = signedIn();
      await s.session.setTokens(s.issue(3_600, { sub: 'grace' }));
      return s;
    },
    types: ['session.cleared', 'session.started', 'tokens.changed'],
  },
  {
    what: 'a sign-out',
    play: async () => {
      const s = signedIn();
      await s.session.signOut();
      return s;
    },
    types: ['session.cleared'],
  },
  {
    what: 'a sign-out of nobody',
    play: async () => {
      const s = stage();
      await s.session.signOut();
      return s;
    },
    types: [],
  },
  {
    what: 'a request outside the windows',
    play: async () => {
      const s = signedIn();
      await s.api.instance.get('/orders');
      return s;
    },
    types: [],
  },
  {
    what: 'a refresh on demand',
    play: async () => {
      const s = signedIn();
      await s.session.refresh();
      return s;
    },
    types: ['refresh.started', 'request.queued', 'refresh.succeeded', 'tokens.changed', 'request.released'],
  },
  {
    what: 'a refresh ahead of the window',
    play: async () => {
      const s = signedIn();
      await s.clock.advance(hour - 300_000);
      await s.api.instance.get('/orders');
      await settle();
      return s;
    },
    types: ['refresh.started', 'refresh.succeeded', 'tokens.changed'],
  },
  {
    what: 'a request in the refresh window',
    play: async () => {
      const s = signedIn();
      await s.clock.advance(hour - 120_000);
      await s.api.instance.get('/orders');
      return s;
    },
    types: ['refresh.started', 'request.queued', 'refresh.succeeded', 'tokens.changed', 'request.released'],
  },
  {
    what: 'a 401',
    play: async () => {
      const s = signedIn();
      s.api.respond = () => ({ status: s.api.seen.length === 1 ? 401 : 200 });
      await s.api.instance.get('/orders');
      return s;
    },
    types: [
      'refresh.started',
      'request.queued',
      'refresh.succeeded',
      'tokens.changed',
      'request.released',
      'request.replayed',
    ],
  },
  {
    what: 'a failed refresh of a living token',
    play: async () => {
      const s = signedIn(unreachable);
      await attempt(s.session.refresh());
      return s;
    },
    types: ['refresh.started', 'request.queued', 'refresh.failed', 'request.released'],
  },
  {
    what: 'a refusal while the token lives, then its death',
    play: async () => {
      const s = signedIn(refused);
      await attempt(s.session.refresh());
      await s.clock.advance(hour);
      return s;
    },
    types: [
      'refresh.started',
      'request.queued',
      'refresh.failed',
      'session.ending',
      'request.released',
      'session.expired',
    ],
  },
  {
    what: 'a refusal of a dead token',
    play: async () => {
      const s = signedIn(refused);
      await s.clock.advance(hour);
      await attempt(s.api.instance.get('/orders'));
      return s;
    },
    types: ['refresh.started', 'request.queued', 'refresh.failed', 'session.expired', 'request.released'],
  },
  {
    what: 'three failures in a row, and a recovery',
    play: async () => {
      let down = true;
      const s = signedIn((_context, { issue }) => (down ? unreachable() : issue()));
      for (let count = 0; count < 4; count++) await attempt(s.session.refresh());
      down = false;
      await s.session.refresh();
      return s;
    },
    types: [
      ...Array<TokenEventType[]>(2)
        .fill(['refresh.started', 'request.queued', 'refresh.failed', 'request.released'])
        .flat(),
      ...(['refresh.started', 'request.queued', 'refresh.failed', 'refresh.escalated', 'request.released'] as const),
      ...(['refresh.started', 'request.queued', 'refresh.failed', 'request.released'] as const),
      ...([
        'refresh.started',
        'request.queued',
        'refresh.succeeded',
        'refresh.recovered',
        'tokens.changed',
        'request.released',
      ] as const),
    ],
  },
  {
    what: 'a failure and a success: nothing to recover from',
    play: async () => {
      let down = true;
      const s = signedIn((_context, { issue }) => (down ? unreachable() : issue()));
      await attempt(s.session.refresh());
      down = false;
      await s.session.refresh();
      return s;
    },
    types: [
      ...(['refresh.started', 'request.queued', 'refresh.failed', 'request.released'] as const),
      ...(['refresh.started', 'request.queued', 'refresh.succeeded', 'tokens.changed', 'request.released'] as const),
    ],
  },
  {
    what: 'an attempt that is repeated',
    play: async () => {
      const s = signedIn(({ attempt: count }, { issue }) => (count === 1 ? unreachable() : issue()), {
        retry: { minDelayMs: 0 },
      });
      follow(s.session.refresh());
      await s.clock.advance(10);
      return s;
    },
    types: [
      'refresh.started',
      'request.queued',
      'refresh.retried',
      'refresh.succeeded',
      'tokens.changed',
      'request.released',
    ],
  },
  {
    what: 'a sign-out while a request waits',
    play: async () => {
      const s = signedIn(() => new Promise(() => undefined));
      await s.clock.advance(hour);
      const request = follow(s.api.instance.get('/orders'));
      await settle();
      await s.session.signOut();
      await settle();
      expect(request.error).toMatchObject({ code: 'AUTH_SESSION_CLEARED' });
      return s;
    },
    types: ['refresh.started', 'request.queued', 'session.cleared', 'request.released'],
  },
  {
    what: 'a store that fails',
    play: async () => {
      const s = stage(() => ({
        store: {
          load: () => undefined,
          save: () => Promise.reject(new Error('full')),
          clear: () => {
            throw new Error('locked');
          },
        },
      }));
      await s.session.setTokens(s.issue());
      await s.session.signOut();
      return s;
    },
    types: ['session.started', 'tokens.changed', 'store.failed', 'session.cleared', 'store.failed'],
  },
];

describe('what is told (G29)', () => {
  test.each(scenes)('$what', async ({ play, types }) => {
    const s = await play();
    expect(s.types()).toEqual(types);
    s.session.dispose();
  });

  test.each(scenes)('$what: every event is frozen, with its type, the time and the generation', async ({ play }) => {
    const s = await play();
    for (const event of s.events) {
      expect(Object.isFrozen(event)).toBe(true);
      expect(typeof event.type).toBe('string');
      expect(event.at).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 1));
      expect(event.at).toBeLessThanOrEqual(s.clock.now());
      expect(Number.isSafeInteger(event.generation)).toBe(true);
      if (event.type.startsWith('refresh.')) {
        expect(event).toMatchObject({ operationId: expect.any(String), trigger: expect.any(String) });
      }
    }
    s.session.dispose();
  });
});

describe('the order (G29): the state first, then the events', () => {
  const watched = (session: TokenSession): string[] => {
    const seen: string[] = [];
    session.on('event', ({ type, generation }) => {
      const now = session.getSnapshot();
      expect(session.status).toBe(now.status);
      if (!type.startsWith('request.'))
        seen.push(`${type} ${now.status} ${String(generation)}/${String(now.generation)} ${String(now.isRefreshing)}`);
    });
    return seen;
  };

  test('a sign-in, a refresh and a sign-out', async () => {
    const s = stage();
    const seen = watched(s.session);
    await s.session.setTokens(s.issue());
    await s.session.refresh();
    await s.session.signOut();
    expect(seen).toStrictEqual([
      'session.started active 1/1 false',
      'tokens.changed active 1/1 false',
      'refresh.started active 1/1 true',
      'refresh.succeeded active 2/2 false',
      'tokens.changed active 2/2 false',
      'session.cleared signed-out 3/3 false',
    ]);
  });

  test('a reporter hears of the event on which a listener disposes of the session', async () => {
    const s = signedIn(unreachable, { escalateAfter: 1 });
    const reported: string[] = [];
    s.session.on('refresh.escalated', () => s.session.dispose());
    s.session.on('event', ({ type }) => reported.push(type));
    await attempt(s.session.refresh());
    expect(reported).toStrictEqual(['refresh.started', 'request.queued', 'refresh.failed', 'refresh.escalated']);
  });

  test('the end of a session', async () => {
    const s = signedIn(refused);
    const seen = watched(s.session);
    await attempt(s.session.refresh());
    await s.clock.advance(hour);
    expect(seen).toStrictEqual([
      'refresh.started active 1/1 true',
      'refresh.failed active 1/1 false',
      'session.ending active 1/1 false',
      'session.expired expired 2/2 false',
    ]);
  });

  test('a failure is in the snapshot when it is told', async () => {
    const s = signedIn(unreachable);
    const errors: unknown[] = [];
    s.session.on('refresh.failed', ({ error, consecutiveFailures }) => {
      errors.push(
        s.session.getSnapshot().error === error,
        s.session.getSnapshot().consecutiveFailures === consecutiveFailures,
      );
    });
    await attempt(s.session.refresh());
    expect(errors).toStrictEqual([true, true]);
  });

  test('what a listener causes is told after everybody has heard of the cause', async () => {
    const s = signedIn();
    const first: string[] = [];
    s.session.on('session.cleared', () => {
      first.push('a');
      void s.session.setTokens(s.issue());
      first.push('b');
    });
    s.session.on('session.cleared', () => {
      first.push('c');
    });
    s.session.on('session.started', () => {
      first.push('d');
    });
    await s.session.signOut();
    expect(first).toStrictEqual(['a', 'b', 'c', 'd']);
    expect(s.types()).toStrictEqual(['session.cleared', 'session.started', 'tokens.changed']);
    expect(s.session.status).toBe('active');
  });
});

describe('what events say', () => {
  test('a refresh: the same operation from start to end, its trigger, its attempt and how long it took', async () => {
    const answer = deferred<string>();
    const s = signedIn(() => answer.promise);
    follow(s.session.refresh());
    await s.clock.advance(1_500);
    answer.resolve(s.issue());
    await settle();
    const [started, succeeded] = ['refresh.started', 'refresh.succeeded'].map((type) =>
      s.events.find((event) => event.type === type),
    );
    expect(started).toMatchObject({ trigger: 'manual', operationId: s.calls[0]?.operationId });
    expect(succeeded).toMatchObject({
      trigger: 'manual',
      operationId: s.calls[0]?.operationId,
      attempt: 1,
      durationMs: 1_500,
      late: false,
    });
  });

  test.each<readonly [trigger: string, act: (s: Stage) => Promise<unknown>]>([
    ['manual', (s) => s.session.refresh()],
    [
      'request',
      async (s) => {
        await s.clock.advance(hour - 60_000);
        return s.api.instance.get('/orders');
      },
    ],
    [
      'ahead',
      async (s) => {
        await s.clock.advance(hour - 200_000);
        return s.api.instance.get('/orders');
      },
    ],
    [
      'unauthorized',
      (s) => {
        s.api.respond = () => ({ status: s.api.seen.length === 1 ? 401 : 200 });
        return s.api.instance.get('/orders');
      },
    ],
  ])('trigger %s, for the callback too', async (trigger, act) => {
    const s = signedIn();
    await act(s);
    expect(s.calls.map((context) => context.trigger)).toStrictEqual([trigger]);
    expect(s.events.filter(({ type }) => type.startsWith('refresh.'))).toStrictEqual([
      expect.objectContaining({ trigger }),
      expect.objectContaining({ trigger }),
    ]);
  });

  test('trigger timer', async () => {
    const s = signedIn(undefined, { schedule: true });
    await s.clock.advance(hour - 120_000);
    expect(s.calls.map(({ trigger }) => trigger)).toStrictEqual(['timer']);
    s.session.dispose();
  });

  test('a failure: whether the current token still served', async () => {
    const alive = signedIn(unreachable);
    await attempt(alive.session.refresh());
    expect(alive.events.find(({ type }) => type === 'refresh.failed')).toMatchObject({
      servedCurrent: true,
      consecutiveFailures: 1,
      attempt: 1,
    });
    const dead = signedIn(unreachable);
    await dead.clock.advance(hour);
    await attempt(dead.api.instance.get('/orders'));
    expect(dead.events.find(({ type }) => type === 'refresh.failed')).toMatchObject({
      servedCurrent: false,
      consecutiveFailures: 1,
    });
  });

  test('an ending: when', async () => {
    const s = signedIn(refused);
    await attempt(s.session.refresh());
    expect(s.events.find(({ type }) => type === 'session.ending')).toMatchObject({
      endsAt: Date.UTC(2026, 0, 1) + hour,
    });
    s.session.dispose();
  });

  test('a wait: how many, how long, and how it ended', async () => {
    const s = signedIn(() => new Promise(() => undefined));
    await s.clock.advance(hour);
    const controller = new AbortController();
    follow(s.api.instance.get('/a', { signal: controller.signal }));
    follow(s.api.instance.get('/b'));
    await settle();
    await s.clock.advance(700);
    controller.abort();
    await settle();
    await s.session.signOut();
    expect(s.events.filter(({ type }) => type.startsWith('request.'))).toStrictEqual([
      expect.objectContaining({ type: 'request.queued', waiting: 1, trigger: 'request' }),
      expect.objectContaining({ type: 'request.queued', waiting: 2, trigger: 'request' }),
      expect.objectContaining({ type: 'request.released', durationMs: 700, outcome: 'aborted' }),
      expect.objectContaining({ type: 'request.released', durationMs: 700, outcome: 'rejected' }),
    ]);
  });

  test('a store fault: what was tried, and not what was stored', async () => {
    const store: TokenStore = {
      load: () => {
        throw new RangeError('cannot load');
      },
      save: () => Promise.reject(Object.assign(new Error('quota'), { code: 'QUOTA' })),
      clear: () => undefined,
    };
    const s = stage(() => ({ store }));
    await s.session.setTokens(s.issue());
    expect(s.events.filter(({ type }) => type === 'store.failed')).toStrictEqual([
      expect.objectContaining({ action: 'load', error: expect.objectContaining({ name: 'RangeError' }) }),
      expect.objectContaining({ action: 'save', error: expect.objectContaining({ code: 'QUOTA' }) }),
    ]);
  });
});

describe('on, once and off', () => {
  test('return the session, so that they chain', () => {
    const session = lone();
    const listener = (): void => undefined;
    expect(session.on('event', listener).once('tokens.changed', listener).off('event', listener)).toBe(session);
  });

  test('once hears once, off hears no more, and off ends a once that has not been', async () => {
    const session = lone();
    const heard: string[] = [];
    const always = (): void => void heard.push('on');
    const never = (): void => void heard.push('never');
    session
      .on('tokens.changed', always)
      .once('tokens.changed', () => void heard.push('once'))
      .once('tokens.changed', never)
      .off('tokens.changed', never);
    await session.setTokens('a');
    await session.setTokens('b');
    session.off('tokens.changed', always);
    await session.setTokens('c');
    expect(heard).toStrictEqual(['on', 'once', 'on']);
  });

  test('one listener for several events: off takes it from one alone', async () => {
    const session = lone();
    const heard: string[] = [];
    const listener = ({ type }: TokenEvent): void => void heard.push(type);
    session.on('session.started', listener).on('tokens.changed', listener).off('session.started', listener);
    await session.setTokens('a');
    expect(heard).toStrictEqual(['tokens.changed']);
  });

  test('payloads are typed by the name of the event', async () => {
    const s = signedIn();
    const operations: string[] = [];
    s.session.on('refresh.started', ({ operationId, trigger }) => operations.push(`${trigger} ${operationId}`));
    s.session.on('event', (event) => {
      if (event.type === 'refresh.succeeded') operations.push(`${String(event.attempt)} ${event.operationId}`);
    });
    await s.session.refresh();
    const id = s.calls[0]?.operationId ?? '';
    expect(operations).toStrictEqual([`manual ${id}`, `1 ${id}`]);
  });
});

const types = [
  ...['refresh.started', 'refresh.retried', 'refresh.succeeded', 'refresh.failed', 'refresh.escalated'],
  ...['refresh.recovered', 'session.started', 'session.ending', 'session.expired', 'session.cleared', 'tokens.changed'],
  ...['request.queued', 'request.released', 'request.replayed', 'clock.skewed', 'store.failed', 'listener.failed'],
] as TokenEventType[];

describe('G29 a listener of an event that there is not', () => {
  test.each(['on', 'once'] as const)('%s says so, and which there are', (method) => {
    const session = lone();
    const slip = 'session.expires' as TokenEventType;
    expect(() => session[method](slip, () => undefined)).toThrow(
      new TypeError(`Unknown event "session.expires". Known: event, ${types.join(', ')}.`),
    );
    expect(() => session.off(slip, () => undefined)).not.toThrow();
  });

  test('all others are known', () => {
    const session = lone();
    for (const type of types) session.on(type, () => undefined).once(type, () => undefined);
  });
});
