/** Puts the page together. */
import { createClock } from './clock.js';
import { connectControls } from './controls.js';
import { createCounters } from './counters.js';
import { find } from './elements.js';
import { follow } from './follow.js';
import { History } from './history.js';
import { createLog } from './log.js';
import { createAccount } from './session.js';
import { createStatus } from './status.js';
import { joinTabs } from './tabs.js';
import { startTimeline } from './timeline/timeline.js';
import { createTraffic } from './traffic.js';
import { createWire } from './wire.js';
import { failureOf } from './words.js';

const refreshMs = 250;

const wire = createWire();
const clock = createClock();
const history = new History();
const log = createLog(find('log', HTMLOListElement));
const account = createAccount(document.body.dataset['api'] ?? '', wire, clock);
const failed = (error: unknown): void => log.write({ text: failureOf(error, account.session.status), tone: 'bad' });
const did = (text: string): void => log.write({ text, tone: 'plain' });
const tabs = joinTabs((what) => {
  if (what === 'started') history.refresh(performance.now(), true);
  else history.refreshed(performance.now(), true, what === 'failed');
  if (what === 'succeeded') did('Another tab has a new token.');
});
let openTabs = 1;

follow(account.session, clock, { history, log, tabs });
connectControls({
  account,
  traffic: createTraffic(account.api, wire.adapter, history, failed),
  wire,
  clock,
  did,
  failed,
});
startTimeline(find('timeline', HTMLCanvasElement), history);

const showStatus = createStatus();
const showCounters = createCounters(history);
const show = (): void => {
  const { session, user } = account;
  const snapshot = session.getSnapshot();
  showStatus({ snapshot, user, now: clock.now(), isOffline: wire.isOffline, tabs: openTabs });
  showCounters();
};
account.session.subscribe(show);
for (const type of ['online', 'offline']) addEventListener(type, show);
setInterval(() => {
  show();
  void tabs.count().then((count) => {
    openTabs = count;
  });
}, refreshMs);
account.restore();
