/** What the real pino writes. */
import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { pinoReporter } from '../../src/reporters/index.js';
import { nth, world } from '../properties/world.js';
import { holders, refreshTimes, scenes } from './scenes.js';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly auth: Record<string, unknown>;
}

function logged() {
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line) => lines.push(line) });
  return { report: pinoReporter(logger), lines: (): Line[] => lines.map((line) => JSON.parse(line) as Line) };
}

const { info, warn, error } = pino.levels.values;

describe('events as records', () => {
  test('are one line each, by severity', async () => {
    const { report, lines } = logged();
    const w = await scenes.streak(report);
    expect(lines().map(({ msg }) => msg)).toEqual(w.events.map(({ type }) => type));
    const levels = Object.fromEntries(lines().map(({ msg, level }) => [msg, level]));
    expect(levels).toMatchObject({
      'refresh.started': info,
      'refresh.failed': warn,
      'refresh.escalated': error,
      'refresh.recovered': info,
    });
  });

  test('hold the fields of the event, its error without a stack', async () => {
    const { report, lines } = logged();
    await scenes.retried(report);
    const retry = lines().find(({ msg }) => msg === 'refresh.retried');
    expect(retry).toMatchObject({ level: warn, auth: { attempt: 2, error: { status: 503, requestId: 'req-503' } } });
    expect(JSON.stringify(retry)).not.toContain('.ts:');
  });

  test('tell of the end of a session as an error', async () => {
    const { report, lines } = logged();
    await scenes.ended(report);
    expect(lines().map(({ msg, level }) => [msg, level])).toEqual(
      expect.arrayContaining([
        ['session.ending', warn],
        ['session.expired', error],
      ]),
    );
  });

  test('tell of foreign errors by what is known of them, which JSON would leave out', async () => {
    const { report, lines } = logged();
    const w = world();
    report(w.session);
    w.session.on('tokens.changed', () => {
      throw new TypeError('x is not a function');
    });
    await refreshTimes(w, 1);
    expect(lines().find(({ msg }) => msg === 'listener.failed')).toMatchObject({
      level: error,
      auth: { source: 'tokens.changed', error: { name: 'TypeError', message: 'x is not a function' } },
    });
  });

  test('go to a child logger with its bindings', async () => {
    const lines: string[] = [];
    const logger = pino({ base: null }, { write: (line) => lines.push(line) }).child({ tenant: 'shop' });
    await scenes.success(pinoReporter(logger));
    expect(lines.map((line) => (JSON.parse(line) as { tenant: string }).tenant)).toContain('shop');
  });
});

test('three holders of one session escalate once, and recover once', async () => {
  const { report, lines } = logged();
  const { all, works } = await holders(3, () => report);
  for (const w of all) await refreshTimes(w, 4);
  works(true);
  await refreshTimes(nth(all, 1), 1);
  const escalated = lines().filter(({ msg }) => msg === 'refresh.escalated');
  expect(escalated).toHaveLength(1);
  expect(escalated[0]?.auth).toMatchObject({ consecutiveFailures: 3, kinds: { network: 3 } });
  expect(Object.keys(escalated[0]?.auth ?? {})).toEqual(
    expect.arrayContaining(['firstFailureAt', 'lastFailureAt', 'leftMs']),
  );
  expect(lines().filter(({ msg }) => msg === 'refresh.recovered')).toHaveLength(1);
});

test('nothing is written after the end of the reporter', async () => {
  const { report, lines } = logged();
  const stops: (() => void)[] = [];
  const w = await scenes.success((session) => {
    const stop = report(session);
    stops.push(stop);
    return stop;
  });
  stops.forEach((stop) => stop());
  const before = lines().length;
  await refreshTimes(w, 3);
  expect(lines()).toHaveLength(before);
});
