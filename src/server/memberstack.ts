/** Memberstack behind `createRefreshProxy`. Built from documentation only: never run against the service. */
import { checked, text, type Rules } from '../core/checks.js';
import { field } from '../core/redact.js';
import { safeUrl } from './checks.js';
import type { Upstream } from './proxy.js';

export interface MemberstackOptions {
  /** The app's public key, sent as `X-API-Key`. */
  readonly publicKey: string;
  /** The URL that refreshes tokens: Memberstack documents none, so yours must come from their support or your own back end. */
  readonly upstreamUrl: string;
}

const rules: Rules<MemberstackOptions> = { publicKey: text, upstreamUrl: safeUrl };

/**
 * The words of Memberstack for `createRefreshProxy`: `X-API-Key`, and answers of the form
 * `{ data: { tokens: { accessToken, expires } } }` with `expires` in milliseconds since the epoch.
 *
 * Built from documentation and from the published client package only. It has never been run against Memberstack.
 *
 * @throws {TypeError} naming an option that is unknown, missing or does not fit
 * @example
 * import { createRefreshProxy, memberstackUpstream } from 'axios-token-refresh/server';
 *
 * const refresh = createRefreshProxy({
 *   ...memberstackUpstream({ publicKey: 'pk_example', upstreamUrl: 'https://members.example.com/refresh' }),
 *   timeoutMs: 3_000,
 * });
 */
export function memberstackUpstream(options: MemberstackOptions): Upstream {
  const { publicKey, upstreamUrl } = checked<MemberstackOptions>(options, rules, {
    required: ['publicKey', 'upstreamUrl'],
    of: 'memberstackUpstream',
  });
  return {
    upstreamUrl,
    mapRequest: ({ refreshToken }) => ({
      headers: { 'X-API-Key': publicKey, Authorization: `Bearer ${refreshToken}` },
      data: { refreshToken },
    }),
    mapResponse: ({ data, headers }) => {
      const tokens = field(field(data, 'data'), 'tokens') ?? field(data, 'tokens') ?? data;
      // Their client also takes a new token from a header of any answer.
      const accessToken = field(tokens, 'accessToken') ?? headers['ms-mid'];
      const expires = field(tokens, 'expires');
      const left = typeof expires === 'number' ? Math.floor((expires - Date.now()) / 1000) : undefined;
      return { accessToken: accessToken as string, expiresIn: left };
    },
  };
}
