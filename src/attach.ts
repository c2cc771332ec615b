/** What is put on one Axios instance. It asks the session and decides nothing. */
import type { AxiosInstance, AxiosInterceptorManager, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { checked } from './core/checks.js';
import { originCheck } from './core/origins.js';
import { field } from './core/redact.js';
import { isAborted } from './core/replay.js';
import { Exchange, type Link } from './exchange.js';
import { originsRule } from './options.js';
import type { Session } from './session.js';
import type { AttachOptions } from './types.js';

type Config = InternalAxiosRequestConfig;

const attached = new WeakSet<AxiosInstance>();

export function attach(session: Session, instance: AxiosInstance, given: AttachOptions = {}): () => void {
  session.assertUsable();
  if (typeof instance !== 'function' || typeof field(instance, 'interceptors') !== 'object') {
    throw new TypeError('attach expects an Axios instance.');
  }
  if (attached.has(instance)) {
    throw new TypeError('This Axios instance has a token session already: call what attach() returned first.');
  }
  const { origins = session.options.origins } = checked<AttachOptions>(
    given,
    { origins: originsRule },
    { of: 'attach' },
  );
  const { location, document } = globalThis as { location?: { href?: string }; document?: { baseURI?: string } };
  const page = location?.href;
  const link: Link = {
    session,
    check: originCheck(
      origins,
      instance.defaults.baseURL,
      page,
      (error) => session.events.failed('origins', error),
      () => document?.baseURI ?? page,
    ),
    active: true,
  };
  const { request, response } = instance.interceptors;

  const isOurs = (config: Config): boolean => link.active && config.tokenRefresh !== false && !isAborted(config);
  const wrap = (config: Config): Config => {
    if (isOurs(config)) Exchange.of(link, config);
    return config;
  };
  const wait = (config: Config): Promise<Config> => Exchange.of(link, config).waitTurn(config);
  const runWhen = (config: Config): boolean => {
    // Asked before any interceptor runs: none of them is to see a token that an earlier pass has left, and however long
    // they take, it is the request of who is signed in now.
    const exchange = new Exchange(link, config, Exchange.find(config));
    return session.mustWait && isOurs(config) && exchange.install().concerns;
  };
  // The second line, for requests whose adapter was replaced after ours.
  const answered = (response: AxiosResponse): AxiosResponse | Promise<AxiosResponse> =>
    Exchange.find(field(response, 'config'))?.resend({ response }) ?? response;
  const failed = (thrown: unknown): unknown => {
    const response = field(thrown, 'response') as AxiosResponse;
    return Exchange.find(field(response, 'config'))?.resend({ response, thrown }) ?? Promise.reject(thrown);
  };

  // Two interceptors, so that the chain stays synchronous whenever nothing has to be waited for.
  const waitId = request.use(wait, undefined, { runWhen });
  const wrapId = request.use(wrap, undefined, { synchronous: true });
  const answeredId = response.use(answered, failed);

  attached.add(instance);
  return () => {
    if (!link.active) return;
    link.active = false;
    attached.delete(instance);
    eject(request, waitId, wait);
    eject(request, wrapId, wrap);
    eject(response, answeredId, answered);
  };
}

/** Ejects what is still there: after `clear()`, older versions of Axios give the same id to somebody else. */
function eject<T>(manager: AxiosInterceptorManager<T>, id: number, fulfilled: unknown): void {
  const { handlers } = manager;
  if (!handlers || handlers.some((handler) => field(handler, 'fulfilled') === fulfilled)) manager.eject(id);
}
