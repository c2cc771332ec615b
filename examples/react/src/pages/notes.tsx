/** Notes: those that are saved, and those that wait. */
import { useEffect, useSyncExternalStore, type SyntheticEvent, type ReactNode } from 'react';
import { Heading } from '../heading.js';
import { addNote, discard, getNotes, loadNotes, retryAll, setDraft, subscribeToNotes, type Unsaved } from '../notes.js';

export function NotesPage(): ReactNode {
  const { saved, unsaved, problem, draft } = useSyncExternalStore(subscribeToNotes, getNotes);
  useEffect(() => void loadNotes(), []);
  const add = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (draft.trim() !== '') void addNote(draft.trim());
  };
  return (
    <section className="card">
      <Heading>Your notes</Heading>
      <form className="row" onSubmit={add}>
        <label htmlFor="draft">New note</label>
        <input
          id="draft"
          value={draft}
          maxLength={500}
          autoComplete="off"
          onChange={(event) => setDraft(event.target.value)}
        />
        <button type="submit">Save</button>
      </form>
      {problem && (
        <p className="problem" role="alert">
          {problem}{' '}
          <button type="button" onClick={() => void retryAll()}>
            Try again
          </button>
        </p>
      )}
      {!saved && !problem && <p role="status">Loading your notes…</p>}
      {saved?.length === 0 && unsaved.length === 0 && <p className="quiet">Nothing here yet.</p>}
      <ul aria-label="Notes">
        {newestFirst(unsaved).map((note) => (
          <Waiting key={note.id} note={note} />
        ))}
        {newestFirst(saved ?? []).map(({ id, text }) => (
          <li key={id}>{text}</li>
        ))}
      </ul>
    </section>
  );
}

function newestFirst<T>(notes: readonly T[]): T[] {
  return [...notes].reverse();
}

function Waiting({ note: { id, text, problem } }: { readonly note: Unsaved }): ReactNode {
  return (
    <li className="waiting">
      {text} <small>{problem ? `Not saved yet. ${problem}` : 'Saving…'}</small>
      {problem && (
        <span className="buttons">
          <button type="button" onClick={() => void retryAll()}>
            Try again
          </button>
          <button type="button" onClick={() => discard(id)}>
            Discard
          </button>
        </span>
      )}
    </li>
  );
}
