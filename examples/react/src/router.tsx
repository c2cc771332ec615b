/** The smallest router that will do: a path, links, and a page to come back to. */
import { useSyncExternalStore, type MouseEvent, type ReactNode } from 'react';

const listeners = new Set<() => void>();
const tell = (): void => {
  for (const listener of listeners) listener();
};
addEventListener('popstate', tell);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function navigate(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  tell();
}

/** Path and query of the page. */
export function useHere(): URL {
  const here = useSyncExternalStore(subscribe, () => location.href);
  return new URL(here);
}

/** The sign-in page, and then back to where the user is now. */
export function signInPath({ pathname, search }: URL): string {
  return `/sign-in?return=${encodeURIComponent(pathname + search)}`;
}

/** Where to go after the sign-in: a page of this application, whatever the address says. */
export function returnPath({ searchParams, origin }: URL): string {
  const wanted = URL.parse(searchParams.get('return') ?? '/', origin);
  // A path of two slashes would be taken for a host.
  const isOurs = wanted?.origin === origin && wanted.pathname !== '/sign-in' && !wanted.pathname.startsWith('//');
  return isOurs ? wanted.pathname + wanted.search : '/';
}

export function Link({ to, children }: { readonly to: string; readonly children: ReactNode }): ReactNode {
  const { pathname } = useHere();
  const follow = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={to} onClick={follow} aria-current={pathname === to ? 'page' : undefined}>
      {children}
    </a>
  );
}
