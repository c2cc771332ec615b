/** Where a token may go: pure but for a cache of parsed origins. */
import type { Origins } from '../types.js';
import { ask } from './ask.js';

/** The parts of a request config that decide its URL. */
export interface Target {
  readonly url?: string | undefined;
  readonly baseURL?: string | undefined;
  readonly allowAbsoluteUrls?: boolean | undefined;
  readonly socketPath?: string | null | undefined;
}

// What Axios takes for an absolute URL.
const absolute = /^([a-z][a-z\d+\-.]*:)?\/\//i;
// A prefix that settles the origin by itself: no userinfo, backslash, control character or space to be clever with.
const plainPrefix = /^https?:\/\/[a-z\d.\-:[\]]+(?=[/?#]|$)/i;

/** The base URL, where Axios puts it before the URL. */
function prefixOf({ url = '', baseURL, allowAbsoluteUrls }: Target): string | undefined {
  return !absolute.test(url) || allowAbsoluteUrls === false ? baseURL : undefined;
}

/** The URL that Axios will request; `undefined` where only the platform could tell. */
function urlOf(target: Target, base: string | undefined): URL | undefined {
  const { url = '' } = target;
  const prefix = prefixOf(target);
  const joined = prefix && url ? `${prefix.replace(/\/?\/$/, '')}/${url.replace(/^\/+/, '')}` : prefix || url;
  return parse(joined, base);
}

/** A web address that can carry our header: with credentials in it, Axios sends those instead. */
function parse(url: string, page?: string): URL | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url, page);
  } catch {
    return undefined;
  }
  return /^https?:$/.test(parsed.protocol) && !parsed.username && !parsed.password ? parsed : undefined;
}

/** Whether what is sent to a URL cannot be read on the way: https, or this machine. */
export function isSecure(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

/** The origin of an absolute URL, or of one relative to the page; `undefined` if it has none. */
export function originOf(url: string, page?: string): string | undefined {
  return parse(url, page)?.origin;
}

/** Answers for each request the origin that the token may be sent to, or `undefined` for none. */
export type OriginCheck = (target: Target) => string | undefined;

/** What relative URLs are relative to: asked each time, since a `<base>` may come into the page. */
export type Base = () => string | undefined;

const cacheLimit = 100;

/**
 * A check for exact origins. Each spelling of a base URL or of an absolute URL's beginning is parsed once.
 */
export function exactOrigins(origins: ReadonlySet<string>, base: Base): OriginCheck {
  const seen = new Map<string, string | undefined>();
  const allowed = (origin: string | undefined): string | undefined =>
    origin !== undefined && origins.has(origin) ? origin : undefined;
  return (target) => {
    if (target.socketPath) return undefined;
    const start = prefixOf(target) || target.url || '';
    // What is relative may still name a host: "/" and "\\evil.example.com" make "/\\evil.example.com".
    const prefix = plainPrefix.exec(start)?.[0] ?? (/^\/\w/.test(start) ? base() : undefined);
    if (prefix === undefined) return allowed(urlOf(target, base())?.origin);
    if (!seen.has(prefix)) {
      if (seen.size >= cacheLimit) seen.clear();
      seen.set(prefix, allowed(originOf(prefix)));
    }
    return seen.get(prefix);
  };
}

/** A check by the user's own rule. A rule that throws allows nothing. */
export function ruledOrigins(rule: (url: URL) => boolean, base: Base, failed: (error: unknown) => void): OriginCheck {
  return (target) => {
    const url = target.socketPath ? undefined : urlOf(target, base());
    if (!url) return undefined;
    const verdict = ask({ name: 'origins', verdicts: [true, false], fault: failed }, () => rule(url));
    return verdict ? url.origin : undefined;
  };
}

/** Makes the check of one attached instance. Throws `TypeError` where nothing says where the token may go. */
export function originCheck(
  origins: Origins | undefined,
  baseURL: string | undefined,
  page: string | undefined,
  failed: (error: unknown) => void,
  base: Base = () => page,
): OriginCheck {
  if (typeof origins === 'function') return ruledOrigins(origins, base, failed);
  const known = new Set<string>();
  for (const entry of origins ?? [baseURL ?? '', page ?? '']) {
    const url = parse(entry, origins ? undefined : page);
    if (url && isSecure(url) && !url.hostname.includes('*')) known.add(url.origin);
    else if (origins || (entry === baseURL && (url || absolute.test(entry)))) {
      throw new TypeError(
        `Option "origins": ${JSON.stringify(entry.replace(/\/\/.*@/, '//…@'))} is no https: origin or loopback address without credentials. ` +
          'Pass origins like "https://api.example.com", or a function (url) => boolean to decide yourself.',
      );
    }
  }
  if (known.size === 0) {
    throw new TypeError(
      'Option "origins" is missing: the instance has no absolute baseURL, so it is not known where the token may go. ' +
        'Pass origins: ["https://api.example.com"], or set baseURL first.',
    );
  }
  return exactOrigins(known, base);
}
