/** Four things that happen to every application, each on an Axios instance and a session of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import axios, { type AxiosInstance } from 'axios';
import { installTokenRefresh, type TokenSession, type TokenSessionOptions } from 'axios-token-refresh';
import type { Api, Echo } from '../../__tests__/support/api.js';
import type { Authority } from './authority.js';
import { Tally } from './tally.js';
import type { Timeline } from './timeline.js';

export interface Stage {
  readonly auth: Authority;
  readonly api: Api;
  readonly timeline: Timeline;
  /** How long the steady traffic lasts, in milliseconds. */
  readonly steadyMs: number;
}

interface Actors {
  readonly app: AxiosInstance;
  readonly session: TokenSession;
  readonly tally: Tally;
}

export interface Scene {
  readonly name: string;
  readonly title: string;
  readonly options?: Partial<TokenSessionOptions>;
  readonly play: (actors: Actors, stage: Stage) => Promise<void>;
}

export async function runScene(scene: Scene, stage: Stage): Promise<Tally> {
  const { auth, api, timeline } = stage;
  timeline.heading(scene.title);
  const tally = new Tally(scene.name);
  const app = axios.create({ baseURL: api.url });
  const tokens = await auth.signIn(scene.name);
  const session = installTokenRefresh(app, { refresh: auth.refresh, tokens, ...scene.options });
  timeline.watch(session);
  tally.watch(session);

  await scene.play({ app, session, tally }, stage);
  tally.expect(tally.failed === 0, 'no request fails');
  timeline.note(`${tally.sent} requests, ${tally.sent - tally.failed - tally.cleared} answered`);
  for (const what of tally.unmet) timeline.note(`not met: ${what}`, 'red');
  session.dispose();
  return tally;
}

const steady: Scene = {
  name: 'steady',
  title: 'Steady traffic over several lifetimes: tokens are renewed ahead, nobody waits',
  async play({ app, tally }, { steadyMs }) {
    await sendSteadily(app, tally, steadyMs);
    tally.expect(tally.waited === 0, 'no request waits');
    tally.expect(tally.replayed === 0, 'no token is refused');
    tally.expect(tally.refreshes >= 2, 'the token is renewed at least twice');
  },
};

export const burst: Scene = {
  name: 'burst',
  title: 'A burst of 200 requests as the token enters its refresh window: one refresh, all wait for it',
  options: { refreshAhead: false },
  async play({ app, session, tally }, { auth, timeline }) {
    await idleUntilDue(session, timeline);
    const before = await auth.counts();
    await sendMany(200, (number) => tally.send(app, { url: `/items/${number}` }));
    const refreshes = (await auth.counts()).refreshes - before.refreshes;
    tally.expect(refreshes === 1, `the server sees one refresh, not ${refreshes}`);
    tally.expect(tally.waited === 200, 'all requests wait');
  },
};

export const revoked: Scene = {
  name: 'revoked',
  title: 'A token is revoked before its time: the API answers 401, and the requests are sent again',
  async play({ app, session, tally }, { api, auth, timeline }) {
    await tally.send(app, { url: '/items' });
    api.revoke(await session.getAccessToken());
    timeline.note('the API refuses the current token from now on');
    const before = await auth.counts();
    const refusedBefore = api.counts.revoked;
    const bodies = await sendMany(10, async (number) => {
      const response = await tally.send<Echo>(app, { method: 'post', url: '/orders', data: { number } });
      return response?.data.body === JSON.stringify({ number });
    });
    const refreshes = (await auth.counts()).refreshes - before.refreshes;
    timeline.note(`the API answered 401 to ${api.counts.revoked - refusedBefore}`);
    tally.expect(tally.replayed === 10, `10 requests are sent again, not ${tally.replayed}`);
    tally.expect(refreshes === 1, `the server sees one refresh, not ${refreshes}`);
    tally.expect(bodies.every(Boolean), 'every request arrives with its own body');
  },
};

const signOut: Scene = {
  name: 'sign-out',
  title: 'A sign-out while requests wait: they are rejected, not sent',
  options: { refreshAhead: false },
  async play({ app, session, tally }, { api, timeline }) {
    await idleUntilDue(session, timeline);
    const before = api.counts.requests;
    const requests = sendMany(25, (number) => tally.send(app, { url: `/items/${number}` }));
    await untilWaiting(session, 25);
    await session.signOut();
    await requests;
    tally.expect(tally.cleared === 25, `25 requests are rejected with AUTH_SESSION_CLEARED, not ${tally.cleared}`);
    tally.expect(api.counts.requests === before, 'the API sees none of them');
  },
};

export const scenes: readonly Scene[] = [steady, burst, revoked, signOut];

/** A request every 25 ms. Resolves when all have ended. */
export async function sendSteadily(app: AxiosInstance, tally: Tally, durationMs: number): Promise<void> {
  const end = Date.now() + durationMs;
  const requests: Promise<unknown>[] = [];
  for (let number = 1; Date.now() < end; number += 1) {
    requests.push(tally.send(app, { url: `/items/${number}` }));
    await sleep(25);
  }
  await Promise.all(requests);
}

function sendMany<T>(count: number, send: (number: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => send(index + 1)));
}

async function idleUntilDue(session: TokenSession, timeline: Timeline): Promise<void> {
  const { refreshAt: dueAt = Date.now() } = session.getSnapshot();
  timeline.note('idle until the token is due');
  // A timer may fire a millisecond early.
  await sleep(Math.max(0, dueAt - Date.now()) + 5);
}

async function untilWaiting(session: TokenSession, count: number): Promise<void> {
  const giveUpAt = Date.now() + 1_000;
  while (session.getSnapshot().waiting < count && Date.now() < giveUpAt) await sleep(1);
}
