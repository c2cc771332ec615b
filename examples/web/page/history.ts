/** What has happened, for the timeline and the counters. Times are those of `performance.now()`. */

/** A request on its way to the server and back. A second one is a replay. */
export interface Hop {
  readonly from: number;
  until: number | undefined;
}

export interface Request {
  readonly id: number;
  readonly madeAt: number;
  readonly hops: Hop[];
  endedAt: number | undefined;
  failed: boolean;
}

/** One access token: its life, with both windows, as the session has read it. */
export interface Life {
  readonly generation: number;
  readonly from: number;
  readonly aheadAt: number;
  readonly dueAt: number;
  readonly until: number;
  /** When it was replaced or dropped. */
  endedAt: number | undefined;
}

export interface Refresh {
  readonly from: number;
  readonly elsewhere: boolean;
  until: number | undefined;
  failed: boolean;
}

export type Counter = 'sent' | 'waited' | 'replayed' | 'failed' | 'refreshes' | 'refusals';

export class History {
  readonly requests: Request[] = [];
  readonly lives: Life[] = [];
  readonly refreshes: Refresh[] = [];
  readonly counts: Record<Counter, number> = { sent: 0, waited: 0, replayed: 0, failed: 0, refreshes: 0, refusals: 0 };
  #serial = 0;

  request(now: number): Request {
    const request = { id: ++this.#serial, madeAt: now, hops: [], endedAt: undefined, failed: false };
    this.requests.push(request);
    return request;
  }

  leave(request: Request, now: number): Hop {
    const hop = { from: now, until: undefined };
    this.counts[request.hops.push(hop) > 1 ? 'replayed' : 'sent'] += 1;
    return hop;
  }

  end(request: Request, now: number, failed: boolean): void {
    request.endedAt = now;
    request.failed = failed;
    if (failed) this.counts.failed += 1;
  }

  /** A new token, or none. */
  token(life: Life | undefined, now: number): void {
    const last = this.lives.at(-1);
    if (last) last.endedAt ??= now;
    if (life) this.lives.push(life);
  }

  refresh(now: number, elsewhere: boolean): void {
    // A tab that was closed has not told the end of its last one.
    this.refreshed(now, elsewhere, false);
    this.refreshes.push({ from: now, elsewhere, until: undefined, failed: false });
    if (!elsewhere) this.counts.refreshes += 1;
  }

  refreshed(now: number, elsewhere: boolean, failed: boolean): void {
    for (const refresh of this.refreshes) {
      if (refresh.elsewhere !== elsewhere || refresh.until !== undefined) continue;
      refresh.until = now;
      refresh.failed = failed;
    }
    if (failed && !elsewhere) this.counts.refusals += 1;
  }

  /** Forgets what ended before this moment. */
  forget(before: number): void {
    drop(this.requests, ({ endedAt = Infinity }) => endedAt < before);
    drop(this.lives, ({ until, endedAt = until }) => Math.min(until, endedAt) < before);
    drop(this.refreshes, ({ until = Infinity }) => until < before);
  }
}

function drop<T>(list: T[], isOver: (one: T) => boolean): void {
  const kept = list.filter((one) => !isOver(one));
  if (kept.length < list.length) list.splice(0, list.length, ...kept);
}
