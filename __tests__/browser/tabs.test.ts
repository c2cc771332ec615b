/** When a page looks at a shared store again, and that it stops (G20, G26). */
import './page.js';
import { describe, expect, test } from '@jest/globals';
import { browserStore } from '../../src/stores/browser/index.js';

const pageshow = (persisted: boolean): Event => Object.assign(new Event('pageshow'), { persisted });
const comesBack: readonly (readonly [what: string, target: EventTarget, event: () => Event])[] = [
  ['comes from the back/forward cache', window, () => pageshow(true)],
  ['gets the focus', window, () => new Event('focus')],
  ['is online again', window, () => new Event('online')],
  ['becomes visible', document, () => new Event('visibilitychange')],
];

describe('a page that shares a session', () => {
  test.each(comesBack)('looks again when it %s, as long as somebody wants to know', (_what, target, event) => {
    let looks = 0;
    const stop = browserStore().subscribe?.(() => (looks += 1));
    target.dispatchEvent(event());
    expect(looks).toBe(1);
    window.dispatchEvent(new Event('pagehide'));
    target.dispatchEvent(event());
    expect(looks).toBe(2);
    stop?.();
    stop?.();
    target.dispatchEvent(event());
    expect(looks).toBe(2);
  });

  test('does not look again when it has just been loaded, or is hidden', () => {
    let looks = 0;
    const stop = browserStore().subscribe?.(() => (looks += 1));
    window.dispatchEvent(pageshow(false));
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
    Reflect.deleteProperty(document, 'visibilityState');
    expect(looks).toBe(0);
    stop?.();
  });

  test('tells each of those who want to know, until that one has enough', () => {
    const store = browserStore();
    const told: string[] = [];
    const stops = ['a', 'b'].map((name) => store.subscribe?.(() => told.push(name)));
    window.dispatchEvent(new Event('focus'));
    stops[0]?.();
    window.dispatchEvent(new Event('focus'));
    stops[1]?.();
    window.dispatchEvent(new Event('focus'));
    expect(told).toStrictEqual(['a', 'b', 'b']);
  });
});
