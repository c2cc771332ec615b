/** Which page is shown: that of the address, the sign-in page, or why neither can be. */
import { useEffect, type ReactNode } from 'react';
import { describeError } from 'axios-token-refresh/messages';
import { useAuth } from './auth.js';
import { EndingNotice, OfflineNotice } from './notices.js';
import { AccountPage } from './pages/account.js';
import { NotesPage } from './pages/notes.js';
import { SignInPage } from './pages/sign-in.js';
import { Link, navigate, signInPath, useHere } from './router.js';
import { restore } from './session.js';

export function App(): ReactNode {
  const here = useHere();
  return (
    <>
      <header>
        <strong>Notes</strong>
        <SignedInAs />
      </header>
      <div className="notices">
        <OfflineNotice />
        <EndingNotice />
      </div>
      <main>{here.pathname === '/sign-in' ? <SignInPage /> : <Protected />}</main>
    </>
  );
}

function SignedInAs(): ReactNode {
  const { status, user } = useAuth();
  if (status !== 'active') return null;
  return (
    <nav aria-label="Pages">
      <Link to="/">Notes</Link>
      <Link to="/account">Account</Link>
      <span>{user}</span>
    </nav>
  );
}

/** A page for users who are signed in. */
function Protected(): ReactNode {
  const { status, isRefreshing, error } = useAuth();
  const here = useHere();
  if (status === 'active') return here.pathname === '/account' ? <AccountPage /> : <NotesPage />;
  if (status === 'loading' || isRefreshing) return <Loading />;
  if (status === 'signed-out' && error?.retryable) return <Unreachable error={error} />;
  return <Redirect to={signInPath(here)} />;
}

function Redirect({ to }: { readonly to: string }): ReactNode {
  useEffect(() => navigate(to, { replace: true }), [to]);
  return null;
}

function Loading(): ReactNode {
  return (
    <p className="loading" role="status">
      <span className="spinner" aria-hidden="true" />
      One moment, your session is being restored…
    </p>
  );
}

function Unreachable({ error }: { readonly error: Error }): ReactNode {
  useEffect(() => {
    addEventListener('online', restore);
    return () => removeEventListener('online', restore);
  }, []);
  return (
    <section className="card" role="alert">
      <h1>Not available</h1>
      <p>{describeError(error).message}</p>
      <button type="button" onClick={restore}>
        Try again
      </button>
    </section>
  );
}
