/** What is put on one Axios instance. It asks the session and decides nothing. */
import type { AxiosError, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { originCheck } from './core/origins.js';
import { isUnauthorized } from './core/replay.js';
import { Exchange, isAborted, type Link } from './exchange.js';
import { checked, originsRule } from './options.js';
import type { Session } from './session.js';
import type { AttachOptions } from './types.js';

const attached = new WeakSet<AxiosInstance>();

export function attach(session: Session, instance: AxiosInstance, given: AttachOptions = {}): () => void {
  session.assertUsable();
  if (typeof instance !== 'function' || typeof (instance as Partial<AxiosInstance>).interceptors !== 'object') {
    throw new TypeError('attach expects an Axios instance.');
  }
  if (attached.has(instance))
    throw new TypeError('This Axios instance has a token session already: call what attach() returned first.');
  const { origins = session.options.origins } = checked<AttachOptions>(given, { origins: originsRule });
  const page = (globalThis as { location?: { href?: string } }).location?.href;
  const link: Link = {
    session,
    check: originCheck(origins, instance.defaults.baseURL, page, (error) => session.events.failed('origins', error)),
    active: true,
  };

  const isOurs = (config: InternalAxiosRequestConfig): boolean =>
    link.active && config.tokenRefresh !== false && !isAborted(config);
  // Two interceptors, so that the chain stays synchronous whenever nothing has to be waited for.
  const wait = instance.interceptors.request.use((config) => Exchange.of(link, config).waitTurn(config), undefined, {
    runWhen: (config) => session.mustWait && isOurs(config) && Exchange.of(link, config).concerns(config),
  });
  const wrap = instance.interceptors.request.use(
    (config) => {
      if (isOurs(config)) Exchange.of(link, config);
      return config;
    },
    undefined,
    { synchronous: true },
  );
  // The second line, for requests whose adapter was replaced after ours.
  const settle = instance.interceptors.response.use(
    (response: AxiosResponse) =>
      isUnanswered(response) ? (Exchange.find(response.config)?.resend(response.config) ?? response) : response,
    (error: unknown) => {
      const { response } = (error ?? {}) as Partial<AxiosError>;
      const again = isUnanswered(response) ? Exchange.find(response.config)?.resend(response.config) : undefined;
      return again ?? Promise.reject(error);
    },
  );

  attached.add(instance);
  return () => {
    if (!link.active) return;
    link.active = false;
    attached.delete(instance);
    instance.interceptors.request.eject(wait);
    instance.interceptors.request.eject(wrap);
    instance.interceptors.response.eject(settle);
  };
}

function isUnanswered(response: AxiosResponse | undefined): response is AxiosResponse {
  return typeof response?.config === 'object' && isUnauthorized(response);
}
