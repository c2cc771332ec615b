/** Records on their way to a collector: in batches, kept to a bound while it cannot be reached. */
import type { AuditFault, AuditRecord } from '../core/audit.js';
import type { Clock } from '../types.js';

export interface OutboxPlan {
  readonly maxBatch: number;
  readonly maxBuffered: number;
  readonly intervalMs: number;
  readonly clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>;
  /** Resolves to an HTTP status; rejects where there was no answer. `keepalive`: the page may go meanwhile. */
  readonly post: (body: string, keepalive: boolean) => Promise<number>;
  /** Hands it to the browser, which sends it even though the page goes. Whether it took it. */
  readonly beacon: (body: string) => boolean;
  readonly failed: (fault: AuditFault) => void;
  /** The record that tells of lost ones. */
  readonly gap: (count: number) => AuditRecord;
}

const firstRetryMs = 1_000;
const lastRetryMs = 60_000;
// What browsers send for pages that are gone is 64 KiB over all requests in flight; records are ASCII.
const longestKeptAlive = 60_000;
// These blame the batch. Any other answer may be another one later: after a deployment, or when somebody has signed in.
const final: readonly number[] = [400, 413, 422];

export class Outbox {
  readonly #plan: OutboxPlan;
  #records: AuditRecord[] = [];
  /** The first records of these are being sent. */
  #inFlight = 0;
  #sending: Promise<boolean> | undefined;
  /** What a page that was left is still sending beside that. */
  #handedOver: Promise<unknown> = Promise.resolve();
  /** Length of the bodies in flight that outlive the page. */
  #keptAlive = 0;
  #dropped = 0;
  /** Some of what is being sent was refused for good. */
  #isRefused = false;
  #retryMs = firstRetryMs;
  #timer: unknown;

  constructor(plan: OutboxPlan) {
    this.#plan = plan;
  }

  add(record: AuditRecord): void {
    const { maxBatch, maxBuffered, intervalMs } = this.#plan;
    if (this.#records.length >= maxBuffered) {
      this.#drop();
      return;
    }
    this.#records.push(record);
    if (this.#sending) return;
    const isFull = this.#records.length >= Math.min(maxBatch, maxBuffered);
    if (isFull && !this.#isFailing) void this.flush();
    else this.#wake(intervalMs);
  }

  /** Sends what waits. Whether all of it was taken. Never rejects. */
  flush(): Promise<boolean> {
    this.#sleep();
    this.#sending ??= this.#send();
    return this.#sending;
  }

  /** The page may be gone in a moment: what waits goes out at once, as much as browsers take. The rest waits on. */
  leave(): void {
    for (;;) {
      const batch = this.#batchToLeaveWith();
      if (batch.length === 0) return;
      this.#records.splice(this.#inFlight, batch.length);
      const body = bodyOf(batch);
      if (!this.#plan.beacon(body)) this.#handedOver = Promise.all([this.#handedOver, this.#handOver(batch, body)]);
    }
  }

  #batchToLeaveWith(): AuditRecord[] {
    const waiting = this.#records.slice(this.#inFlight, this.#inFlight + this.#plan.maxBatch);
    let room = longestKeptAlive - this.#keptAlive - bodyOf([]).length;
    const tooMuch = waiting.findIndex((record) => (room -= JSON.stringify(record).length + 1) < 0);
    return tooMuch < 0 ? waiting : waiting.slice(0, tooMuch);
  }

  async #handOver(batch: AuditRecord[], body: string): Promise<void> {
    const problem = await this.#post(body);
    if (problem?.mayPass) this.#records.splice(this.#inFlight, 0, ...batch);
    if (problem) this.#fail(problem, batch.length);
  }

  async #post(body: string): Promise<Problem | undefined> {
    const keepalive = this.#keptAlive + body.length <= longestKeptAlive;
    const length = keepalive ? body.length : 0;
    this.#keptAlive += length;
    try {
      return problemOf(await this.#plan.post(body, keepalive));
    } catch (error) {
      return { error, mayPass: true };
    } finally {
      this.#keptAlive -= length;
    }
  }

  /** Sends for the last time: what is not taken is lost. */
  async close(): Promise<void> {
    await this.flush();
    await this.#handedOver;
    this.#sleep();
    this.#dropped += this.#records.splice(0).length;
    // What was refused has been told.
    if (this.#dropped === 0) return;
    this.#plan.failed({ error: new Error('The audit was closed.'), buffered: 0, dropped: this.#dropped });
  }

  /** A retry is due. */
  get #isFailing(): boolean {
    return this.#retryMs > firstRetryMs;
  }

  /** Tells of the first of a gap at once; the record of the gap says how many there were. */
  #drop(): void {
    this.#dropped += 1;
    if (this.#dropped > 1) return;
    const error = new Error('Records are dropped: maxBuffered of them wait.');
    this.#plan.failed({ error, buffered: this.#records.length, dropped: 1 });
  }

  async #send(): Promise<boolean> {
    try {
      this.#isRefused = false;
      for (;;) {
        await this.#handedOver;
        const batch = this.#nextBatch();
        if (batch.length === 0) return !this.#isRefused;
        this.#inFlight = batch.length;
        const problem = await this.#post(bodyOf(batch));
        this.#inFlight = 0;
        if (!problem?.mayPass) {
          this.#records.splice(0, batch.length);
          this.#retryMs = firstRetryMs;
        }
        if (problem) this.#fail(problem, batch.length);
        if (problem?.mayPass) return false;
      }
    } finally {
      // In the same turn: nobody would wake for a record that comes in between.
      this.#sending = undefined;
    }
  }

  #nextBatch(): AuditRecord[] {
    if (this.#records.length === 0 && this.#dropped > 0) {
      this.#records.push(this.#plan.gap(this.#dropped));
      this.#dropped = 0;
    }
    return this.#records.slice(0, this.#plan.maxBatch);
  }

  #fail({ error, mayPass }: Problem, count: number): void {
    if (mayPass) {
      this.#wake(this.#retryMs * (0.5 + Math.random() / 2));
      this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs);
    }
    this.#isRefused ||= !mayPass;
    const dropped = this.#dropped + (mayPass ? 0 : count);
    this.#plan.failed({ error, buffered: this.#records.length, dropped });
  }

  #wake(delayMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#plan.clock.setTimeout(() => void this.flush(), delayMs);
    (this.#timer as { unref?: () => void } | undefined)?.unref?.();
  }

  #sleep(): void {
    if (this.#timer !== undefined) this.#plan.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

interface Problem {
  readonly error: unknown;
  /** The same may be taken later. */
  readonly mayPass: boolean;
}

function problemOf(status: number): Problem | undefined {
  if (status >= 200 && status < 300) return undefined;
  return { error: new Error(`The collector answered ${status}.`), mayPass: !final.includes(status) };
}

function bodyOf(records: readonly AuditRecord[]): string {
  return JSON.stringify({ records });
}
