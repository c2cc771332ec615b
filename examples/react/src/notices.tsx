/** What the user is told on every page. */
import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { useAuth } from './auth.js';
import { navigate, signInPath, useHere } from './router.js';

/** The session can no longer be refreshed: how long it lasts, and how to go on. */
export function EndingNotice(): ReactNode {
  const { endsAt } = useAuth();
  const here = useHere();
  if (endsAt === undefined || here.pathname === '/sign-in') return null;
  return (
    <div className="notice" role="status">
      <p>
        Your session ends in <TimeLeft until={endsAt} />.
      </p>
      <button type="button" onClick={() => navigate(signInPath(here))}>
        Sign in again
      </button>
    </div>
  );
}

/** In minutes: a screen reader tells every change. */
function TimeLeft({ until }: { readonly until: number }): ReactNode {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const minutes = Math.ceil((until - now) / 60_000);
  return minutes > 1 ? `${minutes} minutes` : 'less than a minute';
}

const onConnection = (listener: () => void): (() => void) => {
  addEventListener('online', listener);
  addEventListener('offline', listener);
  return () => {
    removeEventListener('online', listener);
    removeEventListener('offline', listener);
  };
};

export function OfflineNotice(): ReactNode {
  const isOnline = useSyncExternalStore(onConnection, () => navigator.onLine);
  return (
    <div role="status">
      {!isOnline && <p className="notice">You are offline. What you write is saved when you are back.</p>}
    </div>
  );
}
