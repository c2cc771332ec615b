/** Rounds of two tabs whose token dies at the same moment: is the session still there afterwards? */
import type { Browser } from 'playwright-core';
import type { AuthorizationServer } from '../support/oidc.js';
import type { StoreName } from './page/stores.js';
import type { Site } from './site.js';
import { dead, Profile, type Tab } from './tabs.js';

export interface Tally {
  readonly store: StoreName;
  rounds: number;
  requests: number;
  failed: number;
  /** Of the rounds themselves, and what the authorization server saw of them. */
  refreshes: number;
  reuses: number;
  /** Rounds after which somebody had to sign in again. */
  lost: number;
}

export interface Arena {
  readonly browser: Browser;
  readonly site: Site;
  readonly authorization: AuthorizationServer;
}

const requestsPerTab = 3;

export async function playRounds(arena: Arena, store: StoreName, rounds: number): Promise<Tally> {
  const tally: Tally = { store, rounds: 0, requests: 0, failed: 0, refreshes: 0, reuses: 0, lost: 0 };
  const profile = await Profile.open(arena.browser, arena.site, arena.authorization);
  const tabs = await profile.tabs(2, { store });
  while (tally.rounds < rounds) await playRound(arena.authorization, tabs, tally);
  await profile.close();
  return tally;
}

async function playRound(authorization: AuthorizationServer, tabs: readonly Tab[], tally: Tally): Promise<void> {
  const tokens = dead(await authorization.signIn('alice'));
  for (const tab of tabs) await tab.call('signIn', tokens);
  const before = await authorization.counts();
  // The tabs wake up within some milliseconds of each other, and each time in another order.
  const at = Date.now() + 30;
  const sent = await Promise.all(tabs.map((tab) => tab.call('send', requestsPerTab, at + Math.random() * 15)));
  const after = await authorization.counts();
  const answers = sent.flat();
  tally.rounds += 1;
  tally.requests += answers.length;
  tally.failed += answers.filter(({ status }) => status !== 200).length;
  tally.refreshes += after.refreshes - before.refreshes;
  tally.reuses += after.reuses - before.reuses;
  if (!(await isAlive(tabs))) tally.lost += 1;
}

/** Whether each tab can still renew its tokens, and then send with them. */
async function isAlive(tabs: readonly Tab[]): Promise<boolean> {
  for (const tab of tabs) {
    const renewed = await tab.call('refresh').then(
      () => true,
      () => false,
    );
    const [answer] = await tab.call('send', 1);
    if (!renewed || answer?.status !== 200) return false;
  }
  return true;
}
