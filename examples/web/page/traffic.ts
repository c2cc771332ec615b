/** Requests to the protected API, each followed from the call to the answer. */
import type { AxiosAdapter, AxiosInstance } from 'axios';
import type { History } from './history.js';

export interface Traffic {
  burst(count: number): void;
  steady(on: boolean): void;
}

const steadyEveryMs = 250;
/** A shorter wait is the time that any call takes. */
const noticeableMs = 30;

/** @param failed is told why a request was not answered */
export function createTraffic(
  api: AxiosInstance,
  send: AxiosAdapter,
  history: History,
  failed: (error: unknown) => void,
): Traffic {
  let timer: ReturnType<typeof setInterval> | undefined;

  async function ask(): Promise<void> {
    const request = history.request(performance.now());
    let waits = false;
    // Below the package: what leaves here is on the wire.
    const adapter: AxiosAdapter = async (config) => {
      const now = performance.now();
      const since = request.hops.at(-1)?.until ?? request.madeAt;
      if (now - since > noticeableMs && !waits) {
        waits = true;
        history.counts.waited += 1;
      }
      const hop = history.leave(request, now);
      try {
        return await send(config);
      } finally {
        hop.until = performance.now();
      }
    };
    try {
      await api.get('/api/orders', { adapter });
      history.end(request, performance.now(), false);
    } catch (error) {
      history.end(request, performance.now(), true);
      failed(error);
    }
  }

  return {
    burst(count) {
      for (let sent = 0; sent < count; sent += 1) void ask();
    },
    steady(on) {
      clearInterval(timer);
      timer = on ? setInterval(() => void ask(), steadyEveryMs) : undefined;
    },
  };
}
