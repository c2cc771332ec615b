/** The network as this page has it: it can be unplugged, for requests and refreshes alike. */
import axios, { AxiosError, type AxiosAdapter } from 'axios';

export interface Wire {
  readonly adapter: AxiosAdapter;
  readonly isOffline: boolean;
  unplug(): void;
  /** Tells the page so, as a browser does. */
  plugIn(): void;
}

export function createWire(): Wire {
  const fetched = axios.getAdapter('fetch');
  // A browser sends equal GETs one after the other, in case its cache can answer the next: a burst would be none.
  const send: AxiosAdapter = (config) => fetched({ ...config, fetchOptions: { cache: 'no-store' } });
  let unplugged = false;
  return {
    adapter: (config) =>
      unplugged ? Promise.reject(new AxiosError('Network Error', AxiosError.ERR_NETWORK, config)) : send(config),
    get isOffline() {
      return unplugged || !navigator.onLine;
    },
    unplug() {
      unplugged = true;
      dispatchEvent(new Event('offline'));
    },
    plugIn() {
      unplugged = false;
      dispatchEvent(new Event('online'));
    },
  };
}
