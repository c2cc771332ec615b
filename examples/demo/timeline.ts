/** Prints what a session tells, one line per event; a burst of the same event becomes one line. */
import type { TokenError, TokenEvent, TokenEventType, TokenSession } from 'axios-token-refresh';
import { paint, type Colour } from './paint.js';

type Released = TokenEvent<'request.released'>;

export interface Timeline {
  heading(text: string): void;
  note(text: string, colour?: Colour): void;
  watch(session: TokenSession): void;
  /** Prints what is still being counted. */
  flush(): void;
}

const bundled: readonly TokenEventType[] = ['request.queued', 'request.released', 'request.replayed'];
/** A burst has ended when nothing was added for so long. */
const quietMs = 100;

export function createTimeline(): Timeline {
  const start = Date.now();
  let bundle: TokenEvent[] = [];
  let quiet: NodeJS.Timeout | undefined;

  function print(at: number, name: string, details: string, colour: Colour): void {
    const time = `${((at - start) / 1000).toFixed(3).padStart(7)} s`;
    console.log(`${paint('dim', time)}  ${paint(colour, name.padEnd(18))}  ${details}`);
  }

  function flush(): void {
    clearTimeout(quiet);
    const [first] = bundle;
    if (first) print(first.at, first.type, describeBundle(bundle), 'yellow');
    bundle = [];
  }

  function add(event: TokenEvent): void {
    if (bundle[0]?.type !== event.type) flush();
    if (bundled.includes(event.type)) {
      bundle.push(event);
      clearTimeout(quiet);
      quiet = setTimeout(flush, quietMs);
    } else {
      print(event.at, event.type, describe(event), colourOf(event.type));
    }
  }

  return {
    heading(text) {
      flush();
      console.log(`\n${paint('bold', text)}`);
    },
    note(text, colour = 'dim') {
      flush();
      print(Date.now(), '', paint(colour, text), colour);
    },
    watch(session) {
      session.on('event', add);
    },
    flush,
  };
}

function colourOf(type: TokenEventType): Colour {
  if (/failed|escalated|expired|ending/.test(type)) return 'red';
  return type.startsWith('refresh.') ? 'cyan' : 'magenta';
}

function describe(event: TokenEvent): string {
  switch (event.type) {
    case 'refresh.started':
      return `trigger: ${event.trigger}`;
    case 'refresh.retried':
      return `attempt ${event.attempt} in ${Math.round(event.delayMs)} ms, after ${faultOf(event.error)}`;
    case 'refresh.succeeded':
      return `in ${Math.round(event.durationMs)} ms${event.late ? ', after its deadline' : ''}`;
    case 'refresh.failed':
      return `${faultOf(event.error)}${event.servedCurrent ? '; servedCurrent: requests go on' : ''}`;
    case 'refresh.escalated':
    case 'refresh.recovered':
      return `${event.consecutiveFailures} failures in a row`;
    case 'session.ending':
    case 'session.expired':
      return event.error.code;
    case 'tokens.changed':
      return `generation ${event.generation}${expiry(event.expiresAt, event.at)}`;
    case 'clock.skewed':
      return `${event.skewMs} ms`;
    case 'store.failed':
      return event.action;
    case 'listener.failed':
      return event.source;
    default:
      return '';
  }
}

/** `503 (server)` or `network`: the code says no more than the event. */
function faultOf({ status, kind, code }: TokenError): string {
  if (kind === undefined) return code;
  return status === undefined ? kind : `${status} (${kind})`;
}

function expiry(expiresAt: number | undefined, now: number): string {
  return expiresAt === undefined ? '' : `, expires in ${((expiresAt - now) / 1000).toFixed(1)} s`;
}

function describeBundle(events: readonly TokenEvent[]): string {
  const released = events.filter((event): event is Released => event.type === 'request.released');
  if (released.length === 0) return `× ${events.length}`;
  const waits = released.map((event) => event.durationMs);
  const outcomes = [...new Set(released.map((event) => event.outcome))]
    .map((outcome) => `${released.filter((event) => event.outcome === outcome).length} ${outcome}`)
    .join(', ');
  const served = released.filter((event) => event.servedCurrent).length;
  const kept = served > 0 ? ` (${served} servedCurrent)` : '';
  return `× ${events.length}: ${outcomes}${kept}; waited ${Math.round(Math.min(...waits))} to ${Math.round(Math.max(...waits))} ms`;
}
