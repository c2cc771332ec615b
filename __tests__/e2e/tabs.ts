/** Tabs of one profile, each with the app in it. */
import type { Browser, BrowserContext, CDPSession, Page as BrowserPage } from 'playwright-core';
import type { AuthorizationServer, SignIn } from '../support/oidc.js';
import type { Answer, Page, Settings, Told } from './page/app.js';
import type { Site } from './site.js';

/** Dead on arrival: the next request has to refresh. */
export const dead = ({ accessToken, refreshToken }: SignIn) => ({ accessToken, refreshToken, expiresIn: 0 });

export class Tab {
  constructor(readonly page: BrowserPage) {}

  /** Calls a method of the app in the page. */
  call<K extends Exclude<keyof Page, 'events'>>(
    method: K,
    ...args: Parameters<Page[K]>
  ): Promise<Awaited<ReturnType<Page[K]>>> {
    return this.page.evaluate(
      ([name, given]) =>
        (window as unknown as { app: Record<string, (...a: unknown[]) => unknown> }).app[name]?.(...given),
      [method, args] as [string, unknown[]],
    ) as Promise<Awaited<ReturnType<Page[K]>>>;
  }

  told(type: string): Promise<Told[]> {
    return this.page.evaluate(
      (wanted) => (window as unknown as { app: Page }).app.events.filter((event) => event.type === wanted),
      type,
    );
  }

  /** Waits until the app has come so far. */
  async until<K extends 'status' | 'generation'>(method: K, value: ReturnType<Page[K]>): Promise<void> {
    await this.page.waitForFunction(
      ([name, wanted]) => (window as unknown as { app: Page }).app[name]() === wanted,
      [method, value] as const,
      { polling: 5, timeout: 20_000 },
    );
  }

  /** The app has been loaded, the store read. */
  async isReady(): Promise<void> {
    await this.page.waitForFunction(() => 'app' in window, undefined, { polling: 5 });
  }

  devTools(): Promise<CDPSession> {
    return this.page.context().newCDPSession(this.page);
  }
}

/** A held request for new tokens. */
export interface Held {
  /** Lets it reach the server. */
  release(): Promise<void>;
  /** Lets it fail on the way. */
  drop(): Promise<void>;
}

export class Profile {
  private constructor(
    readonly context: BrowserContext,
    private readonly site: Site,
    private readonly authorization: AuthorizationServer,
  ) {}

  static async open(browser: Browser, site: Site, authorization: AuthorizationServer): Promise<Profile> {
    return new Profile(await browser.newContext(), site, authorization);
  }

  async tab(settings: Partial<Settings> = {}): Promise<Tab> {
    const page = await this.context.newPage();
    await page.goto(this.site.pageFor({ store: 'indexeddb', ...settings }));
    const tab = new Tab(page);
    await tab.isReady();
    return tab;
  }

  tabs(count: number, settings: Partial<Settings> = {}): Promise<Tab[]> {
    return Promise.all(Array.from({ length: count }, () => this.tab(settings)));
  }

  /** Signs in in the first of the tabs, with an access token that has died, and waits until all know. */
  async signIn(tabs: readonly Tab[], subject = 'alice'): Promise<void> {
    const before = await Promise.all(tabs.map((tab) => tab.call('generation')));
    await tabs[0]?.call('signIn', dead(await this.authorization.signIn(subject)));
    await Promise.all(tabs.map((tab, index) => tab.until('generation', (before[index] ?? 0) + 1)));
  }

  /** Holds the next request for new tokens of a tab, and resolves when it is made. */
  async holdRefresh(tab: Tab): Promise<{ readonly held: Promise<Held> }> {
    let hold: (held: Held) => void = () => undefined;
    const held = new Promise<Held>((resolve) => {
      hold = resolve;
    });
    await tab.page.route(
      this.authorization.tokenEndpoint,
      (route) => hold({ release: () => route.continue(), drop: () => route.abort() }),
      { times: 1 },
    );
    return { held };
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

/** Sends requests from all tabs at one moment. */
export async function burst(tabs: readonly Tab[], count: number): Promise<Answer[]> {
  const at = Date.now() + 50;
  return (await Promise.all(tabs.map((tab) => tab.call('send', count, at)))).flat();
}
