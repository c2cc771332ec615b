/** The sign-in page: why the user is here, and back to where they were. */
import { isAxiosError } from 'axios';
import { useEffect, useState, useSyncExternalStore, type SyntheticEvent, type ReactNode } from 'react';
import { describeError } from 'axios-token-refresh/messages';
import { useAuth } from '../auth.js';
import { Heading } from '../heading.js';
import { getNotes, subscribeToNotes } from '../notes.js';
import { navigate, returnPath, useHere } from '../router.js';
import { sentenceFor } from '../sentence.js';
import { signIn } from '../session.js';

const wrong = 'This name and password do not go together.';

export function SignInPage(): ReactNode {
  const { status, error, user } = useAuth();
  const here = useHere();
  const [name, setName] = useState(user ?? '');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  const submit = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      await signIn(name.trim(), password);
      navigate(user === undefined || user === name.trim() ? returnPath(here) : '/', { replace: true });
    } catch (failure) {
      setProblem(isAxiosError(failure) && failure.response?.status === 403 ? wrong : sentenceFor(failure));
      setBusy(false);
    }
  };

  useEffect(() => {
    document.title = 'Sign in – Notes';
    return () => {
      document.title = 'Notes';
    };
  }, []);

  return (
    <section className="card narrow">
      <Heading>Sign in</Heading>
      {status === 'expired' && error && <p role="status">{describeError(error).message}</p>}
      <Unsaved />
      <form
        onSubmit={(event: SyntheticEvent) => {
          event.preventDefault();
          if (!isBusy) void submit();
        }}
      >
        <label htmlFor="name">Name</label>
        <input
          id="name"
          autoComplete="username"
          autoCapitalize="none"
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <label htmlFor="password">Password</label>
        <input
          id="password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        {problem !== undefined && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        {/* Not `disabled`, which takes the focus from whoever has pressed it. */}
        <button type="submit" aria-disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <p className="quiet">To try it: alice with wonderland, or bob with builder.</p>
    </section>
  );
}

function Unsaved(): ReactNode {
  const { unsaved } = useSyncExternalStore(subscribeToNotes, getNotes);
  if (unsaved.length === 0) return null;
  const what = unsaved.length === 1 ? 'One note has' : `${unsaved.length} notes have`;
  return <p role="status">{what} not been saved yet. That happens when you have signed in.</p>;
}
