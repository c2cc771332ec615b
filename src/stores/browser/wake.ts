/** When a page comes back it may have missed something; when it goes it must hold nothing that keeps it from coming back. */

interface Watch {
  /** The page is looked at again, is online again, or has come back from the back/forward cache. */
  readonly back: () => void;
  /** The page is left, for good or not. */
  readonly away: () => void;
}

/**
 * Whether this is a page, or a worker of one: they have an address. Servers have channels and locks too (Node 24, Deno, Bun),
 * which would be one for all their users.
 */
export const isPage = (): boolean => typeof location !== 'undefined';

type Listening = readonly [target: EventTarget, type: string, listener: (event: Event) => void];

/** Watches the page, if there is one. Returns what ends that. */
export function watchPage({ back, away }: Watch): () => void {
  if (typeof window === 'undefined' || typeof document === 'undefined') return () => undefined;
  const listening: readonly Listening[] = [
    [window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && back()],
    [window, 'pagehide', away],
    [window, 'online', back],
    [window, 'focus', back],
    [document, 'visibilitychange', () => document.visibilityState === 'visible' && back()],
  ];
  for (const [target, type, listener] of listening) target.addEventListener(type, listener);
  return () => {
    for (const [target, type, listener] of listening) target.removeEventListener(type, listener);
  };
}
