/** What a page tells of its end, and how to send something from it. Elsewhere there is nothing to hear or to use. */

interface Page {
  readonly document?: { readonly visibilityState: string } & Pick<
    EventTarget,
    'addEventListener' | 'removeEventListener'
  >;
  readonly navigator?: { sendBeacon?(url: string, body: Blob): boolean };
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

const page = globalThis as Page;

/** Calls `leave` when the page is hidden or left: possibly the last moment that it has. Returns what ends that. */
export function onLeaving(leave: () => void): () => void {
  const { document } = page;
  if (!document) return () => undefined;
  const leaveIfHidden = (): void => {
    if (document.visibilityState === 'hidden') leave();
  };
  document.addEventListener('visibilitychange', leaveIfHidden);
  page.addEventListener?.('pagehide', leave);
  return () => {
    document.removeEventListener('visibilitychange', leaveIfHidden);
    page.removeEventListener?.('pagehide', leave);
  };
}

/** Whether the browser took it. */
export function sendBeacon(url: string, body: string): boolean {
  try {
    return page.navigator?.sendBeacon?.(url, new Blob([body], { type: 'application/json' })) ?? false;
  } catch {
    return false;
  }
}
