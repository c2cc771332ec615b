/**
 * Sessions of a back end whose refresh token rotates: each is good for one use, and an old one that turns up again ends
 * its session (RFC 9700, section 4.14.2). Kept in memory: a restart signs everybody out.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

interface Session {
  readonly id: string;
  readonly subject: string;
  readonly endsAt: number;
  /** Number of the refresh token that is good now. */
  current: number;
  rotatedAt: number;
}

export interface Issued {
  readonly subject: string;
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly refreshToken: string;
}

export interface Sessions {
  begin(subject: string): Issued;
  /** The next tokens, or `undefined` if the refresh token is not good, or not any more. */
  refresh(refreshToken: string): Issued | undefined;
  /** Whose access token it is, while it lives. */
  subjectOf(accessToken: string): string | undefined;
  /** Ends one session. Its access tokens live on to their end, as signed ones do. */
  end(refreshToken: string): void;
  /** Ends all sessions of somebody. */
  endAll(subject: string): void;
  /** Refuses all access tokens of somebody before their time. */
  revokeAll(subject: string): void;
}

// A page that was reloaded in the middle of a refresh still has the token before.
const graceMs = 10_000;
const longestMs = 7 * 24 * 3_600_000;

export function createSessions(accessTokenSeconds: number): Sessions {
  const key = randomBytes(32);
  const sessions = new Map<string, Session>();
  const accessTokens = new Map<string, { readonly subject: string; readonly expiresAt: number }>();

  const refreshTokenOf = (id: string, serial: number): string => {
    const proof = createHmac('sha256', key).update(`${id}.${serial}`).digest('base64url');
    return `${id}.${serial}.${proof}`;
  };

  function read(refreshToken: string): { session: Session; serial: number } | undefined {
    const [id = '', serial = ''] = refreshToken.split('.');
    const session = sessions.get(id);
    if (!session || !isSame(refreshToken, refreshTokenOf(id, Number(serial)))) return undefined;
    return { session, serial: Number(serial) };
  }

  function issue({ id, subject, current }: Session): Issued {
    const now = Date.now();
    for (const [token, { expiresAt }] of accessTokens) if (expiresAt <= now) accessTokens.delete(token);
    const accessToken = randomBytes(32).toString('base64url');
    accessTokens.set(accessToken, { subject, expiresAt: now + accessTokenSeconds * 1_000 });
    return { subject, accessToken, expiresIn: accessTokenSeconds, refreshToken: refreshTokenOf(id, current) };
  }

  return {
    begin(subject) {
      const now = Date.now();
      const id = randomBytes(16).toString('base64url');
      const session: Session = { id, subject, endsAt: now + longestMs, current: 0, rotatedAt: now };
      sessions.set(id, session);
      return issue(session);
    },
    refresh(refreshToken) {
      const { session, serial } = read(refreshToken) ?? {};
      if (!session || serial === undefined) return undefined;
      const now = Date.now();
      const isCurrent = serial === session.current;
      const isLost = serial === session.current - 1 && now - session.rotatedAt < graceMs;
      if (now >= session.endsAt || !(isCurrent || isLost)) {
        sessions.delete(session.id);
        return undefined;
      }
      if (isCurrent) {
        session.current += 1;
        session.rotatedAt = now;
      }
      return issue(session);
    },
    subjectOf(accessToken) {
      const found = accessTokens.get(accessToken);
      return found && found.expiresAt > Date.now() ? found.subject : undefined;
    },
    end(refreshToken) {
      const found = read(refreshToken);
      if (found) sessions.delete(found.session.id);
    },
    endAll(subject) {
      for (const session of sessions.values()) if (session.subject === subject) sessions.delete(session.id);
    },
    revokeAll(subject) {
      for (const [token, issued] of accessTokens) if (issued.subject === subject) accessTokens.delete(token);
    },
  };
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
