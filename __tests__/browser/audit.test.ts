/** What a page that is hidden or left does with its records. */
import './page.js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { httpAudit, type AuditFault, type HttpAudit, type HttpAuditOptions } from '../../src/reporters/index.js';
import { nth, settle, world, type World } from '../properties/world.js';
import { refreshTimes } from '../reporters/scenes.js';

interface Posted {
  readonly url: string;
  readonly body: string;
  readonly keepalive: boolean;
}

const beacons: { url: string; body: Blob }[] = [];
const posts: Posted[] = [];
let takesBeacons = true;
let audits: HttpAudit[] = [];
beforeEach(() => {
  beacons.length = 0;
  posts.length = 0;
  takesBeacons = true;
  Object.assign(navigator, {
    sendBeacon(url: string, body: Blob) {
      if (takesBeacons) beacons.push({ url, body });
      return takesBeacons;
    },
  });
});
afterEach(async () => {
  show('visible');
  await Promise.all(audits.map((audit) => audit.close()));
  audits = [];
});

function show(visibilityState: 'visible' | 'hidden'): void {
  Object.defineProperty(document, 'visibilityState', { value: visibilityState, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}

function scene(options: Partial<HttpAuditOptions> = {}): { w: World; audit: HttpAudit; faults: AuditFault[] } {
  const faults: AuditFault[] = [];
  const w = world();
  const audit = httpAudit({
    url: '/audit',
    clock: w.clock,
    onFault: (fault) => faults.push(fault),
    fetch: (url, { body, keepalive }) => {
      posts.push({ url, body, keepalive });
      return Promise.resolve({ status: 204 });
    },
    ...options,
  });
  audits.push(audit);
  audit(w.session);
  return { w, audit, faults };
}

async function textOf(blob: Blob): Promise<string> {
  const reader = new FileReader();
  const loaded = new Promise((resolve) => (reader.onload = resolve));
  reader.readAsText(blob);
  await loaded;
  return reader.result as string;
}
const recordsIn = (body: string): { generation: number }[] =>
  (JSON.parse(body) as { records: { generation: number }[] }).records;

describe('a page', () => {
  test('that is hidden hands over what waits, and sends it no second time', async () => {
    const { w, audit } = scene();
    await refreshTimes(w, 2);
    show('hidden');
    expect(beacons.map(({ url, body }) => [url, body.type])).toStrictEqual([['/audit', 'application/json']]);
    expect(recordsIn(await textOf(nth(beacons, 0).body))).toMatchObject([{ generation: 2 }, { generation: 3 }]);
    show('visible');
    await audit.flush();
    expect(posts).toStrictEqual([]);
  });

  test('that is left does the same', async () => {
    // While the collector fails, full batches wait for the retry.
    const { w } = scene({ maxBatch: 1, fetch: () => Promise.resolve({ status: 503 }) });
    await refreshTimes(w, 2);
    window.dispatchEvent(new Event('pagehide'));
    window.dispatchEvent(new Event('pagehide'));
    expect(beacons).toHaveLength(2);
  });

  test('that comes into view sends nothing yet', async () => {
    const { w } = scene();
    await refreshTimes(w, 1);
    show('visible');
    expect(beacons).toStrictEqual([]);
  });

  test('whose beacon is not taken posts with keepalive', async () => {
    takesBeacons = false;
    const { w } = scene();
    await refreshTimes(w, 1);
    show('hidden');
    await settle();
    expect(posts).toMatchObject([{ url: '/audit', keepalive: true }]);
  });

  test('with headers to send uses no beacon', async () => {
    const { w } = scene({ headers: { 'X-Api-Key': 'key-1' } });
    await refreshTimes(w, 1);
    show('hidden');
    await settle();
    expect(beacons).toStrictEqual([]);
    expect(posts).toHaveLength(1);
  });

  test('with headers to send posts all batches at once, beside one that is on its way', async () => {
    const asked: Posted[] = [];
    const answers: ((response: { status: number }) => void)[] = [];
    const { w, audit } = scene({
      maxBatch: 2,
      headers: { 'X-Api-Key': 'key-1' },
      fetch: (url, { body, keepalive }) => {
        asked.push({ url, body, keepalive });
        return new Promise((resolve) => answers.push(resolve));
      },
    });
    await refreshTimes(w, 1);
    const flushed = audit.flush();
    await settle();
    await refreshTimes(w, 4);
    show('hidden');
    const generations = asked.map(({ body }) => recordsIn(body).map(({ generation }) => generation));
    expect(generations).toStrictEqual([[2], [3, 4], [5, 6]]);
    expect(asked.map(({ keepalive }) => keepalive)).toStrictEqual([true, true, true]);
    answers.forEach((answer) => answer({ status: 204 }));
    expect(await flushed).toBe(true);
    expect(await audit.flush()).toBe(true);
    expect(asked).toHaveLength(3);
  });

  test('sends as much as browsers take from it, and the rest when it is still there', async () => {
    takesBeacons = false;
    let answer: (response: { status: number }) => void = () => undefined;
    const answered = new Promise<{ status: number }>((resolve) => (answer = resolve));
    const { w, audit } = scene({
      fetch: (url, { body, keepalive }) => {
        posts.push({ url, body, keepalive });
        return answered;
      },
    });
    for (let done = 0; done < 600; done++) await w.session.refresh();
    show('hidden');
    const length = posts.reduce((sum, { body }) => sum + body.length, 0);
    expect(length).toBeLessThanOrEqual(65_536);
    expect(length).toBeGreaterThan(50_000);
    expect(posts.every(({ keepalive }) => keepalive)).toBe(true);
    answer({ status: 204 });
    expect(await audit.flush()).toBe(true);
    expect(posts.flatMap(({ body }) => recordsIn(body))).toHaveLength(600);
  });

  test('that stays after all sends again what was not taken when it was hidden', async () => {
    takesBeacons = false;
    const { w, audit, faults } = scene({
      maxBatch: 2,
      fetch: (url, { body, keepalive }) => {
        posts.push({ url, body, keepalive });
        return posts.length > 2 ? Promise.resolve({ status: 204 }) : Promise.reject(new TypeError('Failed to fetch'));
      },
    });
    await refreshTimes(w, 3);
    show('hidden');
    await settle();
    expect(faults).toHaveLength(2);
    expect(await audit.flush()).toBe(true);
    const again = posts.slice(2).flatMap(({ body }) => recordsIn(body).map(({ generation }) => generation));
    expect([...again].sort()).toStrictEqual([2, 3, 4]);
  });

  test('that is hidden while a batch is on its way hands over only what came after it', async () => {
    let answer: (response: { status: number }) => void = () => undefined;
    const { w, audit } = scene({
      fetch: (url, { body, keepalive }) => {
        posts.push({ url, body, keepalive });
        return new Promise((resolve) => (answer = resolve));
      },
    });
    await refreshTimes(w, 1);
    const flushed = audit.flush();
    await settle();
    await refreshTimes(w, 1);
    show('hidden');
    expect(recordsIn(await textOf(nth(beacons, 0).body))).toMatchObject([{ generation: 3 }]);
    answer({ status: 200 });
    expect(await flushed).toBe(true);
    expect(posts).toHaveLength(1);
  });

  test('whose record waits for the hash of its subject hands it over as soon as that is settled', async () => {
    const { w } = scene({ salt: 'a salt that is long enough', subject: () => 'ada' });
    void w.session.signOut();
    show('hidden');
    expect(beacons).toStrictEqual([]);
    await settle();
    expect(beacons).toHaveLength(1);
  });

  test('whose last records are not taken tells of that at the end, and keeps no timer', async () => {
    takesBeacons = false;
    let fail: (error: unknown) => void = () => undefined;
    const first = new Promise<never>((_, reject) => (fail = reject));
    const { w, audit, faults } = scene({ fetch: () => first });
    await refreshTimes(w, 1);
    show('hidden');
    const closed = audit.close();
    await settle();
    fail(new TypeError('Failed to fetch'));
    await closed;
    expect(faults.at(-1)).toMatchObject({ buffered: 0, dropped: 1 });
    expect(w.clock.pending).toBe(0);
  });

  test('is let go of at the end', async () => {
    const { w, audit } = scene();
    await audit.close();
    await refreshTimes(w, 1);
    show('hidden');
    expect(beacons).toStrictEqual([]);
  });
});

test('a page without Web Crypto, over plain HTTP, tells so and sends no subject', async () => {
  const { w, audit, faults } = scene({ salt: 'a salt that is long enough', subject: () => 'ada' });
  await refreshTimes(w, 1);
  await audit.flush();
  expect(Boolean((globalThis.crypto as Partial<Crypto>).subtle)).toBe(false);
  expect(faults).toHaveLength(1);
  expect(recordsIn(nth(posts, 0).body)).toHaveLength(1);
  expect(nth(posts, 0).body).not.toContain('subjectHash');
});
