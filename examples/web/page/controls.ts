/** What the visitor can do. Whatever fails is told in words. */
import type { AdjustableClock } from './clock.js';
import { find } from './elements.js';
import type { Account, User } from './session.js';
import type { Traffic } from './traffic.js';
import type { Wire } from './wire.js';

export interface Surroundings {
  readonly account: Account;
  readonly traffic: Traffic;
  readonly wire: Wire;
  readonly clock: AdjustableClock;
  /** Is told what somebody has done, and how it failed. */
  readonly did: (text: string) => void;
  readonly failed: (error: unknown) => void;
}

const most = 500;

export function connectControls({ account, traffic, wire, clock, did, failed }: Surroundings): void {
  const { api } = account;
  const attempt = (action: () => Promise<unknown>): void => void action().catch(failed);
  const onClick = (id: string, act: () => void): void =>
    find(id, HTMLButtonElement).addEventListener('click', () => act());
  const onSwitch = (id: string, act: (on: boolean) => void): void => {
    const box = find(id, HTMLInputElement);
    box.addEventListener('change', () => act(box.checked));
  };
  const onChoice = (id: string, act: (value: string) => void): HTMLSelectElement => {
    const select = find(id, HTMLSelectElement);
    select.addEventListener('change', () => act(select.value));
    return select;
  };
  const signIn = (user: User): void => attempt(() => account.signIn(user));
  // The button goes with the notice: who pressed it by keyboard is taken to what has come of it.
  const signInAgain = async (): Promise<void> => {
    await account.signIn(account.user === 'bob' ? 'bob' : 'alice');
    find('headline', HTMLElement).focus();
  };

  onClick('alice', () => signIn('alice'));
  onClick('bob', () => signIn('bob'));
  onClick('again', () => attempt(signInAgain));
  onClick('sign-out', () => attempt(() => account.signOut()));

  find('burst', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const count = find('burst-size', HTMLInputElement).valueAsNumber;
    traffic.burst(Math.min(most, Math.max(1, Math.floor(count) || 1)));
  });
  onSwitch('steady', (on) => traffic.steady(on));

  onClick('revoke-token', () =>
    attempt(async () => {
      await api.post('/demo/revoke-token');
      did('The API refuses this token from now on.');
    }),
  );
  onClick('revoke-session', () =>
    attempt(async () => {
      await api.post('/demo/revoke-session');
      did('The server has ended this session. The token lives on to its end.');
    }),
  );

  const selects = {
    auth: onChoice('auth', (behaviour) => attempt(() => behave('auth', behaviour))),
    api: onChoice('api', (behaviour) => attempt(() => behave('api', behaviour))),
  };
  const behave = (part: string, behaviour: string): Promise<unknown> =>
    api.post(`/demo/behaviour/${part}/${behaviour}`, undefined, { tokenRefresh: false });
  attempt(async () => {
    const { data } = await api.get<Record<keyof typeof selects, string>>('/demo/behaviour', { tokenRefresh: false });
    selects.auth.value = data.auth;
    selects.api.value = data.api;
  });

  onSwitch('offline', (on) => (on ? wire.unplug() : wire.plugIn()));
  onChoice('skew', (minutes) => {
    clock.skew(Number(minutes) * 60_000);
    did("This browser's clock has been set.");
  });
}
