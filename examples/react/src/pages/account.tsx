/** The account, and what it takes to see a session end. */
import { useState, type ReactNode } from 'react';
import { useAuth } from '../auth.js';
import { Heading } from '../heading.js';
import { sentenceFor } from '../sentence.js';
import { api, session, signOut } from '../session.js';

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export function AccountPage(): ReactNode {
  const { user, expiresAt } = useAuth();
  const [told, setTold] = useState<string>();
  const act = (done: string | undefined, work: () => Promise<unknown>) => (): void => {
    work().then(
      () => setTold(done),
      (error: unknown) => {
        // A refusal does not end the session at once: the notice above says when.
        const isEnding = session.getSnapshot().endsAt !== undefined;
        setTold(isEnding ? 'The server refused a new access token.' : sentenceFor(error));
      },
    );
  };
  const end = async (andRevoke: boolean): Promise<unknown> => api.post('/api/end-my-sessions', { andRevoke });
  return (
    <section className="card">
      <Heading>Your account</Heading>
      <dl>
        <dt>Name</dt>
        <dd>{user}</dd>
        <dt>Access token valid until</dt>
        <dd>{expiresAt === undefined ? 'unknown' : time.format(expiresAt)}</dd>
      </dl>
      <div className="buttons">
        <button type="button" onClick={act(undefined, signOut)}>
          Sign out
        </button>
      </div>
      <h2>See it end</h2>
      <p className="quiet">
        What an administrator may do on the server: refuse the next refresh, so that this page goes on with the token
        that it has, or refuse that token as well.
      </p>
      <div className="buttons">
        <button type="button" onClick={act('The next refresh will be refused.', () => end(false))}>
          Refuse the next refresh
        </button>
        <button type="button" onClick={act('The next request will be refused.', () => end(true))}>
          Refuse my token, too
        </button>
        <button type="button" onClick={act('You have a new access token.', () => session.refresh())}>
          Refresh now
        </button>
      </div>
      <p role="status">{told}</p>
    </section>
  );
}
