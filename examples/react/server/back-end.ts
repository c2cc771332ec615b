/** The back end of the example: sign-in, a refresh endpoint that works with a cookie, and an API of notes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSessions, type Issued } from './sessions.js';

export interface BackEndOptions {
  /** How long an access token lives, in seconds. @default 300 */
  readonly accessTokenSeconds?: number;
}

/** Answers requests to `/auth/` and `/api/`. Whether it was one of those. */
export type BackEnd = (request: IncomingMessage, response: ServerResponse) => boolean;

interface Note {
  readonly id: string;
  readonly text: string;
}

interface Answer {
  readonly status: number;
  readonly body?: object;
  readonly cookie?: string;
}

const passwords: Readonly<Record<string, string>> = { alice: 'wonderland', bob: 'builder' };
const unauthorized: Answer = { status: 401, body: { error: 'invalid_token' } };
const signedOut = 'refresh=; HttpOnly; SameSite=Strict; Path=/auth; Max-Age=0';

export function createBackEnd({ accessTokenSeconds = 300 }: BackEndOptions = {}): BackEnd {
  const sessions = createSessions(accessTokenSeconds);
  const notes = new Map<string, Note[]>();

  const signedIn = ({ refreshToken, ...told }: Issued): Answer => ({
    status: 200,
    body: told,
    cookie: `refresh=${refreshToken}; HttpOnly; SameSite=Strict; Path=/auth; Max-Age=604800`,
  });

  function auth(route: string, refreshToken: string, body: Record<string, unknown>): Answer {
    if (route === 'POST /auth/sign-in') {
      const { user, password } = body;
      const isRight = typeof user === 'string' && Object.hasOwn(passwords, user) && passwords[user] === password;
      return isRight ? signedIn(sessions.begin(user)) : { status: 403, body: { error: 'wrong_password' } };
    }
    if (route === 'POST /auth/refresh') {
      const issued = sessions.refresh(refreshToken);
      return issued ? signedIn(issued) : { status: 401, body: { error: 'invalid_grant' }, cookie: signedOut };
    }
    if (route !== 'POST /auth/sign-out') return { status: 404 };
    sessions.end(refreshToken);
    return { status: 204, cookie: signedOut };
  }

  function api(route: string, subject: string, body: Record<string, unknown>): Answer {
    const own = notes.get(subject) ?? [];
    if (route === 'GET /api/notes') return { status: 200, body: own };
    if (route === 'POST /api/end-my-sessions') {
      sessions.endAll(subject);
      if (body['andRevoke'] === true) sessions.revokeAll(subject);
      return { status: 204 };
    }
    // The page makes the id, so that a request that is sent twice saves one note.
    const id = /^PUT \/api\/notes\/([\w-]{1,64})$/.exec(route)?.[1];
    if (id === undefined) return { status: 404 };
    const { text } = body;
    if (typeof text !== 'string' || text === '' || text.length > 500) return { status: 422 };
    notes.set(subject, [...own.filter((note) => note.id !== id), { id, text }]);
    return { status: 204 };
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const { method = '', url = '', headers } = request;
    const route = `${method} ${url.split('?', 1).join('')}`;
    const body = await readJson(request);
    if (url.startsWith('/auth/')) {
      // A page of another origin may post here, and the cookie would be none of its business.
      if (headers['sec-fetch-site'] !== undefined && headers['sec-fetch-site'] !== 'same-origin')
        return { status: 403 };
      return auth(route, /(?:^|; )refresh=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? '', body);
    }
    const accessToken = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    const subject = sessions.subjectOf(accessToken);
    return subject === undefined ? unauthorized : api(route, subject, body);
  }

  return (request, response) => {
    if (!/^\/(auth|api)\//.test(request.url ?? '')) return false;
    answer(request).then(
      (told) => send(response, told),
      () => response.destroy(),
    );
    return true;
  };
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > 10_000) throw new RangeError('The body is too long.');
    chunks.push(chunk);
  }
  try {
    const read: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return typeof read === 'object' && read !== null ? { ...read } : {};
  } catch {
    return {};
  }
}

function send(response: ServerResponse, { status, body, cookie }: Answer): void {
  if (cookie !== undefined) response.setHeader('Set-Cookie', cookie);
  response.setHeader('Cache-Control', 'no-store');
  if (body) response.setHeader('Content-Type', 'application/json');
  response.writeHead(status).end(body && JSON.stringify(body));
}
