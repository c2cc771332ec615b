/** Word of changes among the tabs of an origin, by BroadcastChannel: which version there is now, and nothing else. */
import { field } from '../../core/redact.js';
import { Complaint, faultOf } from './fault.js';
import { isPage } from './wake.js';

export class Channel {
  readonly #name: string;
  readonly #heard: () => void;
  readonly #complaint = new Complaint();
  #port: BroadcastChannel | undefined;

  /**
   * `heard` is called when another tab has written. Whatever its version: where the stored data have been cleared, versions
   * begin anew.
   */
  constructor(name: string, heard: () => void) {
    this.#name = name;
    this.#heard = heard;
  }

  /** Listens, where that is possible: what is not is told when there is something to tell the others. */
  open(): void {
    if (!isPage()) return;
    try {
      this.#port ??= this.#listen();
    } catch {
      // post() will say so.
    }
  }

  close(): void {
    this.#port?.close();
    this.#port = undefined;
  }

  /** @throws when others begin to be out of reach */
  post(version: number): void {
    try {
      const port = this.#port ?? new BroadcastChannel(this.#name);
      port.postMessage({ v: 1, version });
      if (port !== this.#port) port.close();
      this.#complaint.settle();
    } catch (error) {
      this.#complaint.raise(faultOf('BROADCAST_CHANNEL_UNAVAILABLE', error));
    }
  }

  #listen(): BroadcastChannel {
    const port = new BroadcastChannel(this.#name);
    port.onmessage = ({ data }) => {
      const version = field(data, 'version');
      if (field(data, 'v') === 1 && typeof version === 'number') this.#heard();
    };
    return port;
  }
}
