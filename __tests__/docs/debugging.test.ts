/** `docs/debugging.md` shows what the debug log prints. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import createDebug from 'debug';
import { answered, minute, nth, settle, watch, world, type World } from '../properties/world.js';
import { root } from './documents.js';

const text = readFileSync(join(root, 'docs', 'debugging.md'), 'utf8');

let lines: string[] = [];
const original = { log: createDebug.log, names: '' };
beforeEach(() => {
  lines = [];
  original.names = createDebug.disable();
  createDebug.enable('axios-token-refresh:*');
  createDebug.log = (...args: unknown[]) => void lines.push(format(...args));
});
afterEach(() => {
  createDebug.log = original.log;
  createDebug.enable(original.names);
});

/** Without the time that `debug` puts before or after it; operations are called by letters. */
function shown(): string[] {
  const ids = [...new Set(lines.flatMap((line) => /operationId=(\S+)/.exec(line)?.[1] ?? []))];
  return lines.map((line) => {
    const words = line.slice(line.indexOf('axios-token-refresh:'));
    return ids.reduce((named, id, index) => named.replaceAll(id, `${String.fromCharCode(97 + index)}7k2m9x4qd`), words);
  });
}

/** What the document shows under a heading. */
function promisedUnder(heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return /^```text\n(.*?)^```$/ms.exec(section)?.[1]?.trimEnd().split('\n') ?? [];
}

/** The world answers at once, and its clock stands still meanwhile. */
const scenes: Record<string, () => Promise<World>> = {
  async 'A request in the refresh window'() {
    const w = world({ refresh: 'open' });
    await w.clock.advance(58 * minute + 30_000);
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(140);
    nth(w.calls, 0).answer();
    await settle();
    expect(request.state).toBe('resolved');
    return w;
  },
  async 'A 401'() {
    const w = world({ refresh: 'open' });
    w.api.respond = () => ({ status: w.api.seen.length === 1 ? 401 : 200 });
    const request = watch(w.instance.get('/orders'));
    await w.clock.advance(85);
    nth(w.calls, 0).answer();
    await settle();
    expect(request.state).toBe('resolved');
    return w;
  },
  async 'A token endpoint that is down'() {
    let fails = true;
    const w = world({
      retry: false,
      refresh: (_context, { issue }) => {
        if (fails) throw answered(503, { 'x-request-id': 'req-41' });
        return issue();
      },
    });
    lines = [];
    await w.clock.advance(55 * minute);
    for (let count = 0; count < 4; count++) {
      fails = count < 3;
      await w.instance.get('/orders');
      await w.clock.advance(50_000);
    }
    return w;
  },
  async 'A store that fails, and a sign-out'() {
    const w = world({
      store: {
        load: () => undefined,
        save: () => undefined,
        clear: () => {
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        },
      },
    });
    await settle();
    await w.session.signOut();
    return w;
  },
};

describe('docs/debugging.md shows what is printed:', () => {
  for (const [heading, play] of Object.entries(scenes)) {
    test(heading, async () => {
      await play();
      expect(shown()).toEqual(promisedUnder(heading));
    });
  }
});

describe('DEBUG=axios-token-refresh:*', () => {
  test('prints one line per event, without a line break', async () => {
    for (const play of Object.values(scenes)) {
      lines = [];
      const { length } = (await play()).events;
      // Two of the beginning are told before anybody can listen.
      expect([length, length + 2]).toContain(lines.length);
      expect(lines.filter((line) => line.includes('\n'))).toStrictEqual([]);
    }
  });

  test('can be asked for one topic', async () => {
    createDebug.enable('axios-token-refresh:replay');
    await scenes['A 401']?.();
    expect(shown()).toStrictEqual(['axios-token-refresh:replay request.replayed generation=2']);
  });

  test('prints nothing for a request with a fresh token', async () => {
    const w = world();
    lines = [];
    await w.instance.get('/orders');
    expect(lines).toStrictEqual([]);
  });

  test('knows the time since its last line, which a terminal shows', async () => {
    const { formatArgs } = createDebug;
    const sinceLastMs: number[] = [];
    createDebug.formatArgs = function (this: createDebug.Debugger) {
      sinceLastMs.push(this.diff);
    };
    jest.useFakeTimers({ now: 1_000, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout'] });
    try {
      const w = world();
      await w.session.setTokens(w.issue());
      jest.setSystemTime(1_500);
      await w.session.setTokens(w.issue());
    } finally {
      jest.useRealTimers();
      createDebug.formatArgs = formatArgs;
    }
    expect(sinceLastMs.at(-1)).toBe(500);
  });

  test('quotes what is no word: the message of a listener that threw', async () => {
    const w = world();
    w.session.on('tokens.changed', () => {
      throw new TypeError('x is not a\nfunction');
    });
    await w.session.setTokens(w.issue());
    expect(shown().at(-1)).toBe(
      'axios-token-refresh:session listener.failed generation=2 source=tokens.changed error=TypeError message="x is not a\\nfunction"',
    );
  });
});

test('a token that lives longer than there are dates is told of all the same', async () => {
  const w = world();
  lines = [];
  // What some servers send for "never".
  await w.session.setTokens({ accessToken: 'opaque', expiresIn: 9_223_372_036_854_775 });
  expect(shown()).toContain('axios-token-refresh:session tokens.changed generation=2 expiresAt=null');
});
