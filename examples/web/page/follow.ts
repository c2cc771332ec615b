/** From the session's events to the timeline, the log and the other tabs. */
import type { Clock, TokenEvent, TokenSession } from 'axios-token-refresh';
import type { History, Life } from './history.js';
import type { Log } from './log.js';
import { refreshWindow } from './session.js';
import type { Tabs, Told } from './tabs.js';
import { lineOf, type Line } from './words.js';

export interface Followers {
  readonly history: History;
  readonly log: Log;
  readonly tabs: Tabs;
}

const nobody: Line = { text: 'Nobody is signed in here.', tone: 'plain' };

export function follow(session: TokenSession, clock: Clock, { history, log, tabs }: Followers): void {
  const tell = (what: Told): void => {
    if (what === 'started') history.refresh(performance.now(), false);
    else history.refreshed(performance.now(), false, what === 'failed');
    tabs.tell(what);
  };
  session.on('event', (event: TokenEvent) => {
    const line = session.status === 'signed-out' && event.type === 'refresh.failed' ? nobody : lineOf(event);
    if (line) log.write(line);
    if (event.type === 'refresh.started') tell('started');
    else if (event.type === 'refresh.succeeded') tell('succeeded');
    else if (event.type === 'refresh.failed') tell('failed');
    else if (event.type === 'tokens.changed') history.token(lifeOf(session, clock), performance.now());
    else if (event.type === 'session.cleared' || event.type === 'session.expired')
      history.token(undefined, performance.now());
    // What a sign-in or a sign-out overtakes is given up without another word.
    if (event.type === 'session.started' || event.type === 'session.cleared')
      history.refreshed(performance.now(), false, false);
  });
}

/** The token in hand, on the timeline's clock; `undefined` for one that was dead when it came. */
function lifeOf(session: TokenSession, clock: Clock): Life | undefined {
  const { generation, expiresAt, refreshAt } = session.getSnapshot();
  const [now, from] = [clock.now(), performance.now()];
  if (expiresAt === undefined || refreshAt === undefined || expiresAt <= now) return undefined;
  const until = from + expiresAt - now;
  const dueAt = until - Math.min(refreshWindow.maxMs, refreshWindow.ttlFraction * (until - from));
  return { generation, from, aheadAt: from + refreshAt - now, dueAt, until, endedAt: undefined };
}
