/** The notes of the user, and those that have not been saved yet: they wait here for the network or for a sign-in. */
import { sentenceFor } from './sentence.js';
import { api, currentUser, session } from './session.js';

export interface Note {
  readonly id: string;
  readonly text: string;
}

export interface Unsaved extends Note {
  /** Why the last try failed; `undefined` while one is under way. */
  readonly problem: string | undefined;
}

export interface Notes {
  /** `undefined` until they have been loaded. */
  readonly saved: readonly Note[] | undefined;
  readonly unsaved: readonly Unsaved[];
  /** Why they could not be loaded. */
  readonly problem: string | undefined;
  /** What the user was about to write. */
  readonly draft: string;
}

const none: Notes = { saved: undefined, unsaved: [], problem: undefined, draft: '' };

let notes = none;
/** Whose they are. */
let owner: string | undefined;
/** How many the server has been given. */
let sent = 0;
const listeners = new Set<() => void>();

export const getNotes = (): Notes => notes;

export function subscribeToNotes(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(what: Partial<Notes>): void {
  notes = { ...notes, ...what };
  for (const listener of listeners) listener();
}

const setProblem = (id: string, problem: string | undefined): void =>
  change({ unsaved: notes.unsaved.map((note) => (note.id === id ? { ...note, problem } : note)) });

export const setDraft = (draft: string): void => change({ draft });

export async function loadNotes(): Promise<void> {
  const [asked, sentBefore] = [owner, sent];
  try {
    const { data } = await api.get<Note[]>('/api/notes');
    if (asked !== owner) return;
    // A list that was made before a note arrived does not have it.
    if (sentBefore === sent) change({ saved: data, problem: undefined });
    else await loadNotes();
  } catch (error) {
    if (asked === owner) change({ problem: sentenceFor(error) });
  }
}

export async function addNote(text: string): Promise<void> {
  const note: Unsaved = { id: crypto.randomUUID(), text, problem: undefined };
  change({ unsaved: [...notes.unsaved, note], draft: '' });
  await save(note);
}

/** Loads them again, and sends what could not be saved before. */
export async function retryAll(): Promise<void> {
  await Promise.all([loadNotes(), ...notes.unsaved.filter(({ problem }) => problem).map(save)]);
}

export const discard = (id: string): void => change({ unsaved: notes.unsaved.filter((note) => note.id !== id) });

async function save({ id, text }: Note): Promise<void> {
  setProblem(id, undefined);
  try {
    await api.put(`/api/notes/${id}`, { text });
    sent += 1;
    // Not where it was discarded meanwhile, or somebody else has signed in.
    if (!notes.unsaved.some((note) => note.id === id)) return;
    const others = (notes.saved ?? []).filter((note) => note.id !== id);
    change({ saved: [...others, { id, text }], unsaved: notes.unsaved.filter((note) => note.id !== id) });
  } catch (error) {
    setProblem(id, sentenceFor(error));
  }
}

// Another user sees nothing of this one; the same user finds what was being written.
session.on('session.started', () => {
  change(owner === currentUser() ? { saved: undefined, problem: undefined } : none);
  owner = currentUser();
});
session.on('session.cleared', () => change(none));
// A new token: what failed for want of one may work now.
session.on('tokens.changed', () => {
  if (!notes.saved || notes.problem || notes.unsaved.some(({ problem }) => problem)) void retryAll();
});
addEventListener('online', () => void retryAll());
// They are in this page alone: the browser asks before it is left.
addEventListener('beforeunload', (event) => {
  if (notes.unsaved.length > 0) event.preventDefault();
});
