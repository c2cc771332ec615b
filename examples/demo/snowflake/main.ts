/** The exchange of a key-pair JWT for a scoped token, against an account and an ingest host on loopback. */
import { startSnowflake } from '../../../__tests__/support/snowflake.js';
import { paint } from '../paint.js';
import { createTimeline } from '../timeline.js';
import { scenes } from './scenes.js';

/** Lifetime of the scoped tokens, in seconds. */
const ttlSeconds = 2;

/** Plays all scenes; returns the exit code. */
export async function runExchange(): Promise<number> {
  const timeline = createTimeline();
  console.log(`Two servers on loopback play Snowflake, as documented; scoped tokens live ${ttlSeconds} s.`);
  const unmet: string[] = [];
  for (const { title, play } of scenes) {
    timeline.heading(title);
    const snowflake = await startSnowflake({ ttlSeconds, tokenBody: 'access_token' });
    const expect = (isMet: boolean, what: string): void => {
      timeline.note(`${isMet ? '✓' : '✗'} ${what}`, isMet ? 'dim' : 'red');
      if (!isMet) unmet.push(what);
    };
    try {
      await play({ snowflake, timeline, expect });
    } finally {
      timeline.flush();
      await snowflake.close();
    }
  }
  console.log('');
  for (const what of unmet) console.log(paint('red', `✗ not met: ${what}`));
  if (unmet.length === 0) console.log(paint('green', '✓ No token left its host, and every failure said why.'));
  return unmet.length === 0 ? 0 : 1;
}
