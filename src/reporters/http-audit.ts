/** Records of every refresh for a collector: from browsers and edge functions, which have no files. */
import {
  auditRules,
  followAudit,
  isoTime,
  neededFor,
  type AuditEntry,
  type AuditFault,
  type AuditRecord,
} from '../core/audit.js';
import { checked, count, fn, isObject, isText, text, type Rules } from '../core/checks.js';
import { listen, tell, type Reported, type Reporter } from '../core/reporting.js';
import type { Clock } from '../types.js';
import { Outbox } from './outbox.js';
import { onLeaving, sendBeacon } from './page.js';
import { Subject } from './subject.js';

export interface HttpAuditOptions {
  /** Where records are posted, as JSON: `{ "records": [...] }`. Any 2xx means that they are kept; 400, 413 and 422 that they never will be. */
  readonly url: string;
  /** Further request headers. With any, a page that is left uses `fetch` with `keepalive`: a beacon carries none. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest that a record waits for others, in milliseconds; a full batch goes at once. @default 5000 */
  readonly intervalMs?: number;
  /** Records in one request. Browsers send up to 64 KiB from a page that is left: about 100. @default 50 */
  readonly maxBatch?: number;
  /** Records that are held while the collector cannot be reached; further ones are dropped and counted. @default 10000 */
  readonly maxBuffered?: number;
  /** Whose session it is; sent as a hash under `salt`, which is then required. Never a token. @default none */
  readonly subject?: (session: Reported) => string | undefined;
  /** Key of the hash, at least 16 characters. In a page anybody can read it: have the server give one to each user. */
  readonly salt?: string;
  /** Called when records are not taken, or lost: at each retry, and with the first that is dropped. */
  readonly onFault?: (fault: AuditFault) => unknown;
  /** @default the platform's */
  readonly fetch?: (url: string, request: HttpAuditRequest) => Promise<{ readonly status: number }>;
  /** For tests. @default the system's clock */
  readonly clock?: Pick<Clock, 'now' | 'setTimeout' | 'clearTimeout'>;
}

/** What `fetch` is called with. */
export interface HttpAuditRequest {
  method: 'POST';
  body: string;
  headers: Record<string, string>;
  /** The request outlives the page. Browsers refuse that for long bodies. */
  keepalive: boolean;
  signal: AbortSignal;
}

/** Put it on any number of sessions; each time it returns what takes it off again. */
export interface HttpAudit extends Reporter {
  /** Sends what waits; for an edge function's `waitUntil`. Whether all of it was taken, and nothing refused for good. Never rejects. */
  flush(): Promise<boolean>;
  /** Sends what waits for the last time and ends its timers and listeners. What is not taken is lost, and told. */
  close(): Promise<void>;
}

const answerMs = 10_000;

const rules: Rules<HttpAuditOptions> = {
  url: text,
  headers: ['an object of strings', (value) => isObject(value) && Object.values(value).every(isText)],
  intervalMs: count,
  maxBatch: count,
  fetch: fn,
  ...auditRules,
};

const systemClock: NonNullable<HttpAuditOptions['clock']> = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

/**
 * Posts a record per refresh that ends and per change of the session, in batches: the same that `fileAudit` writes. Each
 * is sent at least once; what comes twice has the same `id`. A page that is hidden or left hands over what waits.
 *
 * @throws {TypeError} for an option that does not fit
 * @example
 * const audit = httpAudit({ url: '/auth/audit' });
 * const stop = audit(session);
 */
export function httpAudit(given: HttpAuditOptions): HttpAudit {
  const options = checked<HttpAuditOptions>(given, rules, { required: ['url', ...neededFor(given)], of: 'httpAudit' });
  const { url, headers, intervalMs = 5_000, maxBatch = 50, maxBuffered = 10_000 } = options;
  const { subject, salt = '', onFault = () => undefined, clock = systemClock } = options;
  const post = async (body: string, keepalive: boolean): Promise<number> => {
    const { status } = await (options.fetch ?? fetch)(url, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', ...headers },
      keepalive,
      signal: AbortSignal.timeout(answerMs),
    });
    return status;
  };
  const recordOf = ({ at, ...fields }: AuditEntry, subjectHash?: string): AuditRecord => ({
    at,
    id: randomId(),
    ...fields,
    ...(subjectHash && { subjectHash }),
  });
  const failed = (fault: AuditFault): void => tell(onFault, fault);
  const outbox = new Outbox({
    maxBatch,
    maxBuffered,
    intervalMs,
    clock,
    post,
    beacon: (body) => !headers && sendBeacon(url, body),
    failed,
    gap: (count) => recordOf({ at: isoTime(clock.now()), outcome: 'dropped', count }),
  });
  let isClosed = false;
  /** Records whose hash is not there yet. */
  let hashing: Promise<unknown> = Promise.resolve();
  const stopWatching = onLeaving(() => {
    outbox.leave();
    void hashing.then(() => outbox.leave());
  });

  const report: Reporter = (session) => {
    const hash = new Subject(salt, (error) => failed({ error, buffered: 0, dropped: 0 }));
    const ask = (): void => {
      try {
        hash.is(subject?.(session));
      } catch (error) {
        // Whoever it is, it may be somebody else than before.
        hash.is(undefined);
        failed({ error, buffered: 0, dropped: 0 });
      }
    };
    ask();
    const trail = followAudit((entry) => {
      // At a sign-out somebody else, or nobody, may already be the subject.
      if (entry.outcome !== 'cleared' && entry.outcome !== 'cancelled') ask();
      const hashed = hash.hand((known) => {
        if (!isClosed) outbox.add(recordOf(entry, known));
      });
      if (hashed) hashing = Promise.all([hashing, hashed]).then(() => undefined);
    });
    const stopListening = listen(session, (event) => trail.hear(event));
    return () => {
      stopListening();
      trail.stop(clock.now());
    };
  };
  const flush = async (): Promise<boolean> => {
    await hashing;
    return outbox.flush();
  };
  const close = async (): Promise<void> => {
    stopWatching();
    await hashing;
    isClosed = true;
    await outbox.close();
  };
  return Object.assign(report, { flush, close });
}

function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
