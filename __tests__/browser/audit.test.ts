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
    expect(beacons.map(({ url, body }) => [url, body.type])).toEqual([['/audit', 'application/json']]);
    expect(recordsIn(await textOf(nth(beacons, 0).body))).toMatchObject([{ generation: 2 }, { generation: 3 }]);
    show('visible');
    await audit.flush();
    expect(posts).toEqual([]);
  });

  test('that is left does the same', async () => {
    const { w } = scene({ maxBatch: 1 });
    await refreshTimes(w, 2);
    window.dispatchEvent(new Event('pagehide'));
    window.dispatchEvent(new Event('pagehide'));
    expect(beacons).toHaveLength(2);
  });

  test('that comes into view sends nothing yet', async () => {
    const { w } = scene();
    await refreshTimes(w, 1);
    show('visible');
    expect(beacons).toEqual([]);
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
    expect(beacons).toEqual([]);
    expect(posts).toHaveLength(1);
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

  test('is let go of at the end', async () => {
    const { w, audit } = scene();
    await audit.close();
    await refreshTimes(w, 1);
    show('hidden');
    expect(beacons).toEqual([]);
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
