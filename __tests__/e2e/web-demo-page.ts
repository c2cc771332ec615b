/** The live demo as its visitor has it: what they press, and what they see. */
import type { Page } from 'playwright-core';
import { startExample, type ExampleServer } from './example-server.js';

/** How long the demo's access tokens live, unless it is told otherwise. */
export const tokenSeconds = 20;
/** Of a token's life, counted from its end: requests wait for the new one. */
export const windowSeconds = 4;

export const startDemo = (): Promise<ExampleServer> => startExample('examples/web/main.ts');

/** Loads the demo and waits until it knows whether somebody is signed in. */
export async function open(page: Page): Promise<Page> {
  page.setDefaultTimeout(15_000);
  await page.clock.install();
  await page.goto('/');
  await page.getByRole('heading', { name: /^(Signed|Session ended)/ }).waitFor();
  return page;
}

/** A second tab of the same browser. */
export const secondTab = async (page: Page): Promise<Page> => open(await page.context().newPage());

export const press = (page: Page, button: string): Promise<void> => page.getByRole('button', { name: button }).click();

export async function signIn(page: Page, user: string): Promise<void> {
  await press(page, `Sign in as ${user}`);
  await sees(page, `Signed in as ${user}`);
  await sees(page, /^Token valid for/);
}

export async function burst(page: Page, count: number): Promise<void> {
  await page.getByRole('spinbutton', { name: 'Requests' }).fill(String(count));
  await press(page, 'Send a burst');
}

export async function behave(page: Page, part: 'Refresh endpoint' | 'API', how: string): Promise<void> {
  const done = page.waitForResponse((response) => response.url().includes('/demo/behaviour/'));
  await page.getByRole('combobox', { name: part, exact: true }).selectOption({ label: how });
  await done;
}

export const sees = (page: Page, text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor();

type Count = 'Sent' | 'Waited' | 'Replayed' | 'Failed' | 'Refreshes';

/** Waits until a counter shows this. */
export const counts = (page: Page, counter: Count, value: number | RegExp): Promise<void> =>
  page
    .locator('.counters div')
    .filter({ has: page.getByText(counter, { exact: true }) })
    .getByText(typeof value === 'number' ? String(value) : value, { exact: true })
    .waitFor();

/** What a counter shows now. */
export const count = async (page: Page, counter: Count): Promise<number> =>
  Number(
    await page
      .locator('.counters div')
      .filter({ has: page.getByText(counter, { exact: true }) })
      .getByRole('definition')
      .innerText(),
  );
