import { isCancel } from 'axios';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isTokenError } from '../../src/index.js';
import { Authority, type User } from './authority.js';
import { withJitter } from './jitter.js';
import { settle, watch, world, type Watched } from './world.js';

const runs = 400;

/** What happens at no distance in time; only the order is left to chance. */
type Act = 'get' | 'post' | 'abort' | 'ada' | 'bob' | 'sign-out' | 'revoke' | 'refresh' | 'token';

const act = fc.constantFrom<Act[]>(
  'get',
  'get',
  'post',
  'post',
  'abort',
  'ada',
  'bob',
  'sign-out',
  'revoke',
  'revoke',
  'refresh',
  'token',
);

interface Made {
  readonly user: User | undefined;
  readonly controller: AbortController;
  readonly bodies: unknown[];
  outcome: Watched<unknown> | undefined;
}

describe('G7, G9, G10, G11 in every order in which answers may come', () => {
  test('each request goes out as its own user, at most twice, and settles; the last sign-in or sign-out stands', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(act, { minLength: 1, maxLength: 14, size: 'max' }),
        fc.boolean(),
        fc.integer(),
        (scheduler, acts, dead, seed) =>
          withJitter(seed, async () => {
            let user: User | undefined = 'ada';
            let open = 0;
            const made: Made[] = [];
            const methods: Watched<unknown>[] = [];
            const w = world({
              tokens: null,
              retry: false,
              refresh: async ({ tokens, signal }) => {
                open += 1;
                signal.addEventListener('abort', () => (open -= 1));
                expect(open).toBe(1);
                // The server acts at once; its answer takes its time.
                const answer = new Promise((resolve) => {
                  resolve(authority.rotate(tokens?.refreshToken));
                });
                answer.catch(() => undefined);
                await scheduler.schedule(Promise.resolve(), 'the refresh is answered');
                if (!signal.aborted) open -= 1;
                return answer;
              },
            });
            const authority = new Authority(() => w.clock.now(), { ttlSeconds: 3_600 });
            w.api.respond = async ({ url, data }, token) => {
              const request = made[Number(url)];
              if (!request) throw new Error('Nobody has made this request.');
              request.bodies.push(data);
              if (token !== undefined && request.user !== undefined)
                expect([url, authority.userOf(token)]).toStrictEqual([url, request.user]);
              await scheduler.schedule(Promise.resolve(), 'the API answers');
              return { status: authority.accepts(token) ? 200 : 401 };
            };
            const send = (method: 'get' | 'post'): void => {
              const controller = new AbortController();
              const request: Made = {
                user: w.session.status === 'active' ? user : undefined,
                controller,
                bodies: [],
                outcome: undefined,
              };
              const url = String(made.push(request) - 1);
              const { signal } = controller;
              request.outcome = watch(
                w.instance.request({ url, method, signal, ...(method === 'post' && { data: { url } }) }),
              );
            };
            const play = async (next: Act): Promise<void> => {
              switch (next) {
                case 'get':
                case 'post':
                  send(next);
                  return;
                case 'abort':
                  made.at(-1)?.controller.abort();
                  return;
                case 'ada':
                case 'bob':
                  user = next;
                  return w.session.setTokens(authority.signIn(next, dead));
                case 'sign-out':
                  user = undefined;
                  return w.session.signOut();
                case 'revoke':
                  authority.revoke(w.sent().at(-1));
                  return;
                case 'refresh':
                  methods.push(watch(w.session.refresh()));
                  return;
                case 'token':
                  methods.push(watch(w.session.getAccessToken()));
                  return;
              }
            };

            await w.session.setTokens(authority.signIn('ada', dead));
            scheduler.scheduleSequence(acts.map((next) => ({ label: next, builder: () => play(next) })));
            await scheduler.waitIdle();
            await settle();
            await scheduler.waitIdle();

            for (const { outcome, bodies, controller } of made) {
              expect(bodies.length).toBeLessThanOrEqual(2);
              expect(new Set(bodies).size).toBeLessThanOrEqual(1);
              expect(outcome?.state).not.toBe('pending');
              if (outcome?.state !== 'rejected') continue;
              const { error } = outcome;
              const expected =
                isTokenError(error) || (error as { response?: { status: number } }).response?.status === 401;
              expect(controller.signal.aborted ? isCancel(error) || expected : expected).toBe(true);
            }
            for (const { state } of methods) expect(state).not.toBe('pending');
            expect(w.session.getSnapshot().waiting).toBe(0);
            expect(w.clock.holding).toBe(0);
            const last =
              acts.filter((entry) => entry === 'ada' || entry === 'bob' || entry === 'sign-out').at(-1) ?? 'ada';
            if (last === 'sign-out') {
              // Only a refresh() that was asked for brings a session back, and here the server has none to give.
              expect(w.session.status).toBe('signed-out');
            } else if (w.session.status === 'active' && w.session.getSnapshot().error === undefined) {
              const token = watch(w.session.getAccessToken());
              await scheduler.waitIdle();
              await settle();
              expect(authority.userOf(String(token.value))).toBe(last);
            }
            w.session.dispose();
          }),
      ),
      { numRuns: runs },
    );
  }, 60_000);
});
