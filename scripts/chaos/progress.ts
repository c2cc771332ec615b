/** Tells how far a long run is: one line that is rewritten on a terminal, a line now and then elsewhere. */
const terminalEveryMs = 200;
const otherwiseEveryMs = 10_000;

export class Progress {
  readonly #output: NodeJS.WriteStream;
  readonly #total: number;
  readonly #startedAt = performance.now();
  #toldAt = 0;
  #played = 0;

  constructor(output: NodeJS.WriteStream, total: number) {
    this.#output = output;
    this.#total = total;
  }

  /** One more schedule is about to be played. */
  step(): void {
    this.#played += 1;
    const now = performance.now() - this.#startedAt;
    const { isTTY } = this.#output;
    if (now - this.#toldAt < (isTTY ? terminalEveryMs : otherwiseEveryMs)) return;
    this.#toldAt = now;
    this.#output.write(isTTY ? `\r\u001b[K${this.#line(now)}` : `${this.#line(now)}\n`);
  }

  /** How many schedules have been played, and in what time. */
  end(): string {
    if (this.#output.isTTY) this.#output.write('\r\u001b[K');
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    return `${String(this.#played)} schedules in ${seconds.toFixed(1)} s`;
  }

  #line(afterMs: number): string {
    const played = this.#played;
    const rate = (played * 1_000) / afterMs;
    if (played > this.#total) return `broken: making the schedule smaller, ${String(played - this.#total)} tried`;
    const left = Math.ceil((this.#total - played) / rate);
    const percent = Math.floor((played / this.#total) * 100);
    return `${String(played)} of ${String(this.#total)} schedules, ${String(percent)} %, ${rate.toFixed(0)} a second, ${String(left)} s left`;
  }
}
