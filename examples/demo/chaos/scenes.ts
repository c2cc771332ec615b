/** The scenes of `--chaos`: what the application must not notice while the authorization server fails now and then. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TokenEventType, TokenSession } from 'axios-token-refresh';
import { burst, revoked, sendSteadily, type Scene } from '../scenes.js';
import { descriptions } from './faults.js';
import type { Front } from './front.js';

/** Where the server is unreliable, tokens are asked for early: there is time for a whole refresh to fail. */
const early = { refreshAhead: { maxMs: 300_000, ttlFraction: 0.7 } };
/** A lifetime of a few seconds has a short refresh window; the wait for a 429 must fit in. */
const roomy = { refreshAhead: false, refreshWindow: { maxMs: 120_000, ttlFraction: 0.5 } } as const;
const outageMs = 1_000;

const steady: Scene = {
  name: 'steady',
  title: 'Steady traffic, and token requests fail now and then: nobody notices',
  options: early,
  async play({ app, tally }, { steadyMs }) {
    await sendSteadily(app, tally, steadyMs);
    tally.expect(tally.refreshes >= 2, 'the token is renewed at least twice');
  },
};

const outage = (front: Front): Scene => ({
  name: 'outage',
  title: 'Every token request fails for a second: requests leave with the token they have',
  options: early,
  async play({ app, session, tally }, { timeline }) {
    front.goDown();
    timeline.note('the token endpoint is down from now on');
    const traffic = sendSteadily(app, tally, 3_500);
    const over = happens(session, 'refresh.started').then(() =>
      Promise.all([sleep(outageMs), happens(session, 'refresh.failed')]),
    );
    await Promise.race([over, traffic]);
    front.comeBack();
    timeline.note('the token endpoint is back');
    await traffic;
    tally.expect(tally.failedRefreshes > 0, 'a whole refresh fails');
    tally.expect(tally.servedCurrent > 0, 'requests leave with the current token');
    tally.expect(session.getSnapshot().generation > 1, 'the token is renewed in the end');
  },
});

/** The scenes, each with faults of its own, told in the timeline and counted. */
export function chaosScenes(front: Front): readonly Scene[] {
  const scenes: readonly Scene[] = [
    steady,
    { ...burst, title: 'A burst of 200 requests, and the refresh they wait for meets a fault', options: roomy },
    { ...revoked, title: 'A token is revoked: ten 401s, one refresh, and ten requests sent again' },
    outage(front),
  ];
  return scenes.map((scene) => ({
    ...scene,
    async play(actors, stage) {
      front.begin(scene.name, (fault) => {
        actors.tally.tokenRequest(fault);
        if (fault) stage.timeline.note(`token request ${actors.tally.tokenRequests}: ${descriptions[fault]}`, 'yellow');
      });
      await scene.play(actors, stage);
      actors.tally.expect(actors.tally.signOuts === 0, 'nobody is signed out');
    },
  }));
}

function happens(session: TokenSession, type: TokenEventType): Promise<void> {
  return new Promise((resolve) => {
    session.once(type, () => {
      resolve();
    });
  });
}
