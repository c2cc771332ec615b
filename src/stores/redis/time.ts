/** Waiting that does not keep a process alive. */

/** Settles as `promise` does, or rejects with a `TimeoutError`. */
export function within<T>(limitMs: number, promise: Promise<T>, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // After a standstill of this process the answer may be there, and is yet to be read.
      setImmediate(() => reject(new DOMException(message, 'TimeoutError')));
    }, limitMs);
    timer.unref();
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Settles as `promise` does, or rejects with the signal's reason when that aborts meanwhile. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** Calls `act` every `ms`, and returns what ends that. */
export function every(ms: number, act: () => void): () => void {
  const timer = setInterval(act, ms);
  timer.unref();
  return () => clearInterval(timer);
}
