/** A Chromium, a site and an authorization server for the tests of one file; a profile of its own for each test. */
import { afterAll, beforeAll } from '@jest/globals';
import type { Browser } from 'playwright-core';
import {
  startAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerCounts,
  type AuthorizationServerOptions,
} from '../support/oidc.js';
import { launch } from './chromium.js';
import { describeWithChromium } from './group.js';
import { startSite, type Site } from './site.js';
import { Profile } from './tabs.js';

export interface Stage {
  readonly browser: Browser;
  readonly authorization: AuthorizationServer;
  readonly site: Site;
  /** Calls `act` with a new profile, and tells what the authorization server has seen meanwhile. */
  readonly play: (act: (profile: Profile) => Promise<void>) => Promise<AuthorizationServerCounts>;
}

/** A group of tests in Chromium. */
export function describeInChromium(
  name: string,
  tests: (stage: Stage) => void,
  server: AuthorizationServerOptions = { accessTokenTtl: 3_600 },
): void {
  describeWithChromium(name, () => {
    let browser: Browser;
    let authorization: AuthorizationServer;
    let site: Site;
    const closing: (() => Promise<void>)[] = [];
    beforeAll(async () => {
      browser = await launch();
      closing.push(() => browser.close());
      authorization = await startAuthorizationServer(server);
      closing.push(() => authorization.close());
      site = await startSite(authorization);
      closing.push(() => site.close());
    });
    afterAll(async () => {
      for (const close of closing) await close();
    });
    tests({
      get browser() {
        return browser;
      },
      get authorization() {
        return authorization;
      },
      get site() {
        return site;
      },
      async play(act) {
        const before = await authorization.counts();
        const profile = await Profile.open(browser, site, authorization);
        try {
          await act(profile);
        } finally {
          await profile.close();
        }
        const { refreshes, refused, reuses } = await authorization.counts();
        return {
          refreshes: refreshes - before.refreshes,
          refused: refused - before.refused,
          reuses: reuses - before.reuses,
        };
      },
    });
  });
}
