/** From the session's events to the timeline, the log and the other tabs. */
import type { Clock, TokenEvent, TokenSession } from 'axios-token-refresh';
import type { History, Life } from './history.js';
import type { Log } from './log.js';
import { refreshWindow } from './session.js';
import type { Tabs, Told } from './tabs.js';
import { lineOf, nobody, type Line } from './words.js';

export interface Followers {
  readonly history: History;
  readonly log: Log;
  readonly tabs: Tabs;
}

export function follow(session: TokenSession, clock: Clock, { history, log, tabs }: Followers): void {
  const tell = (what: Told): void => {
    if (what === 'started') history.refresh(performance.now(), false);
    else history.refreshed(performance.now(), false, what === 'failed');
    tabs.tell(what);
  };
  session.on('event', (event: TokenEvent) => {
    const isNobody = session.status === 'signed-out' && event.type === 'refresh.failed';
    const line: Line | undefined = isNobody ? { text: nobody, tone: 'plain' } : lineOf(event);
    if (line) log.write(line);
    if (event.type === 'refresh.started') tell('started');
    else if (event.type === 'refresh.succeeded') tell('succeeded');
    else if (event.type === 'refresh.failed') tell('failed');
    else if (event.type === 'tokens.changed') history.token(lifeOf(session, clock), performance.now());
    else if (event.type === 'session.cleared' || event.type === 'session.expired')
      history.token(undefined, performance.now());
    // A refresh that a sign-in or a sign-out overtakes is given up without another word.
    if (event.type === 'session.started' || event.type === 'session.cleared') tell('dropped');
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
