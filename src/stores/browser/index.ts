/** `axios-token-refresh/browser`: one session over all tabs of an origin. */
export { browserStore } from './store.js';
export type { BrowserStoreOptions } from './options.js';
export type { BrowserStoreFault } from './fault.js';
