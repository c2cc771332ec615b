/** The two ways in, and the face that a session shows. */
import type { AxiosInstance } from 'axios';
import { attach } from './attach.js';
import { checked } from './core/checks.js';
import { onAbort } from './core/replay.js';
import { reasonOf } from './deadline.js';
import { bareClient } from './http.js';
import { callRules, resolveOptions } from './options.js';
import type { Turn } from './desk.js';
import { Session } from './session.js';
import type { GetAccessTokenOptions, TokenSession, TokenSessionOptions } from './types.js';

/**
 * Makes a session that no Axios instance is attached to yet.
 *
 * @throws {TypeError} for an unknown option or a value that does not fit, naming it
 * @throws {TokenError} `AUTH_TOKEN_MALFORMED` if the option `tokens` holds no token that can be put in a header
 * @example
 * const session = createTokenSession({
 *   refresh: async ({ tokens, http, signal }) => {
 *     const { data } = await http.post('https://login.example.com/refresh', { refreshToken: tokens?.refreshToken }, { signal });
 *     return { accessToken: data.accessToken, refreshToken: data.refreshToken };
 *   },
 * });
 * session.attach(orders, { origins: ['https://orders.example.com'] });
 * session.attach(billing, { origins: ['https://billing.example.com'] });
 */
export function createTokenSession(options: TokenSessionOptions): TokenSession {
  const resolved = resolveOptions(options);
  // In the order of attaching; a refresh goes the way of the first.
  const attachments = new Map<() => void, AxiosInstance>();
  const core: Session = new Session(resolved, (signal, seen) => {
    const [first] = attachments.values();
    return bareClient(first, signal, () => resolved.clock.now(), seen);
  });

  const session: TokenSession = {
    get status() {
      return core.getSnapshot().status;
    },
    ready: core.ready,
    attach(instance, attachOptions) {
      const off = attach(core, instance, attachOptions);
      const detach = (): void => {
        off();
        attachments.delete(detach);
      };
      attachments.set(detach, instance);
      return detach;
    },
    setTokens: (tokens) => core.setTokens(tokens),
    signOut: () => core.signOut(),
    getAccessToken: async (given = {}) => {
      const { signal } = checked<GetAccessTokenOptions>(given, callRules, { of: 'getAccessToken' });
      if (signal?.aborted) throw reasonOf(signal);
      return core.accessToken(callerTurn(signal));
    },
    refresh: () => core.refresh(callerTurn()),
    on(event, listener) {
      core.events.on(event, listener);
      return session;
    },
    once(event, listener) {
      core.events.on(event, listener, 'once');
      return session;
    },
    off(event, listener) {
      core.events.off(event, listener);
      return session;
    },
    subscribe: (listener) => core.events.subscribe(listener),
    getSnapshot: () => core.getSnapshot(),
    dispose() {
      core.dispose();
      for (const detach of attachments.keys()) detach();
    },
  };
  return Object.freeze(session);
}

/**
 * Makes a session and puts it on an Axios instance: from now on its requests leave with a valid token.
 *
 * @throws {TypeError} as {@link createTokenSession}; also if the instance has a session already, or has no absolute
 * `baseURL` and the option `origins` is missing
 * @example
 * const session = installTokenRefresh(api, {
 *   refresh: async ({ tokens, http, signal }) => {
 *     const { data } = await http.post('/auth/refresh', { refreshToken: tokens?.refreshToken }, { signal });
 *     return { accessToken: data.accessToken, refreshToken: data.refreshToken };
 *   },
 * });
 * await session.setTokens({ accessToken, refreshToken });
 */
export function installTokenRefresh(axios: AxiosInstance, options: TokenSessionOptions): TokenSession {
  const session = createTokenSession(options);
  try {
    session.attach(axios);
  } catch (error) {
    session.dispose();
    throw error;
  }
  return session;
}

/** A turn of the session's own methods: no timeout but the signal. */
function callerTurn(signal?: AbortSignal): Turn {
  return {
    holder: undefined,
    patient: true,
    refused: undefined,
    ownTimeMs: () => Infinity,
    interrupted: (listener) => onAbort({ signal }, () => listener(signal && reasonOf(signal))),
  };
}
