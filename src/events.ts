/** Tells listeners, reporters and the debug log what happened, and survives what they do. */
import createDebug, { type Debugger } from 'debug';
import { EventEmitter } from 'eventemitter3';
import { lineOf, topics, type Topic } from './core/line.js';
import { describe, field } from './core/redact.js';
import type { EventBase, EventPayload, TokenEvents, TokenEventType } from './types.js';

type AnyListener = (event: never) => unknown;
type Happened = EventBase & { readonly type: TokenEventType };

const logTo = (topic: Topic): Debugger => createDebug(`axios-token-refresh:${topic}`);
// Kept, since each prints the time since its last line.
const logs = { session: logTo('session'), refresh: logTo('refresh'), replay: logTo('replay'), store: logTo('store') };

export class Events {
  readonly #emitter = new EventEmitter();
  readonly #guarded = new WeakMap<AnyListener, (event?: Happened) => void>();
  readonly #stamp: () => EventBase;
  readonly #subscribers = new Set<() => void>();
  readonly #due: (() => void)[] = [];
  /** Changes under way, one within the other. */
  #busy = 0;
  #isChangeDue = false;
  #isClosed = false;

  constructor(stamp: () => EventBase) {
    this.#stamp = stamp;
  }

  on(event: keyof TokenEvents, listener: AnyListener, how: 'on' | 'once' = 'on'): void {
    // One that is never told is a slip of the pen that nobody would notice.
    if (event !== 'event' && !Object.hasOwn(topics, event))
      throw new TypeError(`Unknown event "${event}". Known: event, ${Object.keys(topics).join(', ')}.`);
    this.#emitter[how](event, this.#guard(listener));
  }

  off(event: keyof TokenEvents, listener: AnyListener): void {
    const guarded = this.#guarded.get(listener);
    // Without a listener the emitter would drop all of them.
    if (guarded) this.#emitter.off(event, guarded);
  }

  subscribe(listener: () => void): () => void {
    const guarded = this.#guard(listener);
    const tell = (): void => guarded();
    this.#subscribers.add(tell);
    return () => this.#subscribers.delete(tell);
  }

  /** Nobody is told of anything any more. */
  close(): void {
    this.#isClosed = true;
    this.#emitter.removeAllListeners();
    this.#subscribers.clear();
  }

  /** What happens in `act` is told when all of it has happened: nobody meets, or changes, a session half way. */
  together(act: () => void): void {
    this.#busy += 1;
    try {
      act();
    } finally {
      if (this.#busy === 1) for (let tell = this.#due.shift(); tell; tell = this.#due.shift()) tell();
      this.#busy -= 1;
    }
  }

  /** Subscribers are told once, however much has changed. */
  changed(): void {
    if (this.#isChangeDue) return;
    this.#isChangeDue = true;
    this.#soon(() => {
      this.#isChangeDue = false;
      for (const tell of [...this.#subscribers]) if (this.#subscribers.has(tell)) tell();
    });
  }

  emit<T extends TokenEventType>(type: T, fields: EventPayload<T>): void {
    if (this.#isClosed) return;
    const event = Object.freeze<EventBase & { type: T }>({ type, ...this.#stamp(), ...fields });
    // A listener may cause further events: they come after everybody has heard of this one.
    this.#soon(() => {
      this.#log(event);
      // Reporters first: who hears of an end may dispose of the session, or end the process.
      this.#emitter.emit('event', event);
      this.#emitter.emit(type, event);
    });
  }

  /** The listener, unable to throw or to reject. One wrapper for each, so that `off` finds it. */
  #guard(listener: AnyListener): (event?: Happened) => void {
    if (typeof listener !== 'function') throw new TypeError('A listener must be a function.');
    const known = this.#guarded.get(listener);
    if (known) return known;
    const guarded = (event?: Happened): void => {
      const failed = (error: unknown): void => {
        // A fault while hearing of a fault goes no further.
        if (event?.type !== 'listener.failed') this.failed(event?.type ?? 'subscribe', error);
      };
      try {
        const result = listener(event as never);
        const then = field(result, 'then');
        if (typeof then === 'function') void (then as (...on: unknown[]) => unknown).call(result, undefined, failed);
      } catch (error) {
        failed(error);
      }
    };
    this.#guarded.set(listener, guarded);
    return guarded;
  }

  #soon(tell: () => void): void {
    this.together(() => this.#due.push(tell));
  }

  /** `DEBUG=axios-token-refresh:*`, one line per event. Where the log goes is the user's, and may fail. */
  #log(event: Happened): void {
    try {
      const debug = logs[topics[event.type]];
      if (debug.enabled) debug('%s', lineOf(event));
    } catch {
      // Nothing to tell it to.
    }
  }

  /** Reports a fault in the user's code. */
  failed(source: string, error: unknown): void {
    this.emit('listener.failed', { source, error: describe(error) });
  }
}
