/** A page with a session in it, rendered on a server, hydrated, or made in the browser. */
import { act, StrictMode, type ReactNode } from 'react';
import { createRoot, hydrateRoot, type Root } from 'react-dom/client';
import { useTokenSession, type TokenSessionView } from '../../src/react/index.js';
import { createTokenSession, type TokenSession, type TokenSessionOptions } from '../../src/index.js';

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean;
  var reactMajor: number;
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true;

/** The version of React that this run of the tests is for. */
export const reactMajor = globalThis.reactMajor;

/** A session without an instance, and with tokens that never need a refresh. */
export function signedIn(options: Partial<TokenSessionOptions> = {}): TokenSession {
  return createTokenSession({ refresh: () => 'renewed', tokens: 'first', retry: false, ...options });
}

/** A component that shows the status and keeps what the hook has returned, render by render. */
export interface Watcher {
  readonly views: TokenSessionView[];
  readonly Status: (properties: { readonly session: TokenSession }) => ReactNode;
}

export function watcher(): Watcher {
  const views: TokenSessionView[] = [];
  return {
    views,
    Status({ session }) {
      const view = useTokenSession(session);
      views.push(view);
      return (
        <p>
          {view.status}
          {view.isRefreshing ? ', refreshing' : ''}
        </p>
      );
    },
  };
}

export interface Page {
  readonly container: HTMLElement;
  readonly text: () => string;
  render(node: ReactNode): Promise<void>;
  close(): Promise<void>;
}

export interface PageOptions {
  /** @default false */
  readonly strict?: boolean;
}

function pageOf(container: HTMLElement, root: Root, strict: boolean): Page {
  return {
    container,
    text: () => container.textContent,
    async render(node) {
      await act(async () => root.render(strict ? <StrictMode>{node}</StrictMode> : node));
    },
    async close() {
      await act(async () => root.unmount());
      container.remove();
    },
  };
}

export async function open(node: ReactNode, { strict = false }: PageOptions = {}): Promise<Page> {
  const container = document.body.appendChild(document.createElement('main'));
  const page = pageOf(container, createRoot(container), strict);
  await page.render(node);
  return page;
}

/** Takes over what a server has rendered. What React complains of is put in `complaints`. */
export async function hydrate(html: string, node: ReactNode, complaints: unknown[]): Promise<Page> {
  const container = document.body.appendChild(document.createElement('main'));
  container.innerHTML = html;
  let root: Root | undefined;
  await act(async () => {
    root = hydrateRoot(container, <StrictMode>{node}</StrictMode>, {
      onRecoverableError: (error) => complaints.push(error),
    });
  });
  if (root === undefined) throw new Error('was not hydrated');
  return pageOf(container, root, true);
}
