/** How refreshes end, told by the events of one session. Only a cancellation has no event of its own. */
import type { TokenError } from '../errors.js';
import type { RefreshTrigger, TokenEvent } from '../types.js';

/**
 * - `success`: new tokens.
 * - `adopted`: another holder of the session had refreshed; its tokens were taken over.
 * - `late`: the answer to a refresh that had been counted as a `failure` by its deadline was still adopted.
 * - `failure`: all attempts failed.
 * - `cancelled`: a sign-out, or tokens from elsewhere, made it needless.
 */
export type RefreshOutcome = 'success' | 'adopted' | 'late' | 'failure' | 'cancelled';

export interface EndedRefresh {
  readonly operationId: string;
  readonly trigger: RefreshTrigger;
  readonly outcome: RefreshOutcome;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly generation: number;
  readonly durationMs: number;
  readonly attempts: number;
  readonly error: TokenError | undefined;
}

interface OpenRefresh {
  readonly operationId: string;
  readonly trigger: RefreshTrigger;
  readonly at: number;
  readonly generation: number;
  readonly attempts: number;
}

export interface Refreshes {
  hear(event: TokenEvent): void;
  /** Whatever is still open counts as cancelled. */
  stop(at: number): void;
}

/** Calls `ended` once for each refresh that ends, and once more for one that ends late. */
export function followRefreshes(ended: (refresh: EndedRefresh) => void): Refreshes {
  let open: OpenRefresh | undefined;

  const cancel = (at: number): void => {
    if (!open) return;
    const { at: startedAt, ...refresh } = open;
    open = undefined;
    ended({ ...refresh, outcome: 'cancelled', at, durationMs: Math.max(0, at - startedAt), error: undefined });
  };
  const end = (
    { operationId, trigger, at, generation, durationMs, attempt }: TokenEvent<'refresh.succeeded' | 'refresh.failed'>,
    outcome: RefreshOutcome,
    error?: TokenError,
  ): void => {
    if (open?.operationId === operationId) open = undefined;
    ended({ operationId, trigger, outcome, at, generation, durationMs, attempts: attempt, error });
  };

  return {
    hear(event) {
      switch (event.type) {
        case 'refresh.started': {
          const { operationId, trigger, at, generation } = event;
          cancel(at);
          open = { operationId, trigger, at, generation, attempts: 1 };
          return;
        }
        case 'refresh.retried':
          if (open?.operationId === event.operationId) open = { ...open, attempts: event.attempt };
          return;
        case 'refresh.succeeded':
          end(event, event.late ? 'late' : event.adopted ? 'adopted' : 'success');
          return;
        case 'refresh.failed':
          end(event, 'failure', event.error);
          return;
        case 'session.cleared':
          cancel(event.at);
          return;
        case 'tokens.changed':
          // A refresh that began with these tokens, in a listener of what brought them, goes on.
          if (open && event.generation > open.generation) cancel(event.at);
          return;
        default:
      }
    },
    stop: cancel,
  };
}
