/** A backend whose refresh credential is an HttpOnly cookie that rotates: one used twice ends the session. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface CookieSessions {
  /** `/session?subject=alice` signs in; `/session` refreshes. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Whose access token it is. */
  subjectOf(accessToken: string): string | undefined;
}

export function cookieSessions(): CookieSessions {
  const subjects = new Map<string, string>();
  const live = new Map<string, string>();
  return {
    handle(request, response) {
      const cookie = /refresh=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
      const asked = new URL(request.url ?? '', 'http://localhost').searchParams.get('subject');
      const subject = asked ?? live.get(cookie);
      live.delete(cookie);
      if (subject === undefined) {
        response.writeHead(401).end();
        return;
      }
      const [next, accessToken] = [randomUUID(), randomUUID()];
      live.set(next, subject);
      subjects.set(accessToken, subject);
      response.setHeader('set-cookie', `refresh=${next}; HttpOnly; SameSite=Strict; Path=/session`);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ accessToken, expiresIn: 3_600, subject }));
    },
    subjectOf: (accessToken) => subjects.get(accessToken),
  };
}
