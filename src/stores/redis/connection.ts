/** Commands that never hang: a Redis that is away is told at once, and nothing waits in a queue to be done too late. */
import { describe, field } from '../../core/redact.js';
import type { Link } from './clients.js';
import { within } from './time.js';

// The session gives up on an access after 2 s.
const answerMs = 1_500;
const reconnectMs = 1_000;
const connectMs = 5_000;

export class Connection {
  readonly #link: Link;
  #wasReady = false;
  /** It has been waited for in vain: nobody waits again until it is back. */
  #isGivenUp = false;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Runs a script. Rejects with an error that holds nothing of what was sent. */
  async run(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    await this.ready();
    try {
      const sent = this.#link.send(['EVAL', script, String(keys.length), ...keys, ...values]);
      return await within(answerMs, sent, 'Redis did not answer in time.');
    } catch (error) {
      throw harmless(error);
    }
  }

  /** Waits for a connection that is about to come up. Rejects at once if that has taken too long already. */
  async ready(): Promise<void> {
    if (!this.#link.isReady) {
      if (this.#isGivenUp) throw away();
      await this.#becomesReady();
    }
    this.#wasReady = true;
    this.#isGivenUp = false;
  }

  whenReady(listener: () => void): () => void {
    return this.#link.whenReady(listener);
  }

  async #becomesReady(): Promise<void> {
    let stop = (): void => undefined;
    const ready = new Promise<void>((resolve) => {
      stop = this.#link.whenReady(resolve);
    });
    try {
      await within(this.#wasReady ? reconnectMs : connectMs, ready, '');
    } catch {
      this.#isGivenUp = true;
      throw away();
    } finally {
      stop();
    }
  }
}

function away(): Error {
  return Object.assign(new Error('There is no connection to Redis.'), { code: 'ENOTCONN' });
}

// Redis words these as a general `ERR` where a script is refused something.
const worded = [
  ['NOPERM', /The user executing the script can't|ACL failure in script/],
  ['UNKNOWN_COMMAND', /unknown (?:redis )?command/i],
] as const;

/** Clients put the whole command into their errors. */
export function harmless(error: unknown): Error {
  const given = field(error, 'message');
  const message = typeof given === 'string' ? given : '';
  // Errors of Redis begin with their code: `WRONGTYPE Operation against a key…`. Before Redis 7 where it happened is in front, and some
  // codes keep the dash of the protocol.
  const pattern = /^(?:ERR )?(?:.*@user_script: ?\d+: )?-?(?!ERR)([A-Z]{3,20})\b/;
  const code = worded.find(([, wording]) => wording.test(message))?.[0] ?? pattern.exec(message)?.[1];
  return Object.assign(describe(error), code !== undefined && { code, message: `Redis failed: ${code}` });
}
