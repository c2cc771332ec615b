/** The session of the page: the access token in memory alone, the refresh token in a cookie that no script can read. */
import axios from 'axios';
import { installTokenRefresh } from 'axios-token-refresh';

interface SignedIn {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly subject: string;
}

/** For everything that the back end offers. In a browser the token goes to the page's own origin. */
export const api = axios.create();

let user: string | undefined;

export const session = installTokenRefresh(api, {
  async refresh({ http }) {
    const { data } = await http.post<SignedIn>('/auth/refresh');
    user = data.subject;
    return data;
  },
  // Somebody who only reads stays signed in, and hears in time when that ends.
  schedule: true,
});

/** Who is, or was last, signed in. */
export const currentUser = (): string | undefined => user;

/** Brings back the session of the cookie, if there is one. What comes of it is in the session's snapshot. */
export function restore(): void {
  session.refresh().catch(() => undefined);
}

/** Rejects with the error of Axios: 403 for a wrong password. */
export async function signIn(name: string, password: string): Promise<void> {
  const { data } = await api.post<SignedIn>('/auth/sign-in', { user: name, password }, { tokenRefresh: false });
  user = data.subject;
  await session.setTokens(data);
}

/** Only the server can take the cookie back: if it cannot be reached, the user is told, and is still signed in. */
export async function signOut(): Promise<void> {
  await api.post('/auth/sign-out', undefined, { tokenRefresh: false });
  await session.signOut();
}
