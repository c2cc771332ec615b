/** The React example in a real Chromium: what a person sees when a session loads, ends and comes back. */
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { describeExample, isSaved, make, notesOf, sees, signIn, tokenSeconds, write } from './react-example.js';

const ended = 'Your session has ended. Please sign in again.';
const heading = (page: Page): Promise<string> => page.getByRole('heading', { level: 1 }).innerText();
let serial = 0;
const unique = (text: string): string => `${text} ${++serial}`;
const seconds = (count: number): number => count * 1_000;

/** The status of the next refresh, once the page has taken its answer: time must not jump before. */
async function refreshed(page: Page): Promise<number> {
  const response = await page.waitForResponse('**/auth/refresh');
  await response.finished();
  await page.evaluate(
    () =>
      new Promise((taken) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = taken;
        port2.postMessage('');
      }),
  );
  return response.status();
}

describeExample('a visitor of the React example', ({ visit, signedIn }) => {
  /** Ends all sessions of alice while her page is open elsewhere. */
  async function fromAnotherDevice(): Promise<void> {
    const page = await signedIn('/account');
    await make('Refuse my token, too', page);
    await page.context().close();
  }

  test('sees that the session is being restored, and then the sign-in page', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const page = await visit('/', {
      prepare: (loading) =>
        loading.route('**/auth/refresh', async (route) => {
          await held;
          await route.continue();
        }),
    });
    expect(await sees(page, 'One moment, your session is being restored…')).toBe('/');
    expect(await page.getByRole('button', { name: 'Sign in' }).count()).toBe(0);
    letGo();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/sign-in');
    // A first visit is no end of anything.
    expect(await page.getByText(ended).count()).toBe(0);
    await page.context().close();
  });

  test('comes to the page that was asked for, after the sign-in', async () => {
    const page = await visit('/account');
    await signIn(page, 'alice', 'wrong');
    expect(await page.getByRole('alert').innerText()).toBe('This name and password do not go together.');
    await signIn(page);
    expect(await sees(page, 'Your account')).toBe('/account');
    await page.context().close();
  });

  test('is not led away by an address that somebody else has made', async () => {
    for (const away of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/.//evil.example',
      'javascript:alert(1)',
      'sign-in',
    ]) {
      const page = await visit(`/sign-in?return=${encodeURIComponent(away)}`);
      await signIn(page);
      expect(await sees(page, 'Your notes')).toBe('/');
      await page.context().close();
    }
  });

  test('stays signed in, on the same page, when the page is reloaded', async () => {
    const page = await signedIn('/');
    const note = unique('Kept on the server');
    await write(page, note);
    await isSaved(page, note);
    await page.getByRole('link', { name: 'Account' }).click();
    await page.reload();
    expect(await sees(page, 'Your account')).toBe('/account');
    await page.getByRole('link', { name: 'Notes' }).click();
    await sees(page, note);
    expect(await notesOf(page)).toContain(note);
    await page.context().close();
  });

  test('stays signed in while only looking: the session is refreshed before it ends', async () => {
    const page = await signedIn('/');
    for (let hour = 0; hour < 3; hour += 1) {
      const status = refreshed(page);
      await page.clock.fastForward(seconds(tokenSeconds * 0.8));
      expect(await status).toBe(200);
    }
    expect(await heading(page)).toBe('Your notes');
    expect(await page.getByText('Your session ends').count()).toBe(0);
    await page.context().close();
  });

  test('with two tabs stays signed in in both, though each refreshes with the same cookie', async () => {
    const first = await signedIn('/');
    const second = await first.context().newPage();
    await second.clock.install();
    await second.goto('/account');
    await sees(second, 'Your account');
    for (let round = 0; round < 3; round += 1) {
      const both = [first, second].map(refreshed);
      await Promise.all([first, second].map((page) => page.clock.fastForward(seconds(tokenSeconds * 0.8))));
      expect(await Promise.all(both)).toStrictEqual([200, 200]);
    }
    expect([await heading(first), await heading(second)]).toStrictEqual(['Your notes', 'Your account']);
    await first.context().close();
  });

  test('hears that the session ends in 2 minutes, and signs in again in time', async () => {
    const page = await signedIn('/');
    await make('Refuse the next refresh', page);
    await page.getByRole('link', { name: 'Notes' }).click();
    expect(await page.getByText('Your session ends').count()).toBe(0);
    await page.clock.fastForward(seconds(tokenSeconds - 80));
    await sees(page, 'Your session ends in 2 minutes.');
    await write(page, unique('Written towards the end'));
    await page.clock.fastForward(seconds(30));
    await sees(page, 'Your session ends in less than a minute.');
    await page.getByRole('button', { name: 'Sign in again' }).click();
    await signIn(page);
    expect(await sees(page, 'Your notes')).toBe('/');
    expect(await page.getByText('Your session ends').count()).toBe(0);
    await page.clock.fastForward(seconds(60));
    expect(await heading(page)).toBe('Your notes');
    await page.context().close();
  });

  test('who was away past the end signs in again and is back on the same page, with what was being written', async () => {
    const page = await signedIn('/');
    await make('Refuse the next refresh', page);
    await page.getByRole('link', { name: 'Notes' }).click();
    await page.getByLabel('New note').fill('An unfinished thought');
    await page.clock.fastForward(seconds(tokenSeconds - 80));
    await sees(page, 'Your session ends in 2 minutes.');
    await page.clock.fastForward(seconds(100));
    expect(await sees(page, ended)).toBe('/sign-in');
    expect(await page.getByLabel('Name').inputValue()).toBe('alice');
    await signIn(page);
    expect(await sees(page, 'Your notes')).toBe('/');
    expect(await page.getByLabel('New note').inputValue()).toBe('An unfinished thought');
    await page.context().close();
  });

  test('whose token is refused signs in again, and what failed meanwhile is sent then, once', async () => {
    const page = await signedIn('/');
    await fromAnotherDevice();
    const note = unique('Sent to a server that refuses');
    await write(page, note);
    expect(await sees(page, ended)).toBe('/sign-in');
    await sees(page, 'One note has not been saved yet.');
    await signIn(page);
    await expectSavedOnce(page, note);
    expect(new URL(page.url()).pathname).toBe('/');
    await page.context().close();
  });

  test('whose token is refused while the page loads its data comes back to the data', async () => {
    const page = await signedIn('/');
    const note = unique('Here before');
    await write(page, note);
    await isSaved(page, note);
    await make('Refuse my token, too', page);
    await page.getByRole('link', { name: 'Notes' }).click();
    expect(await sees(page, ended)).toBe('/sign-in');
    await signIn(page);
    expect(await sees(page, note)).toBe('/');
    await page.context().close();
  });

  test('what one user could not save is not sent as another', async () => {
    const page = await signedIn('/');
    await fromAnotherDevice();
    await write(page, unique('A secret of alice'));
    await sees(page, ended);
    await signIn(page, 'bob', 'builder');
    await sees(page, 'Your notes');
    await page.getByRole('navigation').getByText('bob').waitFor();
    await sees(page, 'Nothing here yet.');
    expect(await page.getByLabel('New note').inputValue()).toBe('');
    await page.reload();
    await sees(page, 'Nothing here yet.');
    expect(await notesOf(page)).toStrictEqual([]);
    await page.context().close();
  });

  test('is told that there is no network, and what was written meanwhile is saved when it is back, once', async () => {
    const page = await signedIn('/');
    await page.context().setOffline(true);
    await sees(page, 'You are offline. What you write is saved when you are back.');
    const note = unique('Written in a tunnel');
    await write(page, note);
    await sees(page, 'Not saved yet.');
    expect((await notesOf(page))[0]).toMatch(note);
    await page.context().setOffline(false);
    await isSaved(page, note);
    expect(await page.getByText('You are offline.').count()).toBe(0);
    await expectSavedOnce(page, note);
    await page.context().close();
  });

  test('offline past the end of the token: still signed in, and nothing is lost', async () => {
    const page = await signedIn('/');
    await page.context().setOffline(true);
    const note = unique('Written on a long flight');
    await write(page, note);
    await sees(page, 'Not saved yet.');
    await page.clock.fastForward(seconds(tokenSeconds * 3));
    expect(await heading(page)).toBe('Your notes');
    await page.context().setOffline(false);
    await expectSavedOnce(page, note);
    await page.context().close();
  });

  test('who leaves before a note is saved is asked first', async () => {
    const page = await signedIn('/');
    await page.context().setOffline(true);
    const note = unique('Written on the way out');
    await write(page, note);
    await sees(page, 'Not saved yet.');
    const asked = page.waitForEvent('dialog');
    await page.close({ runBeforeUnload: true });
    const question = await asked;
    expect(question.type()).toBe('beforeunload');
    await question.dismiss();
    await page.context().setOffline(false);
    await isSaved(page, note);
    await page.context().close();
  });

  test('who writes while the list is still on its way sees the new note and the earlier ones', async () => {
    const page = await signedIn('/');
    const [earlier, note] = [unique('From yesterday'), unique('From today')];
    await write(page, earlier);
    await isSaved(page, earlier);
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await page.route('**/api/notes', async (route) => {
      const response = await route.fetch();
      await held;
      await route.fulfill({ response });
    });
    await page.reload();
    await write(page, note);
    await isSaved(page, note);
    letGo();
    await sees(page, earlier);
    expect((await notesOf(page)).slice(0, 2)).toStrictEqual([note, earlier]);
    await page.context().close();
  });

  test('what could not be saved for want of a token is saved by itself when there is one again', async () => {
    const page = await signedIn('/');
    await page.getByText('Loading your notes…').waitFor({ state: 'detached' });
    await page.route('**/auth/refresh', (route) => route.abort());
    await page.clock.fastForward(seconds(tokenSeconds + 1));
    const note = unique('Written while the sign-in service was away');
    await write(page, note);
    await sees(page, 'Not saved yet. We cannot confirm your sign-in right now.');
    await page.unroute('**/auth/refresh');
    await page.clock.fastForward(seconds(60));
    await expectSavedOnce(page, note);
    await page.context().close();
  });

  test('who opens the page while the server cannot be reached is not sent to the sign-in page', async () => {
    const page = await signedIn('/account');
    await page.route('**/auth/refresh', (route) => route.abort());
    await page.reload();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').innerText()).toMatch(
      'We cannot confirm your sign-in right now. Please try again in a moment.',
    );
    await page.unroute('**/auth/refresh');
    await page.getByRole('button', { name: 'Try again' }).click();
    expect(await sees(page, 'Your account')).toBe('/account');
    await page.context().close();
  });

  test('who has signed out is signed out, also after a reload', async () => {
    const page = await signedIn('/account');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Password').waitFor();
    expect(await page.getByText(ended).count()).toBe(0);
    await page.reload();
    await page.getByLabel('Password').waitFor();
    await page.goto('/');
    await page.getByLabel('Password').waitFor();
    await page.context().close();
  });

  test('who cannot sign out, for want of a network, is told so', async () => {
    const page = await signedIn('/account');
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await sees(page, 'There is no connection.');
    expect(await heading(page)).toBe('Your account');
    await page.context().close();
  });

  test('gets everywhere by keyboard, and finds the focus on each new page', async () => {
    const page = await visit('/');
    await page.getByLabel('Password').waitFor();
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
    const type = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await (key.length === 1 ? page.keyboard.type(key) : page.keyboard.press(key));
    };
    expect(await focused()).toBe('Sign in');
    await type('Tab', 'b', 'o', 'b', 'Tab', ...'builder'.split(''), 'Enter');
    await sees(page, 'Your notes');
    expect(await focused()).toBe('Your notes');
    await type('Shift+Tab', 'Enter');
    await sees(page, 'Your account');
    expect(await focused()).toBe('Your account');
    await type('Tab', 'Enter');
    await page.getByLabel('Password').waitFor();
    await page.context().close();
  });

  test('keeps the focus on a button that has been pressed: a wrong password, and a refresh', async () => {
    const page = await visit('/account');
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
    await page.getByLabel('Name').fill('alice');
    await page.getByLabel('Password').fill('looking-glass');
    await page.getByRole('button', { name: 'Sign in' }).press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await focused()).toBe('Sign in');
    await page.getByLabel('Password').fill('wonderland');
    await page.getByRole('button', { name: 'Sign in' }).press('Enter');
    await page.getByRole('button', { name: 'Refresh now' }).press('Enter');
    await sees(page, 'You have a new access token.');
    expect(await focused()).toBe('Refresh now');
    await page.context().close();
  });

  test.each([
    ['light', 320],
    ['dark', 360],
  ] as const)('%s and %p px wide: nothing has to be scrolled sideways', async (colorScheme, width) => {
    const page = await signedIn('/', { colorScheme, viewport: { width, height: 640 } });
    await write(page, 'W'.repeat(80));
    await page.getByRole('listitem').first().waitFor();
    await page.getByRole('link', { name: 'Account' }).click();
    await sees(page, 'Your account');
    await page.getByRole('link', { name: 'Notes' }).click();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe(colorScheme === 'dark' ? 'rgb(18, 20, 28)' : 'rgb(244, 245, 249)');
    await page.context().close();
  });
});

/** The page says so, and the server has it. */
async function expectSavedOnce(page: Page, note: string): Promise<void> {
  await isSaved(page, note);
  await page.reload();
  await sees(page, note);
  expect((await notesOf(page)).filter((text) => text.includes(note))).toStrictEqual([note]);
}
