/** The demo's arguments, and the front of `--chaos` that fails token requests before they reach the server. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { readArguments } from '../../examples/demo/arguments.js';
import { makeFaults, type Fault } from '../../examples/demo/chaos/faults.js';
import { startFront, type Front } from '../../examples/demo/chaos/front.js';
import { times } from '../properties/world.js';
import { startServer, type ScriptedServer } from '../support/server.js';

describe('the arguments of the demo', () => {
  test.each<readonly [given: string, expected: object]>([
    ['', { chaos: false, short: false, help: false }],
    ['--short', { chaos: false, short: true }],
    ['--chaos --short', { chaos: true, short: true }],
    ['--chaos --seed 0', { chaos: true, seed: 0 }],
    ['--chaos --seed=4294967295', { seed: 4_294_967_295 }],
    ['-h', { help: true }],
    ['--grant snowflake', { grant: 'snowflake', chaos: false }],
  ])('"%s" is understood', (given, expected) => {
    expect(readArguments(given.split(' ').filter(Boolean))).toMatchObject(expected);
  });

  test.each([
    ['--fast', "'--fast'"],
    ['chaos', "'chaos'"],
    ['--short=yes', "'--short'"],
    ['--chaos --seed', "'--seed"],
    ['--chaos --seed one', "'one'"],
    ['--chaos --seed 1.5', "'1.5'"],
    ['--chaos --seed=-1', "'-1'"],
    ['--chaos --seed 4294967296', "'4294967296'"],
    ['--seed 1', "'--chaos'"],
    ['--grant acme', "'acme'"],
    ['--grant snowflake --chaos', "'--grant'"],
  ])('"%s" is refused, and the message names it', (given, named) => {
    expect(() => readArguments(given.split(' '))).toThrow(named);
  });
});

describe('the faults of a scene', () => {
  const first = (seed: number, scene: string, count = 200): (Fault | undefined)[] => {
    const faults = makeFaults(seed, scene);
    return times(count, () => faults.next());
  };

  test('are the same for the same seed, and others for another seed or scene', () => {
    expect(first(1, 'steady')).toEqual(first(1, 'steady'));
    expect(first(1, 'steady')).not.toEqual(first(2, 'steady'));
    expect(first(1, 'steady')).not.toEqual(first(1, 'burst'));
  });

  test.each([0, 1, 50, 2 ** 32 - 1])(
    'never come twice in a row, and each kind comes before any comes twice (%p)',
    (seed) => {
      const met = first(seed, 'steady');
      met.forEach((fault, index) => {
        if (index > 0 && met[index - 1]) expect(fault).toBeUndefined();
      });
      const kinds = met.filter((fault) => fault !== undefined);
      for (let start = 0; start + 5 <= kinds.length; start += 5) {
        expect(new Set(kinds.slice(start, start + 5)).size).toBe(5);
      }
      expect(kinds.length).toBeGreaterThan(50);
    },
  );

  test('leave no request unharmed during an outage', () => {
    const faults = makeFaults(1, 'outage');
    faults.goDown();
    const met = times(50, () => faults.next());
    expect(new Set(met)).toEqual(new Set(['503', '502', 'reset']));
    faults.comeBack();
    expect(faults.next()).toBeUndefined();
  });
});

describe('the front', () => {
  const running: (Front | ScriptedServer)[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });

  test('fails a request before the server sees it, and hands on the others as they are', async () => {
    const server = await startServer(() => ({ status: 201, headers: { 'x-request-id': 'r1' }, body: { ok: true } }));
    const front = await startFront(`${server.url}/token`, 50);
    running.push(front, server);
    const met: (Fault | undefined)[] = [];
    front.begin('steady', (fault) => met.push(fault));

    const outcomes = new Map<string, unknown>();
    while (new Set(met).size < 6 && met.length < 50) {
      const seenBefore = server.seen.length;
      const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: `r${String(met.length)}` });
      const outcome = await fetch(front.tokenEndpoint, { method: 'POST', body }).then(
        async (response) => [response.status, response.headers.get('retry-after'), await response.text()],
        () => 'broken',
      );
      const fault = met.at(-1);
      outcomes.set(fault ?? 'none', outcome);
      const reached = server.seen.slice(seenBefore).map((request) => request.body.toString());
      expect({ fault, reached }).toEqual({ fault, reached: !fault || fault === 'slow' ? [body.toString()] : [] });
    }
    expect(Object.fromEntries(outcomes)).toEqual({
      none: [201, null, '{"ok":true}'],
      slow: [201, null, '{"ok":true}'],
      '503': [503, null, expect.stringContaining('<!doctype html>')],
      '502': [502, null, ''],
      '429': [429, '1', ''],
      reset: 'broken',
    });
  });

  test('does not hand on a request whose client has hung up', async () => {
    const server = await startServer();
    const front = await startFront(`${server.url}/token`, 1);
    running.push(front, server);
    const controller = new AbortController();
    const met: (Fault | undefined)[] = [];
    const slow = (): number => met.filter((fault) => fault === 'slow').length;
    front.begin('steady', (fault) => {
      met.push(fault);
      if (fault === 'slow') controller.abort();
    });
    const send = (body: string, signal?: AbortSignal): Promise<unknown> =>
      fetch(front.tokenEndpoint, { method: 'POST', body, ...(signal && { signal }) }).catch(() => undefined);
    while (slow() < 1) await send('impatient', controller.signal);
    const before = server.seen.length;
    // By the time that another slow one is answered, the first would have been handed on.
    while (slow() < 2) await send('patient');
    expect(new Set(server.seen.slice(before).map(({ body }) => body.toString()))).toEqual(new Set(['patient']));
  });
});
